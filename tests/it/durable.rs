//! What outlives the process: sessions, keys, and what was changed of clients and APIs; shared by
//! all who open the same store, and the same whether the store is SQLite or a host's own.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

use grantlet::store::{Key, Loaded, MemoryStore, Owner, Record, SqliteStore, Store, StoreResult};
use grantlet::{
    Algorithm, Api, Client, Config, Engine, Error, GrantFilter, Login, ManualClock, Secret, Signer,
    SigningKey, Status, SystemRandom, Timestamp,
};
use serde_json::{Value, json};

use crate::support::folder::Folder;
use crate::support::stores::{Fate, Hooked, Verb};
use crate::support::{API, Fixture, START, app_query, decode, tenant};

pub(crate) const SEALING_KEY: [u8; 32] = [7; 32];

pub(crate) fn config() -> Config {
    Config::from_value(tenant())
        .unwrap()
        .sealing_key(Secret::new(SEALING_KEY))
}

/// An engine on [`tenant`] and this store.
pub(crate) fn on(store: &Arc<dyn Store>) -> Fixture {
    with(store, config()).unwrap()
}

pub(crate) fn with(store: &Arc<dyn Store>, config: Config) -> Result<Fixture, Error> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_secs(START)));
    let engine = Engine::builder(config)
        .store(store.clone())
        .clock(clock.clone())
        .build()?;
    Ok(Fixture { engine, clock })
}

/// Stores of each kind that outlive an engine.
pub(crate) fn stores(folder: &Folder) -> [Arc<dyn Store>; 2] {
    [
        Arc::new(SqliteStore::open(folder.file("grants.db")).unwrap()),
        Arc::new(Lasting::default()),
    ]
}

/// A memory store that says of itself that it lasts: as a host's own may do.
#[derive(Default)]
pub(crate) struct Lasting {
    inner: MemoryStore,
    /// Whether it lists everybody's grants, whoever is asked for.
    lists_all: bool,
}

impl Store for Lasting {
    fn insert(&self, key: &Key, record: Record) -> StoreResult<bool> {
        self.inner.insert(key, record)
    }

    fn load(&self, key: &Key) -> StoreResult<Option<Loaded>> {
        self.inner.load(key)
    }

    fn swap(&self, key: &Key, version: u64, record: Record) -> StoreResult<bool> {
        self.inner.swap(key, version, record)
    }

