//! Sealing, as a host meets it: the engine's keys in a store are read under the host's key and no other; the
//! wrong key is told from damage, in clear only where the host says so, and sealed anew without a loss.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use grantlet::store::Store;
use grantlet::{Config, Engine, Secret, Status, Timestamp};

use crate::durable::{Lasting, SEALING_KEY, config, kids, on, stores, token, with};
use crate::support::folder::Folder;
use crate::support::stores::{Fate, Hooked};
use crate::support::{API, Fixture, START, tenant};

#[test]
fn a_sealed_store_needs_its_own_key() {
    let folder = Folder::new();
    for store in stores(&folder) {
        let tokens = on(&store).sign_in();
        let plain = || Config::from_value(tenant()).unwrap();
        let refusal = |config| with(&store, config).err().unwrap().status();
        assert_eq!(refusal(plain()), Status::ConfigKey);
        assert_eq!(
            refusal(plain().sealing_key(Secret::new([8; 32]))),
            Status::StoreSealed
        );
        assert_eq!(
            refusal(plain().sealing_key(Secret::new([7; 31]))),
            Status::ConfigKey
        );
        assert_eq!(
            refusal(plain().dangerous_plaintext_keys(true)),
            Status::StoreSealed
        );
        on(&store).refresh(token(&tokens.refresh_token)).unwrap();
    }
}

#[test]
fn keys_are_in_clear_only_where_the_host_says_so_and_are_sealed_later() {
    let folder = Folder::new();
    for store in stores(&folder) {
        let plain = || {
            Config::from_value(tenant())
                .unwrap()
                .dangerous_plaintext_keys(true)
        };
        let tokens = with(&store, plain()).unwrap().sign_in();
        with(&store, plain())
            .unwrap()
            .refresh(token(&tokens.refresh_token))
            .unwrap();
        // Keys that somebody else may have put there are not taken for sealed ones.
        assert_eq!(
            with(&store, config()).err().unwrap().status(),
            Status::StoreSealed
        );
        let both = with(&store, plain().sealing_key(Secret::new(SEALING_KEY))).unwrap();
        both.engine.verify(&tokens.access_token, API, &[]).unwrap();
        // Now they are.
        on(&store)
            .engine
            .verify(&tokens.access_token, API, &[])
            .unwrap();
        assert_eq!(
            with(&store, plain()).err().unwrap().status(),
            Status::StoreSealed
        );
    }
}

#[test]
fn resealing_is_one_call_and_the_old_key_is_over() {
    let folder = Folder::new();
    for store in stores(&folder) {
        let first = on(&store);
        let other = on(&store);
        let tokens = first.sign_in();
        assert_eq!(
            first
                .engine
                .reseal(&Secret::new([1; 5]))
                .unwrap_err()
                .status(),
            Status::ConfigKey
        );
        first.engine.reseal(&Secret::new([9; 32])).unwrap();
        first.refresh(token(&tokens.refresh_token)).unwrap();
        first.engine.rotate_keys().unwrap();
        // Who does not know the new key says so, and does not go on with what may be out of date.
        other.clock.advance(1);
        assert_eq!(other.service_error(), Status::StoreSealed);
        assert_eq!(
            with(&store, config()).err().unwrap().status(),
            Status::StoreSealed
        );
        let renewed = Config::from_value(tenant())
            .unwrap()
            .sealing_key(Secret::new([9; 32]));
        let second = with(&store, renewed).unwrap();
        assert_eq!(kids(&second.engine), kids(&first.engine));
        second
            .engine
            .verify(&tokens.access_token, API, &[])
            .unwrap();
    }
    let memory = Fixture::new()
        .engine
        .reseal(&Secret::new(SEALING_KEY))
        .unwrap_err();
    assert_eq!(memory.status(), Status::StoreUnsupported);
}

