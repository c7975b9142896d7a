//! The store contract (DESIGN §2), as a suite that any [`Store`] can be put through. A backend's test
//! is one call of [`check`] with a way to make an empty store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use grantlet::store::{Key, Loaded, Owner, Record, Store};
use grantlet::{Code, Details, Grant, Revocation, Scope, Terms, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Map;

/// Puts stores through all of the contract; `empty` makes a fresh one each time.
pub fn check<S: Store>(empty: impl Fn() -> S) {
    a_record_comes_back_as_it_was_put(&empty());
    insert_tells_whether_none_was_there(&empty());
    swap_holds_for_the_loaded_version_only(&empty());
    a_version_does_not_come_back(&empty());
    owned_by_finds_each_owner_and_no_other(&empty());
    sweep_removes_what_may_go_and_nothing_else(&empty());
    small_sweeps_get_round_to_everything(&empty());
    of_many_threads_exactly_one_wins(&empty());
    no_swap_is_lost(&empty());
    behaves_like_a_map(&empty);
}

/// A moment, in seconds.
pub fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(secs)
}

/// The key of this number.
pub fn key(number: u64) -> Key {
    let mut bytes = [0; Key::LEN];
    let mixed = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bytes[..8].copy_from_slice(&mixed.to_be_bytes());
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    Key::new(bytes)
}

/// A key that differs from its neighbours in few bytes, so that they crowd together wherever a store
/// puts them.
fn crowded(crowd: u8, number: u8) -> Key {
    let mut bytes = [number; Key::LEN];
    bytes[Key::LEN - 1] = crowd;
    Key::new(bytes)
}

/// A plain grant of this client and user that may be swept at `keep_until`.
pub fn grant(client_id: &str, subject: &str, keep_until: u64) -> Grant {
    let terms = Terms {
        client_id: client_id.into(),
        audience: ["https://api.example.com/".into()].into(),
        scope: Scope::parse("openid read:notes offline_access").unwrap(),
    };
    let mut grant = Grant::approved(
        Arc::new(terms),
        subject.into(),
        None,
        Details::default(),
        true,
        at(0),
        at(keep_until),
    );
    grant.forget_code();
    grant
}

fn mark(until: u64) -> Record {
    Record::Mark { until: at(until) }
}

fn version(store: &dyn Store, key: &Key) -> u64 {
    store.load(key).unwrap().unwrap().version
}

/// Every field of every kind of record survives, the odd ones included.
pub fn a_record_comes_back_as_it_was_put(store: &dyn Store) {
    let claims = |text: &str| {
        Map::from_iter([(
            "https://example.com/ä".to_owned(),
            serde_json::json!({"n": [1, null, text]}),
        )])
    };
    let full = Details {
        acr: Some("urn:example:loa:2".into()),
        amr: ["pwd".into(), "otp".into()].into(),
        sid: Some("session ' \" \\ \u{1F511}".into()),
        access_token_claims: claims("a"),
        id_token_claims: claims("i"),
        code: Some(Code {
            redirect_uri: "https://app.example.com/cb?x=1&y=%20".into(),
            redirect_uri_was_sent: true,
            code_challenge: Some(std::array::from_fn(|i| u8::try_from(i * 8).unwrap())),
            nonce: Some("n".into()),
        }),
    };
    let bare = Details {
        code: Some(Code {
            redirect_uri: "com.example:/cb".into(),
            redirect_uri_was_sent: false,
            code_challenge: None,
            nonce: None,
        }),
        ..Details::default()
    };
    let terms = Terms {
        client_id: "a client".into(),
        audience: ["urn:one".into(), "urn:two".into()].into(),
        scope: Scope::parse("b a").unwrap(),
    };
    let mut records = vec![
        mark(7),
        Record::Mark {
            until: Timestamp::NEVER,
        },
        Record::State([0, 159, 146, 150, 39].into()),
        Record::State([].into()),
    ];
    for (details, auth_time) in [
        (full, Some(at(5))),
        (bare, None),
        (Details::default(), None),
    ] {
        records.push(Record::Grant(Grant::approved(
            Arc::new(terms.clone()),
            "名前\u{0301}".into(),
            auth_time,
            details,
            false,
            at(10),
            at(70),
        )));
    }
    let mut used = grant("c", "s", 99);
    used.generation = u32::MAX;
    used.issued_at = at(20);
    used.access_until = at(u64::from(u32::MAX) - 1);
    used.idle_until = at(21);
    used.expires_at = Timestamp::NEVER;
    for why in [
        None,
        Some(Revocation::Reused),
        Some(Revocation::ByClient),
        Some(Revocation::ByHost),
        Some(Revocation::Displaced),
    ] {
        used.revoked = why;
        records.push(Record::Grant(used.clone()));
    }
    let mut nowhere = grant("c", "s", 99);
    nowhere.terms = Arc::new(Terms {
        client_id: "c".into(),
        audience: [].into(),
        scope: Scope::default(),
    });
    records.push(Record::Grant(nowhere));

    for (number, record) in (0..).zip(&records) {
        assert!(store.insert(&key(number), record.clone()).unwrap());
    }
    for (number, record) in (0..).zip(&records) {
        assert_eq!(store.load(&key(number)).unwrap().unwrap().record, *record);
    }
    // A swap may put any record in the place of any other.
    for (number, record) in (0..).zip(records.iter().rev()) {
        let key = key(number);
        assert!(
            store
                .swap(&key, version(store, &key), record.clone())
                .unwrap()
        );
        assert_eq!(store.load(&key).unwrap().unwrap().record, *record);
    }
}