    fn owned_by(&self, owner: Owner<'_>) -> StoreResult<Vec<Key>> {
        self.inner.owned_by(match self.lists_all {
            true => Owner::default(),
            false => owner,
        })
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> StoreResult<usize> {
        self.inner.sweep(now, limit)
    }
}

pub(crate) fn kids(engine: &Engine) -> BTreeSet<String> {
    let jwks = engine.jwks();
    let keys = jwks["keys"].as_array().unwrap();
    keys.iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn kid(token: &str) -> String {
    decode(token).0["kid"].as_str().unwrap().to_owned()
}

pub(crate) fn token(text: &Option<grantlet::SecretText>) -> &str {
    text.as_deref().unwrap()
}

#[test]
fn engine_open_is_all_that_a_host_writes() {
    let folder = Folder::new();
    let path = folder.file("grants.db");
    let open = || {
        let config = Config::from_value(tenant()).unwrap();
        let engine = Engine::open(config, &path, Secret::new(SEALING_KEY)).unwrap();
        Fixture {
            engine,
            clock: Arc::default(),
        }
    };
    let tokens = open().sign_in();
    open().refresh(token(&tokens.refresh_token)).unwrap();
}

#[test]
fn a_configuration_names_the_file_and_the_sealing_key() {
    let folder = Folder::new();
    let mut tenant = tenant();
    tenant["store"] = json!({"sqlite": folder.file("grants.db")});
    tenant["keys"] = json!({"sealing": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"});
    let open = |tenant: &Value| {
        let engine = Engine::new(Config::from_value(tenant.clone())?)?;
        Ok::<_, Error>(Fixture {
            engine,
            clock: Arc::default(),
        })
    };
    let tokens = open(&tenant).unwrap().sign_in();
    open(&tenant)
        .unwrap()
        .refresh(token(&tokens.refresh_token))
        .unwrap();

    let refused = |change: &dyn Fn(&mut Value)| {
        let mut changed = tenant.clone();
        change(&mut changed);
        open(&changed).err().unwrap()
    };
    let unknown = refused(&|tenant| tenant["store"] = json!({"sqlit": "x"}));
    assert_eq!(unknown.status(), Status::ConfigUnknownKey);
    assert!(unknown.description().contains("sqlite"), "{unknown}");
    let other = refused(&|tenant| tenant["store"] = "postgres://me:secret@db/x".into());
    assert_eq!(other.status(), Status::Config);
    assert!(!format!("{other:?}").contains("secret"), "{other:?}");
    for key in [
        "",
        "AAAA",
        "not base64url!",
        "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
    ] {
        let error = refused(&|tenant| tenant["keys"] = json!({"sealing": key}));
        assert_eq!(error.status(), Status::ConfigKey, "{key}");
        assert!(
            key.is_empty() || !format!("{error:?}").contains(key),
            "{error:?}"
        );
    }
    let none = refused(&|tenant| tenant["keys"] = json!({}));
    assert_eq!(none.status(), Status::ConfigKey);
    assert!(none.description().contains("keys.sealing"), "{none}");
}

#[test]
fn sessions_keys_and_changes_outlive_the_engine() {
    let folder = Folder::new();
    for store in stores(&folder) {
        let first = on(&store);
        let tokens = first.sign_in();
        let code = first.app_code("read:notes offline_access");
        let kept = kids(&first.engine);
        first
            .engine
            .put_client(
                Client::public("late")
                    .redirect_uri("http://127.0.0.1/late")
                    .build()
                    .unwrap(),
            )
            .unwrap();
        let eddsa = Api::new("https://late.example.com/").signing_alg(Algorithm::EdDSA);
        first.engine.put_api(eddsa).unwrap();
        first.engine.remove_client("notes-spa").unwrap();
        first
            .engine
            .remove_api("https://other.example.com/")
            .unwrap();
        let changed = kids(&first.engine);
        assert_eq!(
            changed.difference(&kept).count(),
            2,
            "EdDSA, current and next"
        );
        drop(first);

        let second = on(&store);
        assert_eq!(kids(&second.engine), changed);
        second
            .engine
            .verify(&tokens.access_token, API, &["read:notes"])
            .unwrap();
        assert_eq!(
            kid(&second.service_token().access_token),
            kid(&tokens.access_token)
        );
        second.refresh(token(&tokens.refresh_token)).unwrap();
        second.redeem(&code).unwrap();
        let asks = |client: &str, callback: &str, audience: &str| {
            second.engine.authorize(&format!(
                "response_type=code&client_id={client}&redirect_uri={callback}&audience={audience}\
                 &code_challenge={}&code_challenge_method=S256",
                crate::support::CHALLENGE
            ))
        };
        asks("late", "http://127.0.0.1/late", "https://late.example.com/").unwrap();
        let gone = asks("notes-spa", "https://spa.example.com/", API).unwrap_err();
        assert_eq!(gone.error.status(), Status::InvalidClientUnknown);
        let gone = asks(
            "late",
            "http://127.0.0.1/late",
            "https://other.example.com/",
        )
        .unwrap_err();
        assert_eq!(gone.error.status(), Status::InvalidTarget);

        // What was removed can be put again.
        second
            .engine
            .put_client_json(
                r#"{"client_id": "notes-spa", "redirect_uris": ["http://127.0.0.1/x"]}"#,
            )
            .unwrap();
        drop(second);
        let third = on(&store);
        let query = crate::support::changed(
            &app_query("read:notes"),
            &[
                ("client_id", "notes-spa"),
                ("redirect_uri", "http://127.0.0.1/x"),
            ],
        );
        third.engine.authorize(&query).unwrap();
    }
}

#[test]
fn a_rotation_of_keys_outlives_the_engine() {
    let folder = Folder::new();
    for store in stores(&folder) {
        let first = on(&store);
        let old = first.sign_in();
        first.engine.rotate_keys().unwrap();
        let new = first.sign_in();
        assert_ne!(kid(&old.access_token), kid(&new.access_token));
        let kept = kids(&first.engine);
        drop(first);
        let second = on(&store);
        assert_eq!(kids(&second.engine), kept);
        for tokens in [&old, &new] {
            second
                .engine
                .verify(&tokens.access_token, API, &[])
                .unwrap();
            let next = second.refresh(token(&tokens.refresh_token)).unwrap();
            assert_eq!(kid(&next.access_token), kid(&new.access_token));
        }
    }
}

/// A key of the configuration that is new takes over; one that is known stays where it is, or each start
/// would undo a rotation.
#[test]
fn keys_of_the_configuration_take_over_once() {
    let folder = Folder::new();
    for store in stores(&folder) {
        let key = |seed| {
            SigningKey::generate(Algorithm::EdDSA, &grantlet::ScriptedRandom::new(seed)).unwrap()
        };
        let configured = |seed: u8| {
            let mut tenant = tenant();
            tenant["apis"][0]["signing_alg"] = "EdDSA".into();
            let config = Config::from_value(tenant)
                .unwrap()
                .sealing_key(Secret::new(SEALING_KEY));
            config
                .signing_key(key(seed.into()))
                .token_key(Secret::new([seed; 32]))
        };
        let first = with(&store, configured(1)).unwrap();
        let of_first = first.sign_in();
        assert_eq!(kid(&of_first.access_token), key(1).kid());
        first.engine.rotate_keys().unwrap();
        let rotated = kid(&first.sign_in().access_token);
        assert_ne!(rotated, key(1).kid());
        drop(first);

        let same = with(&store, configured(1)).unwrap();
        assert_eq!(
            kid(&same.sign_in().access_token),
            rotated,
            "the rotation stands"
        );
        drop(same);

        let other = with(&store, configured(2)).unwrap();
        assert_eq!(kid(&other.sign_in().access_token), key(2).kid());
        other
            .engine
            .verify(&of_first.access_token, API, &[])
            .unwrap();
        other.refresh(token(&of_first.refresh_token)).unwrap();
        // Whoever knows the configured token key can read what is made now: it took over too.
        let alone = Fixture::of(
            Config::from_value(tenant())
                .unwrap()
                .token_key(Secret::new([2; 32])),
            |builder| builder,
        );
        let made = other.sign_in();
        let error = alone.refresh(token(&made.refresh_token)).unwrap_err();
        assert_eq!(
            error.status(),
            Status::InvalidGrantUnknown,
            "known key, unknown grant"
        );
    }
}

struct Device(SigningKey, AtomicBool);

impl Signer for Device {
    fn sign(&self, input: &[u8]) -> grantlet::Result<Vec<u8>> {
        assert!(!self.1.load(Ordering::SeqCst), "the device is gone");
        let mut signature = Vec::new();
        self.0.sign(input, &mut signature)?;
        Ok(signature)
    }
}

/// A host's own key is not in the store, only its public half. An engine without its signer, such as a
/// tool's on the same file, verifies what it signed, signs nothing, and changes nothing about it: only
/// [`Engine::rotate_keys`] moves on to a key of our own.
#[test]
fn a_signer_of_the_host_s_may_come_and_go() {
    let folder = Folder::new();
    for store in stores(&folder) {
        let key = SigningKey::generate(Algorithm::ES256, &SystemRandom::default()).unwrap();
        let jwk = key.public_jwk().unwrap();
        let hardware = jwk["kid"].as_str().unwrap();
        let device = Arc::new(Device(key, AtomicBool::new(false)));
        let signed_by_host = || {
            let signer: Arc<dyn Signer> = device.clone();
            config().signing_key(SigningKey::external(&jwk, signer).unwrap())
        };
        let ours = on(&store);
        let before = kid(&ours.sign_in().access_token);
        let server = with(&store, signed_by_host()).unwrap();
        let by_host = server.sign_in();
        assert_eq!(kid(&by_host.access_token), hardware);

        // The one that was there first has no signer either: it must not sign under a key of its own.
        let tool = on(&store);
        for without in [&ours, &tool] {
            without.clock.advance(1);
            without
                .engine
                .verify(&by_host.access_token, API, &[])
                .unwrap();
            let error = without.refresh(token(&by_host.refresh_token)).unwrap_err();
            assert_eq!(error.status(), Status::ServerError);
            assert!(error.detail().unwrap().contains("signer"), "{error}");
        }
        server.clock.advance(2);
        assert_eq!(
            kid(&server
                .refresh(token(&by_host.refresh_token))
                .unwrap()
                .access_token),
            hardware
        );
        drop(server);
        let server = with(&store, signed_by_host()).unwrap();
        assert_eq!(kid(&server.sign_in().access_token), hardware);

        device.1.store(true, Ordering::SeqCst);
        tool.engine.rotate_keys().unwrap();
        let now = kid(&tool.sign_in().access_token);
        assert!(now != hardware && now != before);
        tool.engine.verify(&by_host.access_token, API, &[]).unwrap();
        assert!(
            kids(&tool.engine).contains(hardware),
            "a previous key is still published"
        );
        server.clock.advance(3);
        assert_eq!(kid(&server.sign_in().access_token), now);
    }
}

/// A key that was rotated out, because it leaked perhaps, stays out, however long ago that was and though
/// the configuration still holds it.
#[test]
fn a_key_of_the_configuration_that_was_rotated_out_does_not_come_back() {
    let folder = Folder::new();
    for store in stores(&folder) {
        let key =
            || SigningKey::generate(Algorithm::EdDSA, &grantlet::ScriptedRandom::new(1)).unwrap();
        let open = || {
            let mut tenant = tenant();
            tenant["apis"][0]["signing_alg"] = "EdDSA".into();
            let config = Config::from_value(tenant).unwrap().signing_key(key());
            with(&store, config.sealing_key(Secret::new(SEALING_KEY))).unwrap()
        };
        let first = open();
        assert_eq!(kid(&first.sign_in().access_token), key().kid());
        let mut seen = BTreeSet::from([key().kid().to_owned()]);
        for _ in 0..4 {
            first.clock.advance(10 * 24 * 3600);
            first.engine.rotate_keys().unwrap();
            let signs = kid(&first.sign_in().access_token);
            assert!(seen.insert(signs.clone()), "a key came back");
            assert_eq!(kid(&open().sign_in().access_token), signs);
        }
        assert!(!kids(&first.engine).contains(key().kid()), "long dropped");
    }
}

#[test]
fn another_key_of_the_same_name_is_refused() {
    let vectors: Value = serde_json::from_str(include_str!("../vectors/keys.json")).unwrap();
    let keys = vectors["keys"].as_array().unwrap();
    let rsa = keys.iter().find(|key| key["name"] == "rsa2048").unwrap();
    let jwk = |jwk: &Value, member: &str, value: &str| {
        let mut jwk = jwk.clone();
        jwk[member] = value.into();
        SigningKey::from_jwk(&jwk).unwrap()
    };
    let named_main = |seed| {
        let key = SigningKey::generate(Algorithm::EdDSA, &grantlet::ScriptedRandom::new(seed));
        let text = key.unwrap().to_private_jwk().unwrap();
        jwk(
            &serde_json::from_slice(text.expose()).unwrap(),
            "kid",
            "main",
        )
    };
    let rsa_for = |alg: &str| jwk(&rsa["private_jwk"], "alg", alg);
    for pair in [
        [named_main(1), named_main(2)],
        [rsa_for("RS256"), rsa_for("PS256")],
    ] {
        let store: Arc<dyn Store> = Arc::new(Lasting::default());
        let [first, second] = pair;
        with(&store, config().signing_key(first)).unwrap();
        let error = with(&store, config().signing_key(second)).err().unwrap();
        assert_eq!(error.status(), Status::ConfigKey);
        assert!(error.description().contains("kid"), "{error}");
    }
}

/// Two engines on one store, as an app and its extension are: who has not changed anything sees it within
/// a second of the clock, and keys at once, since each is published before it is used.
#[test]
fn engines_on_one_store_see_each_other_s_changes() {
    let folder = Folder::new();
    for store in stores(&folder) {
        let (app, extension) = (on(&store), on(&store));
        assert_eq!(kids(&app.engine), kids(&extension.engine));
        app.engine.rotate_keys().unwrap();
        let tokens = app.sign_in();
        extension
            .engine
            .verify(&tokens.access_token, API, &[])
            .unwrap();
        let next = extension.refresh(token(&tokens.refresh_token)).unwrap();
        app.engine.verify(&next.access_token, API, &[]).unwrap();

        app.engine.remove_client("notes-app").unwrap();
        extension.clock.advance(1);
        let error = extension.refresh(token(&next.refresh_token)).unwrap_err();
        assert_eq!(error.status(), Status::InvalidClientUnknown);
        assert_eq!(kids(&app.engine), kids(&extension.engine));
        // Who changes something sees first what the other has changed.
        extension
            .engine
            .put_client_json(r#"{"client_id": "x", "redirect_uris": []}"#)
            .unwrap();
        app.clock.advance(1);
        assert!(app.engine.remove_client("x").is_ok());
        assert_eq!(
            app.engine.remove_client("notes-app").unwrap_err().status(),
            Status::NotFound
        );
    }
}

/// A process that was idle while keys rotated gets two requests at once: neither is answered by what it
/// knew before.
#[test]
fn whoever_comes_while_another_looks_looks_too() {
    let lasting: Arc<dyn Store> = Arc::new(Lasting::default());
    let app = on(&lasting);
    let hooked = Arc::new(Hooked::over(lasting));
    let store: Arc<dyn Store> = hooked.clone();
    let extension = Arc::new(on(&store));
    let mut tokens = app.sign_in();
    for _ in 0..2 {
        app.clock.advance(3_600);
        app.engine.rotate_keys().unwrap();
        tokens = app.refresh(token(&tokens.refresh_token)).unwrap();
    }
    extension.clock.advance(7_200);
    let second = Arc::new(std::sync::Mutex::new(None));
    let (inside, got, newest) = (extension.clone(), second.clone(), tokens.clone());
    hooked.hook(move |number, _| {
        if number == 0 {
            let answer = inside.refresh(token(&newest.refresh_token));
            *got.lock().unwrap() = Some(answer.map(|_| ()));
        }
        Fate::Done
    });
    extension.refresh(token(&tokens.refresh_token)).unwrap();
    hooked.unhook();
    second.lock().unwrap().take().unwrap().unwrap();
}

#[test]
fn of_many_who_open_a_new_store_at_once_all_have_the_same_keys() {
    let folder = Folder::new();
    for round in 0..5 {
        let path = folder.file(&format!("{round}.db"));
        let barrier = Barrier::new(6);
        let all: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..6)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        Engine::open(
                            Config::from_value(tenant()).unwrap(),
                            &path,
                            Secret::new(SEALING_KEY),
                        )
                        .unwrap()
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let sets: BTreeSet<_> = all.iter().map(kids).collect();
        assert_eq!(sets.len(), 1);
        let tokens = Fixture {
            engine: all[0].clone(),
            clock: Arc::default(),
        };
        let issued = tokens.sign_in();
        for engine in &all {
            engine.verify(&issued.access_token, API, &[]).unwrap();
        }
    }
}

/// No change is lost, whoever else changes something at the same moment.
#[test]
fn changes_made_at_once_are_all_there() {
    let folder = Folder::new();
    for store in stores(&folder) {
        let engines = [on(&store), on(&store)];
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let engine = &engines[thread % 2].engine;
                scope.spawn(move || {
                    for number in 0..5 {
                        let client = Client::public(format!("client-{thread}-{number}"));
                        engine.put_client(client.build().unwrap()).unwrap();
                    }
                });
            }
        });
        let fresh = on(&store);
        for thread in 0..4 {
            for number in 0..5 {
                let name = format!("client-{thread}-{number}");
                assert_eq!(fresh.engine.remove_client(&name).unwrap(), 0, "{name}");
            }
        }
    }
}

/// A backup that is put back under a running engine: it takes it over, and goes on.
#[test]
fn a_state_that_went_back_is_taken_over() {
    let lasting = Arc::new(Lasting::default());
    let store: Arc<dyn Store> = lasting.clone();
    let fixture = on(&store);
    let key = Key::new(*b"grantlet's state");
    let old = lasting.load(&key).unwrap().unwrap();
    for client in ["x", "y"] {
        let metadata = json!({"client_id": client, "redirect_uris": []}).to_string();
        fixture.engine.put_client_json(&metadata).unwrap();
    }
    let now = lasting.load(&key).unwrap().unwrap();
    assert!(lasting.swap(&key, now.version, old.record).unwrap());
    fixture.clock.advance(1);
    fixture.sign_in();
    assert_eq!(
        fixture.engine.remove_client("x").unwrap_err().status(),
        Status::NotFound
    );
    fixture
        .engine
        .put_client_json(r#"{"client_id": "z", "redirect_uris": []}"#)
        .unwrap();
    on(&store).engine.remove_client("z").unwrap();
}

/// A store that fails at any of its calls while the engine opens or changes something: it says so, nothing
/// is half done, and the next try works.
#[test]
fn a_store_that_fails_at_any_call_leaves_the_state_whole() {
    for fate in [Fate::Fails, Fate::DoneButFails, Fate::Loses] {
        for at in 0..12 {
            let lasting: Arc<dyn Store> = Arc::new(Lasting::default());
            let hooked = Arc::new(Hooked::over(lasting));
            let store: Arc<dyn Store> = hooked.clone();
            hooked.hook(move |number, _| if number == at { fate } else { Fate::Done });
            let opened = with(&store, config());
            let calls = hooked.unhook();
            if let Err(error) = &opened {
                assert!(at < calls.len(), "{error}");
                assert_eq!(error.status(), Status::ServerError);
            }
            drop(opened);
            let fixture = on(&store);
            let tokens = fixture.sign_in();

            hooked.hook(move |number, _| if number == at { fate } else { Fate::Done });
            let put = fixture
                .engine
                .put_client_json(r#"{"client_id": "x", "redirect_uris": []}"#);
            let rotated = fixture.engine.rotate_keys();
            let calls = hooked.unhook();
            assert!(calls.contains(&Verb::Swap));
            let again = on(&store);
            for engine in [&fixture.engine, &again.engine] {
                engine.verify(&tokens.access_token, API, &[]).unwrap();
            }
            fixture.clock.advance(1);
            assert_eq!(
                kids(&fixture.engine),
                kids(&again.engine),
                "{fate:?} at {at}"
            );
            let is_there = again.engine.remove_client("x").is_ok();
            assert!(
                is_there || put.is_err(),
                "{fate:?} at {at}: what was answered is done"
            );
            if rotated.is_ok() {
                assert_ne!(
                    kid(&again.sign_in().access_token),
                    kid(&tokens.access_token)
                );
            }
        }
    }
}

/// Removing a client revokes what it holds, in the store: no engine that has not heard of it yet gives
/// the client another token of a grant.
#[test]
fn a_removed_client_s_grants_are_over_everywhere_at_once() {
    let folder = Folder::new();
    for store in stores(&folder) {
        let (app, extension) = (on(&store), on(&store));
        let tokens = app.sign_in();
        app.engine.remove_client("notes-app").unwrap();
        let error = extension.refresh(token(&tokens.refresh_token)).unwrap_err();
        assert_eq!(error.status(), Status::InvalidGrantRevoked);
        let listed = extension.engine.grants(GrantFilter::default()).unwrap();
        assert!(
            listed
                .iter()
                .all(|grant| grant.state == grantlet::GrantState::Revoked)
        );
    }
}

/// A claim is what it was, whatever store it went through; what no reader of JSON would read again is
/// refused when it is approved.
#[test]
fn the_login_s_claims_come_back_as_they_were() {
    let folder = Folder::new();
    let nested = |depth: usize| (0..depth).fold(json!(0.1), |inner, _| json!([inner]));
    let claims = [
        ("tiny", json!(5e-324)),
        ("third", json!(0.333_333_333_333_333_3)),
        ("odd", json!(1.797_693_134_862_315_7e308)),
        ("large", json!(u64::MAX)),
        ("text", json!("\u{0} \" \\ \u{1F511}")),
        ("deep", nested(32)),
    ];
    for store in stores(&folder) {
        let first = on(&store);
        let mut login = Login::new("alice");
        for (name, value) in &claims {
            login = login.access_token_claim(*name, value.clone());
        }
        let response = first.approve_as(&app_query("read:notes offline_access"), &login);
        let mut tokens = first.redeem(&crate::support::code(&response)).unwrap();
        drop(first);
        for _ in 0..3 {
            tokens = on(&store).refresh(token(&tokens.refresh_token)).unwrap();
            let (_, issued) = decode(&tokens.access_token);
            for (name, value) in &claims {
                assert_eq!(issued[*name], *value, "{name}");
            }
        }
        let too_deep = Login::new("alice").id_token_claim("deep", nested(33));
        let engine = on(&store).engine;
        let pending = engine.authorize(&app_query("read:notes")).unwrap();
        let error = engine.approve(&pending, &too_deep).unwrap_err();
        assert_eq!(error.status(), Status::Usage);
        assert!(error.description().contains("deep"), "{error}");
    }
}

/// A host's database that takes ALICE for alice: nobody's session ends for somebody else's.
#[test]
fn a_store_that_lists_too_much_is_not_believed() {
    let store: Arc<dyn Store> = Arc::new(Lasting {
        lists_all: true,
        ..Lasting::default()
    });
    let mut tenant = tenant();
    tenant["clients"][2]["refresh_token"] = json!({"max_live_grants": 1});
    let config = Config::from_value(tenant).unwrap();
    let fixture = with(&store, config.sealing_key(Secret::new(SEALING_KEY))).unwrap();
    let sign_in = |user: &str| {
        let query = app_query("read:notes offline_access");
        let response = fixture.approve_as(&query, &Login::new(user));
        fixture.redeem(&crate::support::code(&response)).unwrap()
    };
    let alice = sign_in("alice");
    let shouted = sign_in("ALICE");
    let of = |subject| GrantFilter {
        client_id: None,
        subject: Some(subject),
    };
    assert_eq!(fixture.engine.grants(of("alice")).unwrap().len(), 1);
    assert_eq!(fixture.engine.revoke_grants(of("alice")).unwrap(), 1);
    let error = fixture.refresh(token(&alice.refresh_token)).unwrap_err();
    assert_eq!(error.status(), Status::InvalidGrantRevoked);
    fixture.refresh(token(&shouted.refresh_token)).unwrap();
}
