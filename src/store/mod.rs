//! The store: five verbs, each of which touches one record (DESIGN §2).
//!
//! Knows records and keys; knows neither tokens nor clients. Whatever has a compare-and-swap can be
//! one; no correctness depends on which it is.

mod memory;

use std::fmt;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};

use crate::clock::Timestamp;
use crate::error::{Error, Status};
use crate::grant::Grant;

pub use memory::MemoryStore;

/// A record's key: 16 bytes, random or a hash. A grant's key is its id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key([u8; Key::LEN]);

impl Key {
    /// Bytes in a key.
    pub const LEN: usize = 16;

    /// The key with these bytes.
    pub const fn new(bytes: [u8; Key::LEN]) -> Self {
        Key(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; Key::LEN] {
        &self.0
    }

    /// Reads the text form: 22 characters of base64url.
    pub fn parse(text: &str) -> Option<Self> {
        BASE64_URL_SAFE_NO_PAD
            .decode(text)
            .ok()?
            .try_into()
            .ok()
            .map(Key)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a store holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A grant.
    Grant(Grant),
    /// The mere fact that something happened (an id was used, a token was revoked), until then.
    Mark {
        /// When it may be forgotten.
        until: Timestamp,
    },
}

impl Record {
    /// When [`Store::sweep`] may remove it.
    pub fn keep_until(&self) -> Timestamp {
        match self {
            Record::Grant(grant) => grant.keep_until(),
            Record::Mark { until } => *until,
        }
    }
}

/// A record as it was loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// What [`Store::swap`] compares.
    pub version: u64,
    /// The record.
    pub record: Record,
}

/// Whose grants are meant; a `None` means anybody's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner<'a> {
    /// The client.
    pub client_id: Option<&'a str>,
    /// The user.
    pub subject: Option<&'a str>,
}

impl Owner<'_> {
    /// Whether a grant is theirs.
    pub fn owns(&self, grant: &Grant) -> bool {
        self.client_id
            .is_none_or(|id| *id == *grant.terms.client_id)
            && self
                .subject
                .is_none_or(|subject| *subject == *grant.subject)
    }
}

/// Why a store could not do it. Nothing was changed, or the engine may take it so: it asks again.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It may work a moment later.
    #[error("the store is busy: {0}")]
    Busy(String),
    /// It will not.
    #[error("the store failed: {0}")]
    Failed(String),
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Error {
        match error {
            StoreError::Busy(_) => Error::new(
                Status::TemporarilyUnavailable,
                "the server is busy; try again",
            )
            .with_detail(error),
            StoreError::Failed(_) => Error::server(error),
        }
    }
}

/// A store's own result.
pub type StoreResult<T> = Result<T, StoreError>;

/// Where records live. Called from any thread, never while the engine holds a lock.
pub trait Store: Send + Sync {
    /// Puts a record where none is; tells whether none was.
    fn insert(&self, key: &Key, record: Record) -> StoreResult<bool>;

    /// The record, if there is one.
    fn load(&self, key: &Key) -> StoreResult<Option<Loaded>>;

    /// Replaces the record if it is still the one of this version; tells whether it was.
    fn swap(&self, key: &Key, version: u64, record: Record) -> StoreResult<bool>;

    /// The keys of an owner's grants, in no order, whatever their state.
    fn owned_by(&self, owner: Owner<'_>) -> StoreResult<Vec<Key>>;

    /// Removes at most `limit` records that need not be kept, by a bounded amount of work; the next
    /// call goes on where this one stopped. Tells how many went.
    fn sweep(&self, now: Timestamp, limit: usize) -> StoreResult<usize>;
}
