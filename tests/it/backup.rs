//! A store that was restored from a backup is older than the tokens that clients hold (DESIGN §1,
//! `g > n`): refused and said so; or, where the policy accepts it, the grant goes on as if nothing had
//! been lost.

use std::collections::BTreeSet;
use std::sync::{Arc, Barrier, Mutex};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use grantlet::store::{Key, Loaded, MemoryStore, Record, Store};
use grantlet::{
    Config, Event, FormRequest, Grant, GrantFilter, Revocation, Status, Timestamp, TokenResponse,
};
use ring::hmac;
use serde_json::{Value, json};

use crate::support::stores::{Fate, Hooked, Verb};
use crate::support::{
    API, Fixture, START, WEB_CALLBACK, WEB_SECRET, code, encode, json_of, tenant, web_query,
};

/// The key under which credentials are made here.
const TOKEN_KEY: &[u8; 32] = b"a token key of exactly 32 bytes.";

/// A grant of notes-app's: its record now, and every token of it that ever went out.
struct Desk<S> {
    fixture: Fixture,
    store: Arc<S>,
    events: Arc<Mutex<Vec<Value>>>,
    key: Key,
    code: String,
    /// The record before the code was redeemed, and after each change since: the backups.
    backups: Vec<Record>,
    /// `tokens[g]` is the refresh token of generation g; `tokens[0]` is nothing.
    tokens: Vec<String>,
}

/// An engine on `store`, with this policy for notes-app and notes-web.
fn engine<S: Store + 'static>(policy: &Value, store: &Arc<S>) -> (Fixture, Arc<Mutex<Vec<Value>>>) {
    let mut tenant = tenant();
    tenant["keys"] = json!({"token": [BASE64_URL_SAFE_NO_PAD.encode(TOKEN_KEY)]});
    for client in [0, 2] {
        tenant["clients"][client]["refresh_token"] = policy.clone();
    }
    let events = Arc::<Mutex<Vec<Value>>>::default();
    let (heard, with_store) = (events.clone(), store.clone());
    let sink = move |event: &Event<'_>| {
        let event = serde_json::to_value(event).unwrap();
        heard.lock().unwrap().push(event);
    };
    let fixture = Fixture::of(Config::from_value(tenant).unwrap(), |builder| {
        builder.store(with_store).events(Arc::new(sink))
    });
    (fixture, events)
}

impl Desk<MemoryStore> {
    fn new(policy: &Value) -> Self {
        Desk::on(policy, Arc::new(MemoryStore::new()))
    }
}

impl<S: Store + 'static> Desk<S> {
    /// A grant whose code is redeemed after 5 seconds.
    fn on(policy: &Value, store: Arc<S>) -> Self {
        let (fixture, events) = engine(policy, &store);
        let code = fixture.app_code("openid read:notes offline_access");
        let grants = fixture.engine.grants(GrantFilter::default()).unwrap();
        let mut desk = Desk {
            fixture,
            store,
            events,
            key: Key::parse(&grants[0].grant_id).unwrap(),
            code,
            backups: Vec::new(),
            tokens: vec![String::new()],
        };
        desk.backups.push(desk.loaded().record);
        desk.fixture.clock.advance(5);
        let first = desk.fixture.redeem(&desk.code).unwrap();
        desk.keep(&first);
        desk
    }

    /// One that has gone on to this generation, 20 seconds a step.
    fn at_generation(policy: &Value, store: Arc<S>, generation: usize) -> Self {
        let mut desk = Desk::on(policy, store);
        while desk.tokens.len() <= generation {
            desk.fixture.clock.advance(20);
            desk.refresh();
        }
        desk
    }

    fn keep(&mut self, tokens: &TokenResponse) {
        self.tokens.push(text(tokens).to_owned());
        self.backups.push(self.loaded().record);
    }

    /// The newest token is used.
    fn refresh(&mut self) {
        let answer = self.fixture.refresh(self.tokens.last().unwrap()).unwrap();
        self.keep(&answer);
    }

    fn loaded(&self) -> Loaded {
        self.store.load(&self.key).unwrap().unwrap()
    }

    fn grant(&self) -> Grant {
        grant(self.loaded().record)
    }

    /// The store is what it was at that generation; nothing was heard.
    fn restore(&self, generation: usize) {
        self.put(self.backups[generation].clone());
        self.events.lock().unwrap().clear();
    }

    fn put(&self, record: Record) {
        let version = self.loaded().version;
        assert!(self.store.swap(&self.key, version, record).unwrap());
    }

    fn status(&self, token: &str) -> Status {
        status(self.fixture.refresh(token))
    }

    fn heard(&self) -> Vec<Value> {
        std::mem::take(&mut *self.events.lock().unwrap())
    }

    fn names(&self) -> Vec<String> {
        let name = |event: Value| event["event"].as_str().unwrap().to_owned();
        self.heard().into_iter().map(name).collect()
    }
}