pub fn insert_tells_whether_none_was_there(store: &dyn Store) {
    assert!(store.load(&key(1)).unwrap().is_none());
    assert!(store.insert(&key(1), mark(5)).unwrap());
    let first = store.load(&key(1)).unwrap();
    assert!(!store.insert(&key(1), mark(6)).unwrap());
    assert_eq!(
        store.load(&key(1)).unwrap(),
        first,
        "the first stays, version and all"
    );
    assert!(store.load(&key(2)).unwrap().is_none());
}

pub fn swap_holds_for_the_loaded_version_only(store: &dyn Store) {
    assert!(
        !store.swap(&key(1), 0, mark(1)).unwrap(),
        "there is nothing to swap"
    );
    assert!(store.load(&key(1)).unwrap().is_none());
    store.insert(&key(1), mark(1)).unwrap();
    let old = version(store, &key(1));
    for wrong in [old.wrapping_add(1), old.wrapping_sub(1), u64::MAX] {
        assert!(!store.swap(&key(1), wrong, mark(9)).unwrap());
    }
    assert!(store.swap(&key(1), old, mark(2)).unwrap());
    assert!(!store.swap(&key(1), old, mark(3)).unwrap());
    assert_eq!(store.load(&key(1)).unwrap().unwrap().record, mark(2));
    assert_eq!(
        version(store, &key(1)),
        version(store, &key(1)),
        "to load is not to change"
    );
}

/// Else somebody who was slow could overwrite what is newer.
pub fn a_version_does_not_come_back(store: &dyn Store) {
    store.insert(&key(1), mark(100)).unwrap();
    let mut seen = BTreeSet::new();
    for _ in 0..300 {
        let version = version(store, &key(1));
        assert!(seen.insert(version));
        assert!(
            store.swap(&key(1), version, mark(100)).unwrap(),
            "even by an equal record"
        );
    }
    // Not even where the record went in between and came again.
    let last = version(store, &key(1));
    while store.sweep(at(100), 1).unwrap() == 0 {}
    assert!(!store.swap(&key(1), last, mark(200)).unwrap());
    store.insert(&key(1), mark(100)).unwrap();
    assert!(!store.swap(&key(1), last, mark(200)).unwrap());
}

pub fn owned_by_finds_each_owner_and_no_other(store: &dyn Store) {
    let clients = ["one", "two", "on"];
    let subjects = ["alice", "alic", "bob", "ALICE"];
    let mut expected: BTreeMap<(&str, &str), BTreeSet<Key>> = BTreeMap::new();
    for number in 0..120_u64 {
        let client = clients[usize::try_from(number).unwrap() % clients.len()];
        let subject = subjects[usize::try_from(number / 3).unwrap() % subjects.len()];
        let mut grant = grant(client, subject, number);
        if number.is_multiple_of(5) {
            grant = grant.revoke(Revocation::ByHost);
        }
        store.insert(&key(number), Record::Grant(grant)).unwrap();
        expected
            .entry((client, subject))
            .or_default()
            .insert(key(number));
    }
    store.insert(&key(999), mark(5)).unwrap();
    let check = |expected: &BTreeMap<(&str, &str), BTreeSet<Key>>| {
        let options = |names: &[&'static str]| {
            names
                .iter()
                .copied()
                .map(Some)
                .chain([None, Some("nobody")])
                .collect::<Vec<_>>()
        };
        for client_id in options(&clients) {
            for subject in options(&subjects) {
                let found = store.owned_by(Owner { client_id, subject }).unwrap();
                let wanted: BTreeSet<Key> = expected
                    .iter()
                    .filter(|((client, user), _)| {
                        client_id.is_none_or(|id| id == *client)
                            && subject.is_none_or(|s| s == *user)
                    })
                    .flat_map(|(_, keys)| keys.iter().copied())
                    .collect();
                assert_eq!(
                    found.len(),
                    wanted.len(),
                    "each once: {client_id:?} {subject:?}"
                );
                assert_eq!(
                    BTreeSet::from_iter(found),
                    wanted,
                    "{client_id:?} {subject:?}"
                );
            }
        }
    };
    check(&expected);
    // What was swept is nobody's any more. (A revoked grant of these goes at once.)
    let gone = |number: u64| number.is_multiple_of(5) || number <= 50;
    let mut removed = 0;
    while removed < (0..120).filter(|&number| gone(number)).count() + 1 {
        removed += store.sweep(at(50), 1000).unwrap();
    }
    for number in (0..120).filter(|&number| gone(number)) {
        assert!(store.load(&key(number)).unwrap().is_none(), "{number}");
        for keys in expected.values_mut() {
            keys.remove(&key(number));
        }
    }
    check(&expected);
}

