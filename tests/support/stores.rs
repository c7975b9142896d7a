//! A store whose every call a test can see, interrupt, fail or make lose.

use std::sync::{Arc, Mutex};

use grantlet::Timestamp;
use grantlet::store::{
    Key, Loaded, MemoryStore, Owner, Record, SqliteStore, Store, StoreError, StoreResult,
};

use crate::support::folder::Folder;

/// Which of the five verbs is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Insert,
    Load,
    Swap,
    OwnedBy,
    Sweep,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is done.
    Done,
    /// It fails, and nothing has changed.
    Fails,
    /// It is done, but the answer gets lost: the caller sees a failure.
    DoneButFails,
    /// A swap (or an insert) finds that somebody else was there before.
    Loses,
}

type Hook = Arc<dyn Fn(usize, Verb) -> Fate + Send + Sync>;

/// A store with a hook that runs before each call. While the hook runs it is out of place, so that it
/// may itself work with the store.
pub struct Hooked {
    inner: Arc<dyn Store>,
    state: Mutex<State>,
    /// Where its file is, if it has one.
    _folder: Option<Folder>,
}

/// What is behind the hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Memory,
    Sqlite,
}

impl Backend {
    pub const ALL: [Backend; 2] = [Backend::Memory, Backend::Sqlite];
}

impl Default for Hooked {
    /// A memory store with a hook.
    fn default() -> Self {
        Hooked::over(Arc::new(MemoryStore::new()))
    }
}

#[derive(Default)]
struct State {
    hook: Option<Hook>,
    calls: Vec<Verb>,
}

impl Hooked {
    pub fn new() -> Arc<Self> {
        Arc::new(Hooked::default())
    }

    /// This store with a hook.
    pub fn over(inner: Arc<dyn Store>) -> Self {
        Hooked {
            inner,
            state: Mutex::default(),
            _folder: None,
        }
    }

    /// A store of this kind with a hook.
    pub fn on(backend: Backend) -> Arc<Self> {
        Arc::new(match backend {
            Backend::Memory => Hooked::default(),
            Backend::Sqlite => {
                let folder = Folder::new();
                let store = SqliteStore::open(folder.file("grants.db")).unwrap();
                Hooked {
                    _folder: Some(folder),
                    ..Hooked::over(Arc::new(store))
                }
            }
        })
    }

    /// Before each call from now on, `hook` is told the call's number (from 0) and verb, and decides.
    pub fn hook(&self, hook: impl Fn(usize, Verb) -> Fate + Send + Sync + 'static) {
        *self.state.lock().unwrap() = State {
            hook: Some(Arc::new(hook)),
            calls: Vec::new(),
        };
    }

    /// No hook any more; the calls that it saw.
    pub fn unhook(&self) -> Vec<Verb> {
        std::mem::take(&mut *self.state.lock().unwrap()).calls
    }

    /// What is stored of a grant.
    pub fn record(&self, key: &Key) -> Option<Loaded> {
        self.inner.load(key).unwrap()
    }

    fn call<T>(
        &self,
        verb: Verb,
        lost: Option<T>,
        work: impl FnOnce(&dyn Store) -> StoreResult<T>,
    ) -> StoreResult<T> {
        let (hook, number) = {
            let mut state = self.state.lock().unwrap();
            let Some(hook) = state.hook.take() else {
                drop(state);
                return work(&*self.inner);
            };
            state.calls.push(verb);
            (hook, state.calls.len() - 1)
        };
        let fate = hook(number, verb);
        self.state.lock().unwrap().hook.get_or_insert(hook);
        let failed = || StoreError::Failed(format!("{verb:?} {number} was made to fail"));
        match (fate, lost) {
            (Fate::Done, _) | (Fate::Loses, None) => work(&*self.inner),
            (Fate::Loses, Some(lost)) => Ok(lost),
            (Fate::Fails, _) => Err(failed()),
            (Fate::DoneButFails, _) => work(&*self.inner).and_then(|_| Err(failed())),
        }
    }
}

impl Store for Hooked {
    fn insert(&self, key: &Key, record: Record) -> StoreResult<bool> {
        self.call(Verb::Insert, Some(false), |inner| inner.insert(key, record))
    }

    fn load(&self, key: &Key) -> StoreResult<Option<Loaded>> {
        self.call(Verb::Load, None, |inner| inner.load(key))
    }

    fn swap(&self, key: &Key, version: u64, record: Record) -> StoreResult<bool> {
        self.call(Verb::Swap, Some(false), |inner| {
            inner.swap(key, version, record)
        })
    }

    fn owned_by(&self, owner: Owner<'_>) -> StoreResult<Vec<Key>> {
        self.call(Verb::OwnedBy, None, |inner| inner.owned_by(owner))
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> StoreResult<usize> {
        self.call(Verb::Sweep, None, |inner| inner.sweep(now, limit))
    }

    fn is_durable(&self) -> bool {
        self.inner.is_durable()
    }
}