fn grant(record: Record) -> Grant {
    match record {
        Record::Grant(grant) => grant,
        other => panic!("{other:?}"),
    }
}

fn text(tokens: &TokenResponse) -> &str {
    tokens.refresh_token.as_deref().unwrap()
}

fn status(answer: Result<TokenResponse, grantlet::Error>) -> Status {
    answer.map_or_else(|error| error.status(), |_| Status::Ok)
}

fn accepting() -> Value {
    json!({"dangerous_accept_ahead": true})
}

/// `policy` and more.
fn and(policy: &Value, more: &Value) -> Value {
    let mut policy = policy.clone();
    let more = more.as_object().unwrap().clone();
    policy.as_object_mut().unwrap().extend(more);
    policy
}

#[test]
fn by_default_it_is_refused_with_its_own_reason_and_nothing_changes() {
    // In time; idle for too long by what the backup says; and with the code in it long dead.
    for wait in [0, 99, 1_000] {
        for backup in 0..3 {
            let policy = json!({"idle_token_lifetime": 80});
            let desk = Desk::at_generation(&policy, Arc::new(MemoryStore::new()), 3);
            desk.restore(backup);
            desk.fixture.clock.advance(wait);
            let before = desk.loaded();
            for ahead in &desk.tokens[backup + 1..] {
                let error = desk.fixture.refresh(ahead).unwrap_err();
                assert_eq!(error.status(), Status::InvalidGrantAhead);
                assert_eq!(error.oauth_code(), "invalid_grant");
                assert_eq!(desk.loaded(), before, "the same record, the same version");
                assert_eq!(desk.names(), ["store_behind", "refused"]);
            }
            if wait == 0 {
                // What the store does know is as good as ever.
                let successor = match backup {
                    0 => desk.fixture.redeem(&desk.code),
                    _ => desk.fixture.refresh(&desk.tokens[backup]),
                };
                assert_eq!(text(&successor.unwrap()), desk.tokens[backup + 1]);
            }
        }
    }
}

#[test]
fn accepted_it_is_as_if_nothing_had_been_lost() {
    let policies = [
        json!({}),
        json!({"leeway": 10, "idle_token_lifetime": 30}),
        json!({"leeway": 3600, "idle_token_lifetime": 30, "token_lifetime": 1_000}),
        json!({"leeway": "until_used", "expiration_type": "non-expiring"}),
    ];
    for policy in policies {
        let policy = and(&policy, &accepting());
        for presented in 1..5 {
            for backup in 0..presented {
                let mut desk =
                    Desk::at_generation(&policy, Arc::new(MemoryStore::new()), presented);
                desk.fixture.clock.advance(20);
                desk.refresh();
                let unbroken = desk.loaded().record;

                desk.restore(backup);
                let case = format!("{policy}: {presented} on {backup}");
                let answer = desk.fixture.refresh(&desk.tokens[presented]).unwrap();
                assert_eq!(text(&answer), desk.tokens[presented + 1], "{case}");
                assert_eq!(desk.loaded().record, unbroken, "{case}");
                assert_eq!(answer.scope, "openid read:notes offline_access");
                let verified = desk.fixture.engine.verify(&answer.access_token, API, &[]);
                assert_eq!(verified.unwrap().subject(), "alice");
                assert_eq!(desk.names(), ["store_behind", "rotated", "token_issued"]);

                // A retry is a retry, and what is older is reuse.
                let again = desk.fixture.refresh(&desk.tokens[presented]).unwrap();
                assert_eq!(text(&again), text(&answer), "{case}");
                assert_eq!(desk.loaded().record, unbroken, "a replay changes nothing");
                assert_eq!(desk.names(), ["replayed", "token_issued"]);
                let older = match presented {
                    1 => desk.fixture.redeem(&desk.code),
                    _ => desk.fixture.refresh(&desk.tokens[presented - 1]),
                };
                assert_eq!(status(older), Status::InvalidGrantReused, "{case}");
                let refused = desk.status(text(&answer));
                assert_eq!(refused, Status::InvalidGrantRevoked, "{case}");
            }
        }
    }
}

