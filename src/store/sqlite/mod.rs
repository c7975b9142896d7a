//! The SQLite store: one file that survives the process, for one process or several.
//!
//! `schema` knows the file, `rows` the records in it, `commit` when they reach the disk. Write-ahead log,
//! `synchronous=FULL`: what a call has answered is on the disk. Readers never wait for writers. SQLite's
//! own lock keeps processes apart, and the compare-and-swap holds across them; nothing that could be
//! out of date is remembered from one call to the next.

mod commit;
mod file;
mod rows;
mod schema;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use rusqlite::Connection;

use self::commit::{Change, Committer};
use self::file::StoreFile;
use self::rows::TermsCache;
use self::writer::SqliteWriter;
use crate::clock::Timestamp;
use crate::store::{Key, Loaded, Owner, Record, Store, StoreResult};

/// Connections for reading that are kept for the next reader.
const MAX_IDLE_READERS: usize = 8;

/// Records in an SQLite file.
///
/// Any number of threads may use one, any number of processes may open the same file, and both may do
/// so at once. Not for a file of a network share, where SQLite's locks do not hold, and not for a process
/// that was forked off: it opens the file anew.
pub struct SqliteStore {
    file: Arc<StoreFile>,
    committer: Committer<SqliteWriter>,
    readers: Mutex<Vec<Connection>>,
    terms: Arc<TermsCache>,
    backups: AtomicUsize,
}

impl SqliteStore {
    /// Opens the file, or makes one that only its owner may read (0600). Beside it lie `-wal` and `-shm`
    /// while it is open; after a crash they belong to it.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError) says which: not a store's file, one of a later version,
    /// damaged, read only, no room, or busy for longer than five seconds.
    pub fn open(path: impl AsRef<Path>) -> StoreResult<Self> {
        let file = Arc::new(StoreFile::open(path.as_ref())?);
        let mut conn = file.connect()?;
        schema::prepare(&mut conn)?;
        let terms = Arc::new(TermsCache::default());
        let writer = SqliteWriter::new(Arc::clone(&file), conn, Arc::clone(&terms))?;
        Ok(SqliteStore {
            file,
            committer: Committer::new(writer),
            readers: Mutex::default(),
            terms,
            backups: AtomicUsize::new(0),
        })
    }

    /// Reads by a connection of the reader's own, which waits for nobody.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> StoreResult<T>) -> StoreResult<T> {
        let idle = self.readers.lock().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => self.file.connect()?,
        };
        let done = work(&conn);
        let mut readers = self.readers.lock();
        if readers.len() < MAX_IDLE_READERS {
            readers.push(conn);
        }
        done
    }
}

impl Store for SqliteStore {
    fn insert(&self, key: &Key, record: Record) -> StoreResult<bool> {
        let inserted = self.committer.commit(Change::Insert(*key, record))?;
        Ok(inserted > 0)
    }

    fn load(&self, key: &Key) -> StoreResult<Option<Loaded>> {
        // The connection that writes, if nobody writes, knows the pages that it wrote.
        if let Some(writer) = self.committer.idle_writer()
            && let Some(conn) = writer.conn()
        {
            return rows::load(conn, &self.terms, key);
        }
        self.read(|conn| rows::load(conn, &self.terms, key))
    }

    fn swap(&self, key: &Key, version: u64, record: Record) -> StoreResult<bool> {
        let swapped = self.committer.commit(Change::Swap(*key, version, record))?;
        Ok(swapped > 0)
    }

    fn owned_by(&self, owner: Owner<'_>) -> StoreResult<Vec<Key>> {
        self.read(|conn| rows::owned_by(conn, owner))
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> StoreResult<usize> {
        match limit {
            0 => Ok(0),
            _ => self.committer.commit(Change::Sweep(now, limit)),
        }
    }

    fn backup(&self, to: &Path) -> StoreResult<()> {
        let number = self.backups.fetch_add(1, Ordering::Relaxed);
        let unique = format!("{}-{number}", std::process::id());
        self.read(|conn| file::copy(conn, to, &unique))
    }
}