/// Whichever call to the store fails: what is told to be done is done, and else one of the two keys opens
/// the store. The engine itself goes on in any case.
#[test]
fn a_resealing_that_fails_loses_no_key() {
    let (old, new) = (|| Secret::new(SEALING_KEY), || Secret::new([9; 32]));
    for fate in [Fate::Fails, Fate::DoneButFails, Fate::Loses] {
        for at in 0..5 {
            let hooked = Arc::new(Hooked::over(Arc::new(Lasting::default())));
            let store: Arc<dyn Store> = hooked.clone();
            let fixture = on(&store);
            let tokens = fixture.sign_in();
            hooked.hook(move |number, _| if number == at { fate } else { Fate::Done });
            let told = fixture.engine.reseal(&new());
            hooked.unhook();
            let opens = |key: Secret| {
                let config = Config::from_value(tenant()).unwrap().sealing_key(key);
                with(&store, config).map_err(|error| error.status())
            };
            match (told, opens(old()), opens(new())) {
                (Ok(()), Err(Status::StoreSealed), Ok(_)) => {}
                (Err(_), Ok(_), Err(Status::StoreSealed)) => {}
                (Err(_), Err(Status::StoreSealed), Ok(_)) => {
                    assert_eq!(fate, Fate::DoneButFails, "{at}");
                }
                (told, with_old, with_new) => panic!(
                    "{fate:?} at {at}: told {told:?}, opened by the old {}, by the new {}",
                    with_old.is_ok(),
                    with_new.is_ok()
                ),
            }
            fixture.clock.advance(1);
            fixture.refresh(token(&tokens.refresh_token)).unwrap();
            fixture.engine.rotate_keys().unwrap();
        }
    }
}

/// A clock of which every look is a second later: every request looks at the store.
struct Ticking(AtomicU64);

impl grantlet::Clock for Ticking {
    fn now(&self) -> grantlet::Result<Timestamp> {
        Ok(Timestamp::from_secs(self.0.fetch_add(1, Ordering::SeqCst)))
    }
}

#[test]
fn while_a_store_is_sealed_anew_requests_go_on() {
    let folder = Folder::new();
    for store in stores(&folder) {
        let engine = Engine::builder(config())
            .store(store)
            .clock(Arc::new(Ticking(AtomicU64::new(START))))
            .build()
            .unwrap();
        let fixture = Fixture {
            engine,
            clock: Arc::default(),
        };
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let requests = [0, 1].map(|_| {
                scope.spawn(|| {
                    while !stop.load(Ordering::SeqCst) {
                        fixture.service_token();
                    }
                })
            });
            for number in 0..50 {
                fixture.engine.reseal(&Secret::new([number; 32])).unwrap();
            }
            stop.store(true, Ordering::SeqCst);
            for thread in requests {
                thread.join().unwrap();
            }
        });
    }
}

impl Fixture {
    fn service_error(&self) -> Status {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "notes-service"),
            ("client_secret", crate::support::WEB_SECRET),
            ("audience", API),
        ];
        self.token(&form).unwrap_err().status()
    }
}

/// The state is one record: any byte of it that changes is found out, at whichever place.
#[test]
fn a_damaged_state_is_told_from_the_wrong_key() {
    let folder = Folder::new();
    let path = folder.file("grants.db");
    let open = |path: &Path| {
        Engine::open(
            Config::from_value(tenant()).unwrap(),
            path,
            Secret::new(SEALING_KEY),
        )
    };
    drop(open(&path).unwrap());
    let conn = rusqlite::Connection::open(&path).unwrap();
    let good: Vec<u8> = conn
        .query_row("SELECT sealed FROM state", [], |row| row.get(0))
        .unwrap();
    let put = |bytes: &[u8]| {
        conn.execute("UPDATE state SET sealed = ?1", [bytes])
            .unwrap()
    };
    for at in [0, 5, 9, 15, 30, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        put(&bad);
        let status = open(&path).unwrap_err().status();
        let expected = match at {
            // Read as in clear; or as another key's.
            0 | 5 => Status::StoreSealed,
            _ => Status::StoreCorrupt,
        };
        assert_eq!(status, expected, "{at}");
    }
    put(&[]);
    assert_eq!(open(&path).unwrap_err().status(), Status::StoreCorrupt);
    put(&good);
    open(&path).unwrap();
}