#[test]
fn the_client_goes_on_from_there() {
    let policy = and(&accepting(), &json!({"token_lifetime": 200}));
    let mut desk = Desk::at_generation(&policy, Arc::new(MemoryStore::new()), 3);
    desk.restore(0);
    desk.fixture.clock.advance(20);
    for _ in 0..5 {
        desk.refresh();
    }
    assert_eq!(desk.grant().generation, 8);
    let distinct: BTreeSet<&String> = desk.tokens.iter().collect();
    assert_eq!(distinct.len(), desk.tokens.len());
    assert_eq!(
        desk.heard()
            .iter()
            .filter(|event| event["event"] == "store_behind")
            .count(),
        1,
        "caught up is caught up"
    );
    // 5 s to the code, two steps of 20 s, and 20 s more.
    desk.fixture.clock.advance(200 - 65 - 1);
    desk.refresh();
    desk.fixture.clock.advance(1);
    assert_eq!(
        desk.status(desk.tokens.last().unwrap()),
        Status::InvalidGrantExpired
    );
}

/// A token that was spent before the backup was lost is a spent one after it, once the store has
/// caught up; before that nobody can tell. That is what the policy's name warns of.
#[test]
fn whoever_holds_an_older_token_is_found_out_when_the_newest_one_comes() {
    let desk = Desk::at_generation(&accepting(), Arc::new(MemoryStore::new()), 4);
    desk.restore(1);
    assert_eq!(desk.status(&desk.tokens[2]), Status::Ok);
    desk.fixture.clock.advance(60);
    assert_eq!(desk.status(&desk.tokens[4]), Status::Ok);
    assert_eq!(desk.grant().generation, 5);
    assert_eq!(desk.status(&desk.tokens[3]), Status::InvalidGrantReused);
    assert_eq!(desk.grant().revoked, Some(Revocation::Reused));
}

#[test]
fn the_code_in_the_backup_is_spent_once_its_token_came() {
    let desk = Desk::at_generation(&accepting(), Arc::new(MemoryStore::new()), 1);
    desk.restore(0);
    assert!(desk.grant().code().is_some());
    assert_eq!(desk.status(&desk.tokens[1]), Status::Ok);
    assert_eq!(desk.grant().code(), None);
    assert_eq!(
        status(desk.fixture.redeem(&desk.code)),
        Status::InvalidGrantReused
    );
}

#[test]
fn without_rotation_the_token_stays_and_the_counter_comes_to_it() {
    let policy = json!({
        "rotation_type": "non-rotating", "dangerous_public_without_rotation": true,
        "idle_token_lifetime": 50, "token_lifetime": 10_000,
    });
    let desk = Desk::new(&policy);
    desk.restore(0);
    assert_eq!(desk.status(&desk.tokens[1]), Status::InvalidGrantAhead);

    let mut desk = Desk::new(&and(&policy, &accepting()));
    desk.fixture.clock.advance(40);
    desk.refresh();
    let mut unbroken = desk.grant();
    assert_eq!(unbroken.issued_at, Timestamp::from_secs(START + 5));
    desk.restore(0);
    let answer = desk.fixture.refresh(&desk.tokens[1]).unwrap();
    assert_eq!(text(&answer), desk.tokens[1]);
    assert_eq!(desk.names(), ["store_behind", "token_issued"]);
    // When it was issued is lost; the approval is the last that the backup knows of.
    unbroken.issued_at = unbroken.approved_at;
    assert_eq!(desk.grant(), unbroken);
    assert_eq!(desk.status(&desk.tokens[1]), Status::Ok);
    assert_eq!(
        desk.names(),
        ["token_issued"],
        "the store is behind no more"
    );
    desk.fixture.clock.advance(50);
    assert_eq!(desk.status(&desk.tokens[1]), Status::InvalidGrantIdle);
}

/// A client that rotated once and does not now: nobody knows when its token was issued, and no window
/// opens for the one before.
#[test]
fn without_rotation_no_leeway_opens() {
    let desk = Desk::at_generation(&accepting(), Arc::new(MemoryStore::new()), 3);
    let keeps = json!({
        "client_id": "notes-app", "redirect_uris": [crate::support::APP_CALLBACK],
        "refresh_token": and(&accepting(), &json!({
            "rotation_type": "non-rotating", "dangerous_public_without_rotation": true,
        })),
    });
    desk.fixture
        .engine
        .put_client_json(&keeps.to_string())
        .unwrap();
    desk.restore(1);
    let answer = desk.fixture.refresh(&desk.tokens[3]).unwrap();
    assert_eq!(text(&answer), desk.tokens[3]);
    assert_eq!(desk.grant().generation, 3);
    assert_eq!(desk.status(&desk.tokens[2]), Status::InvalidGrantReused);
    assert_eq!(desk.status(&desk.tokens[3]), Status::InvalidGrantRevoked);
}

