//! Many at once: who wins, and what each of them gets. Races are made by threads where any outcome of
//! the scheduler must do, and by a store that lets another call in at one exact point where a certain
//! interleaving is meant.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, OnceLock};

use grantlet::store::Key;
use grantlet::{
    Config, Engine, Error, GrantFilter, Secret, Signer, SigningKey, Status, TokenResponse,
};
use serde_json::json;

use crate::support::stores::{Backend, Fate, Hooked, Verb};
use crate::support::{API, Fixture, tenant};

const THREADS: usize = 6;

/// An engine whose every call to the store can be interrupted.
fn hooked(backend: Backend, leeway: serde_json::Value) -> (Fixture, Arc<Hooked>) {
    let mut tenant = tenant();
    tenant["clients"][2]["refresh_token"] = json!({"leeway": leeway});
    let config = Config::from_value(tenant).unwrap();
    let store = Hooked::on(backend);
    let with_store = store.clone();
    let fixture = Fixture::of(config.sealing_key(Secret::new([7; 32])), |builder| {
        builder.store(with_store)
    });
    (fixture, store)
}

fn text(tokens: &TokenResponse) -> &str {
    tokens.refresh_token.as_deref().unwrap()
}

fn grant_id(fixture: &Fixture) -> String {
    fixture.engine.grants(GrantFilter::default()).unwrap()[0]
        .grant_id
        .clone()
}

