//! The store contract, kept by the memory store and by one that is seen through a wrapper; and what a
//! store that fails must leave behind.

use std::cell::Cell;
use std::sync::Arc;

use grantlet::store::{MemoryStore, Record, SqliteStore, Store};

use crate::support::folder::Folder;
use crate::support::store_contract::{at, check, grant, key};
use crate::support::stores::{Fate, Hooked};

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