/// `policy`'s notes-app, the token of generation 2 on this backup, so many seconds after its issue.
fn later(policy: &Value, backup: usize, secs: u32) -> Desk<MemoryStore> {
    let desk = Desk::at_generation(policy, Arc::new(MemoryStore::new()), 2);
    desk.restore(backup);
    desk.fixture.clock.advance(secs);
    desk
}

/// The approval is in every backup. It was 25 s ago when the token went out.
#[test]
fn the_absolute_end_holds_whatever_was_lost_and_whatever_the_policy_says() {
    for accept in [false, true] {
        let policy = json!({"token_lifetime": 100, "dangerous_accept_ahead": accept});
        let in_time = if accept {
            Status::Ok
        } else {
            Status::InvalidGrantAhead
        };
        for backup in [0, 1] {
            let desk = later(&policy, backup, 74);
            assert_eq!(desk.status(&desk.tokens[2]), in_time);
            if accept {
                assert_eq!(
                    desk.grant().expires_at,
                    Timestamp::from_secs(START + 100),
                    "it did not move"
                );
            }
            let desk = later(&policy, backup, 75);
            let before = desk.loaded();
            assert_eq!(desk.status(&desk.tokens[2]), Status::InvalidGrantExpired);
            assert_eq!(desk.loaded(), before);
            assert_eq!(desk.names(), ["refused"]);
        }
    }
}

#[test]
fn what_the_backup_says_of_idleness_says_nothing() {
    let policy = and(&accepting(), &json!({"idle_token_lifetime": 30}));
    for backup in [0, 1] {
        let desk = later(&policy, backup, 10_000);
        let answer = desk.fixture.refresh(&desk.tokens[2]).unwrap();
        // From now on it counts again.
        desk.fixture.clock.advance(29);
        let answer = desk.fixture.refresh(text(&answer)).unwrap();
        desk.fixture.clock.advance(30);
        assert_eq!(desk.status(text(&answer)), Status::InvalidGrantIdle);
    }
    // The token that the backup does know is as idle as it says.
    let desk = later(&policy, 1, 10_000);
    assert_eq!(desk.status(&desk.tokens[1]), Status::InvalidGrantIdle);
}

#[test]
fn a_revocation_wins() {
    for accept in [false, true] {
        let policy = json!({ "dangerous_accept_ahead": accept });
        for backup in [0, 1] {
            let desk = later(&policy, backup, 0);
            desk.put(Record::Grant(desk.grant().revoke(Revocation::ByHost)));
            let before = desk.loaded();
            assert_eq!(desk.status(&desk.tokens[2]), Status::InvalidGrantRevoked);
            assert_eq!(desk.loaded(), before);
            assert_eq!(desk.names(), ["refused"]);
        }
    }
}

#[test]
fn what_another_client_presents_changes_nothing_and_tells_nobody_of_the_backup() {
    for accept in [false, true] {
        let desk = later(&json!({ "dangerous_accept_ahead": accept }), 1, 0);
        let before = desk.loaded();
        let theirs = desk.fixture.token_as_web(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", &desk.tokens[2]),
        ]);
        assert_eq!(status(theirs), Status::InvalidGrantWrongClient);
        assert_eq!(desk.loaded(), before);
        assert_eq!(desk.names(), ["refused"]);
    }
}

/// What fails before the commit leaves the store behind, and says nothing of it.
#[test]
fn a_request_that_fails_otherwise_catches_nothing_up() {
    let desk = later(&accepting(), 0, 0);
    let before = desk.loaded();
    let wide = desk.fixture.token(&[
        ("grant_type", "refresh_token"),
        ("client_id", "notes-app"),
        ("refresh_token", &desk.tokens[2]),
        ("scope", "write:notes"),
    ]);
    assert_eq!(status(wide), Status::InvalidScope);
    assert_eq!(desk.loaded(), before);
    assert_eq!(desk.names(), ["refused"]);
    assert_eq!(desk.status(&desk.tokens[2]), Status::Ok);
}

