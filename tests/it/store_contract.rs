//! The store contract, kept by the memory store and by one that is seen through a wrapper; and what a
//! store that fails must leave behind.

use std::cell::Cell;
use std::sync::Arc;

use grantlet::Timestamp;
use grantlet::store::{
    Key, Loaded, MemoryStore, Owner, Record, SqliteStore, Store, StoreError, StoreResult,
};

use crate::support::folder::Folder;
use crate::support::store_contract::{at, check, grant, key};
use crate::support::stores::{Backend, Fate, Hooked};

#[test]
fn the_memory_store_keeps_the_contract() {
    check(MemoryStore::new);
}

#[test]
fn the_sqlite_store_keeps_the_contract() {
    let folder = Folder::new();
    let number = Cell::new(0);
    check(|| {
        number.set(number.get() + 1);
        SqliteStore::open(folder.file(&format!("{}.db", number.get()))).unwrap()
    });
}

#[test]
fn a_wrapped_store_keeps_the_contract() {
    check(|| {
        let store = Hooked::default();
        store.hook(|_, _| Fate::Done);
        store
    });
}

/// A store whose every call fails before it is done, and who asks again: what fails changes nothing, so
/// nobody can tell.
struct AskedAgain(Arc<Hooked>);

impl AskedAgain {
    fn new(backend: Backend) -> Self {
        let hooked = Hooked::on(backend);
        hooked.hook(|number, _| {
            if number % 2 == 0 {
                Fate::Fails
            } else {
                Fate::Done
            }
        });
        AskedAgain(hooked)
    }

    fn ask<T>(&self, call: impl Fn(&Hooked) -> StoreResult<T>) -> StoreResult<T> {
        let mut failed = 0;
        loop {
            match call(&self.0) {
                Err(StoreError::Failed(_)) if failed < 100 => failed += 1,
                answer => return answer,
            }
        }
    }
}

impl Store for AskedAgain {
    fn insert(&self, key: &Key, record: Record) -> StoreResult<bool> {
        self.ask(|store| store.insert(key, record.clone()))
    }

    fn load(&self, key: &Key) -> StoreResult<Option<Loaded>> {
        self.ask(|store| store.load(key))
    }

    fn swap(&self, key: &Key, version: u64, record: Record) -> StoreResult<bool> {
        self.ask(|store| store.swap(key, version, record.clone()))
    }

    fn owned_by(&self, owner: Owner<'_>) -> StoreResult<Vec<Key>> {
        self.ask(|store| store.owned_by(owner))
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> StoreResult<usize> {
        self.ask(|store| store.sweep(now, limit))
    }
}

#[test]
fn a_store_that_fails_at_every_call_in_turn_keeps_the_contract_for_who_asks_again() {
    for backend in Backend::ALL {
        check(|| AskedAgain::new(backend));
    }
}

#[test]
fn a_call_that_fails_changes_nothing_and_one_that_loses_its_answer_is_done() {
    let store = Hooked::new();
    let old = Record::Grant(grant("c", "s", 5));
    let new = Record::Grant(grant("c", "s", 9));

    store.hook(|_, _| Fate::Fails);
    assert!(store.insert(&key(1), old.clone()).is_err());
    assert!(store.record(&key(1)).is_none());

    store.hook(|_, _| Fate::DoneButFails);
    assert!(store.insert(&key(1), old.clone()).is_err());
    let loaded = store.record(&key(1)).unwrap();
    assert_eq!(loaded.record, old);

    for (fate, left) in [
        (Fate::Fails, &old),
        (Fate::Loses, &old),
        (Fate::DoneButFails, &new),
    ] {
        store.hook(move |_, _| fate);
        assert_ne!(
            store.swap(&key(1), loaded.version, new.clone()).ok(),
            Some(true)
        );
        assert_eq!(store.record(&key(1)).unwrap().record, *left, "{fate:?}");
    }
    store.hook(|_, _| Fate::Fails);
    assert!(store.sweep(at(100), 10).is_err() && store.record(&key(1)).is_some());
}

#[test]
fn what_many_grants_share_is_held_once() {
    let store = MemoryStore::new();
    for number in 0..10 {
        store
            .insert(&key(number), Record::Grant(grant("c", "s", 5)))
            .unwrap();
    }
    let terms = |number| match store.load(&key(number)).unwrap().unwrap().record {
        Record::Grant(grant) => grant.terms,
        _ => panic!("a grant was stored"),
    };
    assert!((1..10).all(|number| Arc::ptr_eq(&terms(0), &terms(number))));
}