pub fn sweep_removes_what_may_go_and_nothing_else(store: &dyn Store) {
    for number in 0..40 {
        let record = match number % 2 {
            0 => mark(number),
            _ => Record::Grant(grant("c", "s", number)),
        };
        store.insert(&key(number), record).unwrap();
    }
    assert_eq!(store.sweep(at(19), 0).unwrap(), 0);
    let mut removed = 0;
    while removed < 20 {
        let now = store.sweep(at(19), 7).unwrap();
        assert!(now <= 7);
        removed += now;
    }
    for _ in 0..500 {
        assert_eq!(store.sweep(at(19), 7).unwrap(), 0);
    }
    for number in 0..40 {
        // On the second of its end a record may go.
        assert_eq!(
            store.load(&key(number)).unwrap().is_some(),
            number > 19,
            "{number}"
        );
    }
    // What a swap prolonged stays.
    let old = version(store, &key(20));
    assert!(store.swap(&key(20), old, mark(1000)).unwrap());
    for _ in 0..500 {
        store.sweep(at(500), 7).unwrap();
    }
    assert!(store.load(&key(20)).unwrap().is_some());
    assert!(store.load(&key(21)).unwrap().is_none());
}

/// «The next call goes on where this one stopped»: however many records must stay, and however they
/// lie, a small sweep called often enough finds what may go.
pub fn small_sweeps_get_round_to_everything(store: &dyn Store) {
    for shard in 0..4 {
        for number in 0..63 {
            store.insert(&crowded(shard, number), mark(1_000)).unwrap();
        }
        store.insert(&crowded(shard, 63), mark(1)).unwrap();
    }
    let mut removed = 0;
    for _ in 0..2_000 {
        removed += store.sweep(at(1), 1).unwrap();
    }
    assert_eq!(removed, 4);
}

pub fn of_many_threads_exactly_one_wins(store: &dyn Store) {
    for round in 0..20 {
        let key = key(round);
        let wins = |works: &(dyn Fn(u64) -> bool + Sync)| {
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|n| scope.spawn(move || works(n))).collect();
                let won = threads.into_iter().map(|thread| thread.join().unwrap());
                won.filter(|&won| won).count()
            })
        };
        assert_eq!(wins(&|n| store.insert(&key, mark(n)).unwrap()), 1);
        let version = version(store, &key);
        assert_eq!(wins(&|n| store.swap(&key, version, mark(n)).unwrap()), 1);
    }
}

/// Four threads count to 100 each in one record, by load and swap.
pub fn no_swap_is_lost(store: &dyn Store) {
    store.insert(&key(1), mark(0)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut counted = 0;
                while counted < 100 {
                    let loaded = store.load(&key(1)).unwrap().unwrap();
                    let next = mark(loaded.record.keep_until().as_secs() + 1);
                    counted += u32::from(store.swap(&key(1), loaded.version, next).unwrap());
                }
            });
        }
    });
    assert_eq!(store.load(&key(1)).unwrap().unwrap().record, mark(400));
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u8, u8, u64),
    /// By the version last loaded of this key, however old that is.
    Swap(u8, u64),
    Load(u8),
    OwnedBy(Option<u8>, Option<u8>),
    Sweep(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let number = 0..6_u8;
    prop_oneof![
        (number.clone(), 0..5_u8, 1..20_u64)
            .prop_map(|(n, kind, until)| Step::Insert(n, kind, until)),
        (number.clone(), 1..20_u64).prop_map(|(n, until)| Step::Swap(n, until)),
        number.prop_map(Step::Load),
        (proptest::option::of(0..2_u8), proptest::option::of(0..2_u8))
            .prop_map(|(client, subject)| Step::OwnedBy(client, subject)),
        (0..20_u64).prop_map(Step::Sweep),
    ]
}