/// Does the same from many threads at the same moment.
fn at_once<T: Send>(work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                let (barrier, work) = (&barrier, &work);
                scope.spawn(move || {
                    barrier.wait();
                    work(number)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

/// RFC 6749 §4.1.2: one use. Whoever comes second ends what the first one got.
#[test]
fn of_many_who_redeem_one_code_exactly_one_wins_and_the_others_revoke() {
    for _ in 0..10 {
        let fixture = Fixture::new();
        let code = fixture.app_code("read:notes offline_access");
        let answers = at_once(|_| fixture.redeem(&code));
        let winners: Vec<_> = answers.iter().flatten().collect();
        assert_eq!(winners.len(), 1);
        let mut losers: Vec<_> = answers
            .iter()
            .filter_map(|a| a.as_ref().err())
            .map(Error::status)
            .collect();
        losers.sort_by_key(|status| status.code());
        assert_eq!(losers[0], Status::InvalidGrantReused);
        assert!(
            losers[1..]
                .iter()
                .all(|&status| status == Status::InvalidGrantRevoked)
        );
        let after = fixture.refresh(text(winners[0])).unwrap_err();
        assert_eq!(after.status(), Status::InvalidGrantRevoked);
    }
}

#[test]
fn all_who_refresh_one_token_at_once_get_the_same_successor() {
    for _ in 0..10 {
        let fixture = Fixture::new();
        let mut token = fixture.sign_in().refresh_token.unwrap();
        for generation in 2..5 {
            let answers = at_once(|_| fixture.refresh(&token).unwrap());
            let successors: BTreeSet<&str> = answers.iter().map(text).collect();
            assert_eq!(successors.len(), 1, "one successor");
            let access: BTreeSet<&str> =
                answers.iter().map(|answer| &*answer.access_token).collect();
            assert_eq!(access.len(), THREADS, "an access token for each");
            assert_eq!(
                fixture.engine.grants(GrantFilter::default()).unwrap()[0].generation,
                generation
            );
            token = answers[0].refresh_token.clone().unwrap();
        }
    }
}

#[test]
fn without_leeway_one_of_many_wins_and_the_race_is_taken_for_theft() {
    for backend in Backend::ALL.repeat(10) {
        let (fixture, _store) = hooked(backend, json!(0));
        let token = fixture.sign_in().refresh_token.unwrap();
        let answers = at_once(|_| fixture.refresh(&token));
        assert_eq!(answers.iter().flatten().count(), 1);
        let winner = answers.into_iter().flatten().next().unwrap();
        assert_eq!(
            fixture.refresh(text(&winner)).unwrap_err().status(),
            Status::InvalidGrantRevoked
        );
    }
}

#[test]
fn a_token_that_stays_is_good_for_all_who_use_it_at_once() {
    let fixture = Fixture::with(|tenant| {
        tenant["clients"][2]["refresh_token"] =
            json!({"rotation_type": "non-rotating", "dangerous_public_without_rotation": true});
    });
    let token = fixture.sign_in().refresh_token.unwrap();
    for _ in 0..5 {
        assert!(
            at_once(|_| fixture.refresh(&token).unwrap())
                .iter()
                .all(|answer| text(answer) == &*token)
        );
    }
}

/// Threads use a grant while another revokes it: after the revocation has returned nobody gets anything.
#[test]
fn once_a_revocation_has_returned_nothing_is_issued() {
    for _ in 0..10 {
        let fixture = Fixture::with(|tenant| {
            tenant["clients"][2]["refresh_token"] =
                json!({"rotation_type": "non-rotating", "dangerous_public_without_rotation": true});
        });
        let token = fixture.sign_in().refresh_token.unwrap();
        let id = grant_id(&fixture);
        let revoked = AtomicBool::new(false);
        at_once(|number| {
            if number == 0 {
                assert!(fixture.engine.revoke_grant(&id).unwrap());
                revoked.store(true, Ordering::SeqCst);
                return;
            }
            loop {
                let asked_after = revoked.load(Ordering::SeqCst);
                match fixture.refresh(&token) {
                    Ok(_) => assert!(!asked_after, "issued under a revoked grant"),
                    Err(error) => return assert_eq!(error.status(), Status::InvalidGrantRevoked),
                }
            }
        });
    }
}

/// A call to the token endpoint that is interrupted.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    Redeem,
    Rotate,
    Replay,
    /// So late that the record has to be kept for longer: a replay that writes.
    LateReplay,
}

impl Call {
    fn is_replay(self) -> bool {
        matches!(self, Call::Replay | Call::LateReplay)
    }
}

/// What gets in between.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Other {
    RevokeByHost,
    RevokeByClient,
    RemoveClient,
    Reuse,
    SameToken,
    Newest,
    WrongClient,
}

/// A grant in the right state for a call, and the credential that the call presents.
struct Stage {
    fixture: Fixture,
    store: Arc<Hooked>,
    code: String,
    /// First, second …; the last one is the newest.
    chain: Vec<String>,
    key: Key,
}

impl Stage {
    fn set(backend: Backend, call: Call) -> Arc<Self> {
        let (fixture, store) = hooked(backend, "until_used".into());
        let code = fixture.app_code("openid read:notes offline_access");
        let mut chain = Vec::new();
        if call != Call::Redeem {
            chain.push(text(&fixture.redeem(&code).unwrap()).to_owned());
            let rotations = if call == Call::Rotate { 2 } else { 3 };
            for _ in 0..rotations {
                let next = fixture.refresh(chain.last().unwrap()).unwrap();
                chain.push(text(&next).to_owned());
            }
        }
        if call == Call::LateReplay {
            fixture.clock.advance(100);
        }
        let key = Key::parse(&grant_id(&fixture)).unwrap();
        Arc::new(Stage {
            fixture,
            store,
            code,
            chain,
            key,
        })
    }

    fn presented(&self, call: Call) -> &str {
        let back = usize::from(call.is_replay());
        &self.chain[self.chain.len() - 1 - back]
    }

    fn run(&self, call: Call) -> Result<TokenResponse, Error> {
        match call {
            Call::Redeem => self.fixture.redeem(&self.code),
            _ => self.fixture.refresh(self.presented(call)),
        }
    }

    /// Gives whether the other call issued something.
    fn interrupt(&self, call: Call, other: Other) -> Option<TokenResponse> {
        let engine = &self.fixture.engine;
        match other {
            Other::RevokeByHost => {
                engine.revoke_grant(&self.key.to_string()).unwrap();
            }
            Other::RevokeByClient => {
                let token = self.chain.last().cloned().unwrap_or_default();
                let form = format!("client_id=notes-app&token={token}");
                engine
                    .revoke(grantlet::FormRequest {
                        form: &form,
                        authorization: None,
                    })
                    .unwrap();
            }
            Other::RemoveClient => {
                engine.remove_client("notes-app").unwrap();
            }
            Other::Reuse => {
                self.fixture.refresh(&self.chain[0]).unwrap_err();
            }
            Other::SameToken => return self.run(call).ok(),
            Other::Newest => return self.fixture.refresh(self.chain.last().unwrap()).ok(),
            Other::WrongClient => {
                let form = [
                    ("grant_type", "refresh_token"),
                    ("client_id", "notes-spa"),
                    ("refresh_token", self.presented(call)),
                ];
                assert_eq!(
                    self.fixture.token(&form).unwrap_err().status(),
                    Status::InvalidGrantWrongClient
                );
            }
        }
        None
    }
}

fn revokes(other: Other) -> bool {
    matches!(
        other,
        Other::RevokeByHost | Other::RevokeByClient | Other::RemoveClient | Other::Reuse
    )
}

/// Every call, interrupted before each of its calls to the store by every other.
#[test]
fn whatever_gets_in_between_at_whatever_point_a_revocation_wins_and_nothing_forks() {
    use Other::{
        Newest, RemoveClient, Reuse, RevokeByClient, RevokeByHost, SameToken, WrongClient,
    };
    let mut interrupted = 0;
    let cases = [
        (Call::Redeem, &[RevokeByHost, RemoveClient, SameToken][..]),
        (
            Call::Rotate,
            &[
                RevokeByHost,
                RevokeByClient,
                RemoveClient,
                Reuse,
                SameToken,
                Newest,
                WrongClient,
            ],
        ),
        (
            Call::Replay,
            &[
                RevokeByHost,
                RevokeByClient,
                RemoveClient,
                Reuse,
                SameToken,
                Newest,
                WrongClient,
            ],
        ),
        (
            Call::LateReplay,
            &[
                RevokeByHost,
                RevokeByClient,
                RemoveClient,
                Reuse,
                SameToken,
                Newest,
                WrongClient,
            ],
        ),
    ];
    for (backend, (call, others)) in Backend::ALL
        .into_iter()
        .flat_map(|b| cases.map(|case| (b, case)))
    {
        let undisturbed = Stage::set(backend, call);
        undisturbed.store.hook(|_, _| Fate::Done);
        undisturbed.run(call).unwrap();
        let calls = undisturbed.store.unhook();
        let commits_at = match call {
            // A replay changes nothing; its second look is what it commits by.
            Call::Replay => calls.len() - 1,
            _ => calls.iter().position(|&verb| verb == Verb::Swap).unwrap(),
        };
        for &other in others {
            for point in 0..calls.len() {
                interrupt(backend, call, other, point, commits_at);
                interrupted += 1;
            }
        }
    }
    assert!(interrupted >= 30, "{interrupted}");
}

fn interrupt(backend: Backend, call: Call, other: Other, point: usize, commits_at: usize) {
    let what = format!("{backend:?}: {other:?} before store call {point} of {call:?}");
    let stage = Stage::set(backend, call);
    let theirs = Arc::new(Mutex::new(None));
    let (inside, got) = (Arc::clone(&stage), Arc::clone(&theirs));
    stage.store.hook(move |number, _| {
        if number == point {
            *got.lock().unwrap() = inside.interrupt(call, other);
        }
        Fate::Done
    });
    let mine = stage.run(call);
    stage.store.unhook();
    let theirs = theirs.lock().unwrap().take();
    let after = stage.store.record(&stage.key).unwrap().record;
    let grantlet::store::Record::Grant(after) = after else {
        panic!("{what}")
    };

    if revokes(other) {
        assert!(after.revoked.is_some(), "{what}");
        // What was committed before the revocation may go out, and is dead; nothing else goes out.
        assert_eq!(mine.is_ok(), point > commits_at, "{what}: {mine:?}");
    }
    match other {
        // One of the two comes second, and a code that comes second revokes.
        Other::SameToken if call == Call::Redeem => {
            assert_eq!(
                usize::from(mine.is_ok()) + usize::from(theirs.is_some()),
                1,
                "{what}"
            );
            assert!(after.revoked.is_some(), "{what}");
        }
        Other::SameToken => {
            let (mine, theirs) = (mine.as_ref().unwrap(), theirs.as_ref().unwrap());
            assert_eq!(text(mine), text(theirs), "{what}: two successors");
        }
        // The newest is used while its predecessor asks again: that closes the window.
        Other::Newest if call.is_replay() => {
            assert!(theirs.is_some(), "{what}");
            assert_eq!(mine.is_ok(), point > commits_at, "{what}: {mine:?}");
        }
        Other::Newest => {
            assert_eq!(
                text(mine.as_ref().unwrap()),
                text(theirs.as_ref().unwrap()),
                "{what}"
            );
        }
        Other::WrongClient => assert!(mine.is_ok() && after.revoked.is_none(), "{what}"),
        _ => {}
    }
    // Whatever went out under a grant that is revoked now is worth nothing.
    for tokens in [mine.ok(), theirs].into_iter().flatten() {
        let alive = after.revoked.is_none();
        if other == Other::RemoveClient {
            continue;
        }
        assert_eq!(
            stage
                .fixture
                .engine
                .verify(&tokens.access_token, API, &[])
                .is_ok(),
            alive,
            "{what}"
        );
        assert_eq!(
            stage.fixture.refresh(text(&tokens)).is_ok(),
            alive,
            "{what}"
        );
    }
}

/// A store that fails at one call: no token goes out, and the same request works a moment later.
#[test]
fn a_store_that_fails_at_any_call_issues_nothing_and_loses_nothing() {
    let mut failures = 0;
    let fates = [Fate::Fails, Fate::DoneButFails];
    for (backend, fate) in Backend::ALL
        .into_iter()
        .flat_map(|b| fates.map(|fate| (b, fate)))
    {
        for call in [Call::Redeem, Call::Rotate, Call::Replay, Call::LateReplay] {
            let undisturbed = Stage::set(backend, call);
            undisturbed.store.hook(|_, _| Fate::Done);
            undisturbed.run(call).unwrap();
            let calls = undisturbed.store.unhook();
            for point in 0..calls.len() {
                let what = format!(
                    "{backend:?}: {fate:?} at store call {point} ({:?}) of {call:?}",
                    calls[point]
                );
                let stage = Stage::set(backend, call);
                let before = stage.store.record(&stage.key);
                stage
                    .store
                    .hook(move |number, _| if number == point { fate } else { Fate::Done });
                let answer = stage.run(call);
                stage.store.unhook();
                // What is done behind the commit must not take the answer away: the code is spent.
                let committed = calls[..point].contains(&Verb::Swap);
                assert_eq!(answer.is_ok(), committed, "{what}: {answer:?}");
                failures += 1;
                if committed {
                    assert!(
                        stage.fixture.refresh(text(&answer.unwrap())).is_ok(),
                        "{what}"
                    );
                    continue;
                }
                assert_eq!(answer.unwrap_err().status(), Status::ServerError, "{what}");
                let done = fate == Fate::DoneButFails && calls[point] == Verb::Swap;
                assert_eq!(stage.store.record(&stage.key) == before, !done, "{what}");
                match (call, done) {
                    // A code whose answer got lost is spent: RFC 6749 knows no retry of it.
                    (Call::Redeem, true) => {}
                    _ => assert!(stage.run(call).is_ok(), "{what}: not to be had again"),
                }
            }
        }
    }
    assert!(failures >= 14, "{failures}");
}

#[test]
fn a_busy_store_is_a_temporary_trouble_and_lost_swaps_are_tried_again() {
    for (losses, expected) in [
        (0, Status::Ok),
        (1, Status::Ok),
        (20, Status::Ok),
        (1_000, Status::TemporarilyUnavailable),
    ] {
        let stage = Stage::set(Backend::Memory, Call::Rotate);
        let before = stage.store.record(&stage.key);
        let lost = AtomicUsize::new(0);
        stage.store.hook(move |_, verb| {
            if verb == Verb::Swap && lost.fetch_add(1, Ordering::SeqCst) < losses {
                Fate::Loses
            } else {
                Fate::Done
            }
        });
        let answer = stage.run(Call::Rotate);
        let status = answer
            .as_ref()
            .map_or_else(|error| error.status(), |_| Status::Ok);
        assert_eq!(status, expected, "{losses} losses");
        stage.store.unhook();
        if expected != Status::Ok {
            assert_eq!(stage.store.record(&stage.key), before);
            assert!(stage.run(Call::Rotate).is_ok());
        }
    }
}

/// A host's key that does what the test says before it signs.
struct Device {
    key: SigningKey,
    before: OnceLock<Box<dyn Fn() -> Result<(), Error> + Send + Sync>>,
}

impl Signer for Device {
    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, Error> {
        if let Some(before) = self.before.get() {
            before()?;
        }
        let mut signature = Vec::new();
        self.key.sign(input, &mut signature)?;
        Ok(signature)
    }
}

fn with_device() -> (Fixture, Arc<Hooked>, Arc<Device>) {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../vectors/keys.json")).unwrap();
    let jwk = &vectors["keys"][0]["private_jwk"];
    let device = Arc::new(Device {
        key: SigningKey::from_jwk(jwk).unwrap(),
        before: OnceLock::new(),
    });
    let external = SigningKey::external(&device.key.public_jwk().unwrap(), device.clone()).unwrap();
    let store = Hooked::new();
    let with_store = store.clone();
    let fixture = Fixture::of(
        Config::from_value(tenant()).unwrap().signing_key(external),
        |builder| builder.store(with_store),
    );
    (fixture, store, device)
}

#[test]
fn a_signer_that_fails_leaves_the_grant_as_it_was() {
    let (fixture, store, device) = with_device();
    let works = Arc::new(AtomicBool::new(true));
    let allowed = works.clone();
    device
        .before
        .set(Box::new(move || match allowed.load(Ordering::SeqCst) {
            true => Ok(()),
            false => Err(Error::new(Status::ServerError, "the device is locked")),
        }))
        .ok()
        .unwrap();
    let code = fixture.app_code("openid read:notes offline_access");
    let key = Key::parse(&grant_id(&fixture)).unwrap();
    let fails = |work: &dyn Fn() -> Result<TokenResponse, Error>| {
        let before = store.record(&key);
        works.store(false, Ordering::SeqCst);
        assert_eq!(work().unwrap_err().status(), Status::ServerError);
        works.store(true, Ordering::SeqCst);
        assert_eq!(store.record(&key), before, "version and all");
    };
    fails(&|| fixture.redeem(&code));
    let first = fixture.redeem(&code).unwrap();
    fails(&|| fixture.refresh(text(&first)));
    let second = fixture.refresh(text(&first)).unwrap();
    fails(&|| fixture.refresh(text(&first)));
    assert_eq!(text(&fixture.refresh(text(&first)).unwrap()), text(&second));
}

/// While the device signs it may itself use the whole engine: so no lock is held. (Were one, this
/// test would never end, so a watcher ends it.)
#[test]
fn no_lock_is_held_while_the_signer_runs() {
    let (fixture, _, device) = with_device();
    let fixture = Arc::new(fixture);
    let code = fixture.app_code("openid read:notes offline_access");
    let refresh_token = fixture.sign_in().refresh_token.unwrap();
    let engine = fixture.engine.clone();
    let inside = Arc::new(AtomicUsize::new(0));
    let depth = inside.clone();
    device
        .before
        .set(Box::new(move || {
            // Not inside itself.
            if depth.fetch_add(1, Ordering::SeqCst) == 0 {
                use_everything(&engine);
            }
            Ok(())
        }))
        .ok()
        .unwrap();
    let (done, ended) = std::sync::mpsc::channel();
    let worker = fixture.clone();
    let signed = inside.clone();
    std::thread::spawn(move || {
        let first = worker.redeem(&code).is_ok();
        signed.store(0, Ordering::SeqCst);
        let second = worker.refresh(&refresh_token).is_ok();
        done.send((first, second)).unwrap();
    });
    let ended = ended.recv_timeout(std::time::Duration::from_secs(20));
    assert_eq!(
        ended.expect("a lock is held while the signer runs"),
        (true, true)
    );
    assert!(inside.load(Ordering::SeqCst) > 0);
}

fn use_everything(engine: &Engine) {
    let client = r#"{"client_id": "another", "redirect_uris": ["https://another.example.com/"]}"#;
    engine.put_client_json(client).unwrap();
    engine
        .put_api_json(r#"{"identifier": "urn:another"}"#)
        .unwrap();
    engine.rotate_keys().unwrap();
    engine.remove_client("another").unwrap();
    engine.remove_api("urn:another").unwrap();
    engine.sweep(10).unwrap();
    engine.jwks();
    let grants = engine.grants(GrantFilter::default()).unwrap();
    assert!(engine.grant(&grants[0].grant_id).unwrap().is_some());
    let form = "grant_type=client_credentials&client_id=notes-service&audience=https%3A%2F%2Fapi.example.com%2F\
                &client_secret=web-secret-of-many-random-bits";
    engine
        .token(grantlet::FormRequest {
            form,
            authorization: None,
        })
        .unwrap();
}

/// A signer that hangs holds up nobody else, and a revocation in the meantime wins.
#[test]
fn while_a_signer_blocks_others_go_on_and_a_revocation_wins() {
    let (fixture, _, device) = with_device();
    let token = fixture.sign_in().refresh_token.unwrap();
    let other = fixture.sign_in();
    let id = fixture.engine.grants(GrantFilter::default()).unwrap();
    let (asked, let_go) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let first = AtomicBool::new(true);
    let barriers = (asked.clone(), let_go.clone());
    device
        .before
        .set(Box::new(move || {
            if first.swap(false, Ordering::SeqCst) {
                barriers.0.wait();
                barriers.1.wait();
            }
            Ok(())
        }))
        .ok()
        .unwrap();
    std::thread::scope(|scope| {
        let blocked = scope.spawn(|| fixture.refresh(&token));
        asked.wait();
        assert!(
            fixture.refresh(text(&other)).is_ok(),
            "another grant goes on"
        );
        for info in &id {
            fixture.engine.revoke_grant(&info.grant_id).unwrap();
        }
        let_go.wait();
        let refused = blocked.join().unwrap().unwrap_err();
        assert_eq!(refused.status(), Status::InvalidGrantRevoked);
    });
}

/// A buffer that is too small, in C: a look at the answer before the grant is committed to it.
#[test]
fn an_answer_that_is_refused_before_the_commit_changes_nothing() {
    let stage = Stage::set(Backend::Memory, Call::Rotate);
    let before = stage.store.record(&stage.key);
    let form = format!(
        "grant_type=refresh_token&client_id=notes-app&refresh_token={}",
        stage.presented(Call::Rotate)
    );
    let request = grantlet::FormRequest {
        form: &form,
        authorization: None,
    };
    let refused = stage.fixture.engine.token_if(request, &|_| {
        Err(Error::new(Status::BufferTooSmall, "small"))
    });
    assert_eq!(refused.unwrap_err().status(), Status::BufferTooSmall);
    assert_eq!(stage.store.record(&stage.key), before);
    assert!(stage.run(Call::Rotate).is_ok());
}
