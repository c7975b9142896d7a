//! The store: five verbs, each of which touches one record (DESIGN §2).
//!
//! Knows records and keys; knows neither tokens nor clients. Whatever has a compare-and-swap can be
//! one; no correctness depends on which it is.

pub(crate) mod json;
mod memory;
#[cfg(feature = "_sqlite")]
mod sqlite;

use std::fmt;
use std::path::Path;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};

use crate::clock::Timestamp;
use crate::error::{Error, Status};
use crate::grant::Grant;

pub use memory::MemoryStore;
#[cfg(feature = "_sqlite")]
pub use sqlite::SqliteStore;

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
    /// The engine's own state, sealed: keys, and what was changed of clients and APIs. There is one,
    /// and it is kept for good.
    State(Box<[u8]>),
}

impl Record {
    /// When [`Store::sweep`] may remove it.
    pub fn keep_until(&self) -> Timestamp {
        match self {
            Record::Grant(grant) => grant.keep_until(),
            Record::Mark { until } => *until,
            Record::State(_) => Timestamp::NEVER,
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
/// The text is for the log.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It may work a moment later.
    #[error("the store is busy: {0}")]
    Busy(String),
    /// It will not.
    #[error("the store failed: {0}")]
    Failed(String),
    /// The disk, or what the store may use of it, is full.
    #[error("the store is full: {0}")]
    Full(String),
    /// The file or its folder cannot be opened for writing.
    #[error("the store cannot be opened for writing: {0}")]
    ReadOnly(String),
    /// What is there is damaged: restore a backup.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// The file was written by a later version of this library.
    #[error("the store is newer than this library: {0}")]
    Newer(String),
    /// The file is something else. It is left as it is.
    #[error("this is no store of grantlet's: {0}")]
    Foreign(String),
    /// This store has no such operation.
    #[error("the store cannot do this: {0}")]
    Unsupported(String),
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Error {
        let (status, what) = match error {
            StoreError::Busy(_) => (
                Status::TemporarilyUnavailable,
                "the server is busy; try again",
            ),
            StoreError::Failed(_) => return Error::server(error),
            StoreError::Full(_) => (Status::StoreFull, "the server's store is full"),
            StoreError::ReadOnly(_) => (
                Status::StoreReadOnly,
                "the server's store cannot be opened for writing",
            ),
            StoreError::Corrupt(_) => (Status::StoreCorrupt, "the server's store is damaged"),
            StoreError::Newer(_) => (
                Status::StoreNewer,
                "the server's store was written by a later version",
            ),
            StoreError::Foreign(_) => (
                Status::StoreForeign,
                "what should be the server's store is something else",
            ),
            StoreError::Unsupported(_) => (
                Status::StoreUnsupported,
                "the server's store has no such operation",
            ),
        };
        Error::new(status, what).with_detail(error)
    }
}

/// As of when a store sweeps by itself while it inserts this grant: a day before it was approved, so
/// that a clock which runs ahead for a while takes nothing from anybody.
pub fn sweep_as_of(grant: &Grant) -> Option<Timestamp> {
    const GRACE_SECS: u64 = 24 * 3600;
    let secs = grant.approved_at.as_secs().checked_sub(GRACE_SECS)?;
    Some(Timestamp::from_secs(secs))
}

/// How often an operation decides again after another call changed the record under it. Each loss
/// means that another call got on, so this many losses in a row mean a storm.
pub(crate) const MAX_ATTEMPTS: usize = 64;

/// Other calls changed the record again and again.
pub(crate) fn busy() -> Error {
    Error::new(
        Status::TemporarilyUnavailable,
        "too many calls change this at the same moment; try again",
    )
}

/// A store's own result.
pub type StoreResult<T> = Result<T, StoreError>;

/// Where records live. Called from any thread, never while the engine holds a lock.
///
/// A change that was answered is there for good: after a crash too, if the store [is
/// durable](Store::is_durable). With each [`Store::insert`] of a grant a store sweeps a little by itself,
/// as [`sweep_as_of`] says: so a host that never sweeps does not fill up.
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

    /// Whether what it holds outlives the process. Then the engine keeps its keys there too, sealed.
    fn is_durable(&self) -> bool {
        true
    }

    /// Writes a consistent copy of all that it holds to a new file, while it goes on working. For
    /// stores that are files; a host backs its own up by its own means.
    fn backup(&self, to: &Path) -> StoreResult<()> {
        let _ = to;
        Err(StoreError::Unsupported("backup".into()))
    }
}