const CLIENTS: [&str; 2] = ["one", "two"];
const SUBJECTS: [&str; 2] = ["alice", "bob"];

fn name(names: [&'static str; 2], which: Option<u8>) -> Option<&'static str> {
    which.map(|which| names[usize::from(which)])
}

/// Kind 4 is a mark; the others are the grants of two clients with two users.
fn record(kind: u8, until: u64) -> Record {
    match kind {
        4 => mark(until),
        _ => Record::Grant(grant(
            CLIENTS[usize::from(kind % 2)],
            SUBJECTS[usize::from(kind / 2)],
            until,
        )),
    }
}

/// The same record, kept until another moment.
fn prolonged(record: &Record, until: u64) -> Record {
    match record {
        Record::Mark { .. } | Record::State(_) => mark(until),
        Record::Grant(grant) => {
            let mut grant = grant.clone();
            grant.expires_at = at(until);
            grant.generation += 1;
            Record::Grant(grant)
        }
    }
}

/// Whatever is done in whatever order: a store answers as a map would.
pub fn behaves_like_a_map<S: Store>(empty: &impl Fn() -> S) {
    let config = Config {
        cases: 64,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        ..Config::default()
    };
    let steps = proptest::collection::vec(step(), 1..60);
    TestRunner::new(config)
        .run(&steps, |steps| run(&empty(), &steps))
        .unwrap_or_else(|failure| panic!("{failure}"));
}

/// The reference: what is stored, how often it changed, and what a client last loaded.
#[derive(Default)]
struct Model {
    records: BTreeMap<Key, (Record, u64)>,
    changes: u64,
    loaded: BTreeMap<Key, (Loaded, u64)>,
}

fn run(store: &dyn Store, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    for step in steps {
        model.changes += 1;
        let change = model.changes;
        match *step {
            Step::Insert(number, kind, until) => {
                let is_new = !model.records.contains_key(&crowded(0, number));
                if is_new {
                    model
                        .records
                        .insert(crowded(0, number), (record(kind, until), change));
                }
                prop_assert_eq!(
                    store
                        .insert(&crowded(0, number), record(kind, until))
                        .unwrap(),
                    is_new
                );
            }
            Step::Load(number) => {
                let loaded = store.load(&crowded(0, number)).unwrap();
                let present = model.records.get(&crowded(0, number));
                prop_assert_eq!(
                    loaded.as_ref().map(|l| &l.record),
                    present.map(|(record, _)| record)
                );
                if let (Some(loaded), Some((_, change))) = (loaded, present) {
                    model.loaded.insert(crowded(0, number), (loaded, *change));
                }
            }
            Step::Swap(number, until) => {
                let Some((loaded, seen)) = model.loaded.get(&crowded(0, number)) else {
                    continue;
                };
                let next = prolonged(&loaded.record, until);
                let holds = model
                    .records
                    .get(&crowded(0, number))
                    .is_some_and(|(_, now)| now == seen);
                if holds {
                    model
                        .records
                        .insert(crowded(0, number), (next.clone(), change));
                }
                prop_assert_eq!(
                    store
                        .swap(&crowded(0, number), loaded.version, next)
                        .unwrap(),
                    holds
                );
            }
            Step::OwnedBy(client, subject) => {
                let owner = Owner {
                    client_id: name(CLIENTS, client),
                    subject: name(SUBJECTS, subject),
                };
                let wanted = model.records.iter().filter(
                    |(_, (record, _))| matches!(record, Record::Grant(grant) if owner.owns(grant)),
                );
                let mut found = store.owned_by(owner).unwrap();
                found.sort_unstable();
                let mut wanted: Vec<Key> = wanted.map(|(key, _)| *key).collect();
                wanted.sort_unstable();
                prop_assert_eq!(found, wanted);
            }
            Step::Sweep(now) => {
                let before = model.records.len();
                model
                    .records
                    .retain(|_, (record, _)| record.keep_until() > at(now));
                prop_assert_eq!(
                    store.sweep(at(now), 1_000).unwrap(),
                    before - model.records.len()
                );
            }
        }
    }
    Ok(())
}