#[test]
fn the_event_names_the_grant_and_both_generations_and_no_token() {
    for accept in [false, true] {
        let policy = json!({ "dangerous_accept_ahead": accept });
        for backup in [0, 1] {
            let desk = later(&policy, backup, 7);
            desk.status(&desk.tokens[2]);
            let events = desk.heard();
            assert_eq!(
                events[0],
                json!({
                    "at": START + 25 + 7, "event": "store_behind", "grant_id": desk.key.to_string(),
                    "client_id": "notes-app", "subject": "alice", "presented": 2, "current": backup, "accepted": accept,
                })
            );
            if accept {
                assert_eq!(
                    (&events[1]["event"], &events[1]["generation"]),
                    (&json!("rotated"), &json!(3))
                );
            } else {
                assert_eq!(events[1]["status"], json!(Status::InvalidGrantAhead.code()));
            }
            let heard = format!("{events:?}");
            assert!(desk.tokens[1..].iter().all(|token| !heard.contains(token)));
        }
    }
}

/// Two at one exact point: the second is done while the first is about to commit.
#[test]
fn of_two_at_once_both_get_the_same_successor() {
    for backup in 0..3 {
        let desk = Desk::at_generation(&accepting(), Hooked::new(), 3);
        desk.restore(backup);
        let (engine, presented) = (desk.fixture.engine.clone(), desk.tokens[3].clone());
        let other = Arc::<Mutex<Option<String>>>::default();
        let theirs = other.clone();
        desk.store.hook(move |_, verb| {
            if verb == Verb::Swap && theirs.lock().unwrap().is_none() {
                let form = encode(&[
                    ("grant_type", "refresh_token"),
                    ("client_id", "notes-app"),
                    ("refresh_token", &presented),
                ]);
                let request = FormRequest {
                    form: &form,
                    authorization: None,
                };
                let answer = engine.token(request).unwrap();
                *theirs.lock().unwrap() = Some(text(&answer).to_owned());
            }
            Fate::Done
        });
        let answer = desk.fixture.refresh(&desk.tokens[3]).unwrap();
        desk.store.unhook();
        assert_eq!(other.lock().unwrap().as_deref(), Some(text(&answer)));
        assert_eq!(desk.grant().generation, 4);
        assert_eq!(
            desk.names(),
            [
                "store_behind",
                "rotated",
                "token_issued",
                "replayed",
                "token_issued"
            ]
        );
    }
}

#[test]
fn a_revocation_that_lands_meanwhile_wins() {
    let desk = Desk::at_generation(&accepting(), Hooked::new(), 3);
    desk.restore(1);
    let (engine, id) = (desk.fixture.engine.clone(), desk.key.to_string());
    desk.store.hook(move |_, verb| {
        if verb == Verb::Swap {
            engine.revoke_grant(&id).unwrap();
        }
        Fate::Done
    });
    assert_eq!(desk.status(&desk.tokens[3]), Status::InvalidGrantRevoked);
    desk.store.unhook();
    assert_eq!(desk.grant().generation, 1);
    assert_eq!(desk.names(), ["grant_revoked", "refused"]);
}

#[test]
fn of_two_threads_both_get_the_same_successor() {
    for round in 0..30 {
        let desk = Desk::at_generation(&accepting(), Arc::new(MemoryStore::new()), 3);
        desk.restore(round % 3);
        let barrier = Barrier::new(2);
        let present = || {
            barrier.wait();
            let answer = desk.fixture.refresh(&desk.tokens[3]).unwrap();
            text(&answer).to_owned()
        };
        let (mine, theirs) = std::thread::scope(|scope| {
            let theirs = scope.spawn(present);
            (present(), theirs.join().unwrap())
        });
        assert_eq!(mine, theirs);
        assert_eq!(desk.grant().generation, 4);
        let names = desk.names();
        assert_eq!(
            names.iter().filter(|name| *name == "store_behind").count(),
            1
        );
        assert_eq!(desk.status(&mine), Status::Ok);
    }
}

/// Another process, on a copy of the store that was made earlier, under the same token key.
#[test]
fn a_new_engine_on_the_backup_does_the_same() {
    for backup in 0..3 {
        let old = Desk::at_generation(&accepting(), Arc::new(MemoryStore::new()), 3);
        for (policy, expected) in [
            (json!({}), Status::InvalidGrantAhead),
            (accepting(), Status::Ok),
        ] {
            let store = Arc::new(MemoryStore::new());
            let record = old.backups[backup].clone();
            assert!(store.insert(&old.key, record).unwrap());
            let (fixture, _) = engine(&policy, &store);
            fixture.clock.advance(10_000);
            let answer = fixture.refresh(&old.tokens[3]);
            let successor = answer.as_ref().ok().map(|tokens| text(tokens).to_owned());
            assert_eq!(status(answer), expected);
            // What the lost process would have given.
            let lost = old.fixture.refresh(&old.tokens[3]).unwrap();
            assert!(successor.is_none_or(|successor| successor == text(&lost)));
        }
    }
}

/// RFC 7662 §2.2: active is what would be redeemed.
#[test]
fn introspection_calls_active_what_would_be_redeemed() {
    let mut seen = BTreeSet::new();
    for accept in [false, true] {
        let policy = json!({
            "dangerous_accept_ahead": accept, "token_lifetime": 100, "idle_token_lifetime": 30,
        });
        for (backup, wait, revoked) in (0..3)
            .flat_map(|backup| [0, 29, 30, 79, 80].map(|wait| (backup, wait)))
            .flat_map(|(backup, wait)| [false, true].map(|revoked| (backup, wait, revoked)))
        {
            let store = Arc::new(MemoryStore::new());
            let (fixture, _) = engine(&policy, &store);
            let code = code(&fixture.approve(&web_query("read:notes offline_access")));
            let grants = fixture.engine.grants(GrantFilter::default()).unwrap();
            let key = Key::parse(&grants[0].grant_id).unwrap();
            let record = || store.load(&key).unwrap().unwrap();
            let mut backups = vec![record().record];
            let form = [
                ("grant_type", "authorization_code"),
                ("code", &*code),
                ("redirect_uri", WEB_CALLBACK),
            ];
            let refresh = |token: &str| {
                fixture.token_as_web(&[("grant_type", "refresh_token"), ("refresh_token", token)])
            };
            let first = fixture.token_as_web(&form).unwrap();
            backups.push(record().record);
            fixture.clock.advance(20);
            let second = refresh(text(&first)).unwrap();
            backups.push(record().record);
            let mut restored = grant(backups[backup].clone());
            if revoked {
                restored = restored.revoke(Revocation::ByHost);
            }
            let version = record().version;
            assert!(store.swap(&key, version, Record::Grant(restored)).unwrap());
            fixture.clock.advance(wait);

            let before = record();
            let asked = fixture.post(
                "/oauth/introspect",
                &[
                    ("client_id", "notes-web"),
                    ("client_secret", WEB_SECRET),
                    ("token", text(&second)),
                ],
            );
            let claims = json_of(&asked);
            assert_eq!(record(), before, "to ask is not to use");
            let redeemed = refresh(text(&second));
            let case = format!("{accept} {backup} {wait} {revoked}: {claims}");
            assert_eq!(claims["active"], redeemed.is_ok(), "{case}");
            if redeemed.is_ok() {
                assert_eq!(claims["sub"], "alice");
                assert!(
                    claims["exp"].as_u64().unwrap() > START + 20 + u64::from(wait),
                    "{case}"
                );
                let ahead = backup < 2;
                assert_eq!(ahead, claims.get("iat").is_none(), "{case}");
                assert_eq!(ahead, claims["exp"] == START + 100, "{case}");
            } else {
                assert_eq!(claims, json!({"active": false}));
            }
            seen.insert((status(redeemed).code(), backup));
        }
    }
    // Redeemed, ahead, revoked and expired on each backup; idle only where the backup knows the token.
    assert_eq!(seen.len(), 4 + 4 + 4, "{seen:?}");
}

/// The last generation of all: the counter stays there, as it would without a backup.
#[test]
fn the_counter_does_not_wrap() {
    let desk = Desk::new(&accepting());
    // key id (4), grant id (16), generation (4), MAC (32); the MAC covers the kind, 2, and the rest.
    let encoded = desk.tokens[1].strip_prefix("grl_rt_").unwrap();
    let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).unwrap();
    bytes[20..24].copy_from_slice(&u32::MAX.to_be_bytes());
    let key = hmac::Key::new(hmac::HMAC_SHA256, TOKEN_KEY);
    let mac = hmac::sign(&key, &[&[2], &bytes[..24]].concat());
    bytes[24..].copy_from_slice(mac.as_ref());
    let last = format!("grl_rt_{}", BASE64_URL_SAFE_NO_PAD.encode(&bytes));
    for _ in 0..3 {
        assert_eq!(text(&desk.fixture.refresh(&last).unwrap()), last);
        assert_eq!(desk.grant().generation, u32::MAX);
    }
    assert_eq!(desk.status(&desk.tokens[1]), Status::InvalidGrantReused);
}
