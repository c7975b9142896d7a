//! The SQLite store: one file that survives the process, for one process or several.
//!
//! `schema` knows the file, `rows` the records in it, `commit` when they reach the disk. Write-ahead log,
//! `synchronous=FULL`: what a call has answered is on the disk. Readers never wait for writers. SQLite's
//! own lock keeps processes apart, and the compare-and-swap holds across them; nothing that could be
//! out of date is remembered from one call to the next.

mod commit;
mod rows;
mod schema;

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, MAIN_DB, OpenFlags};

use self::commit::{Change, Committer, Outcomes, Writer};
use self::rows::{SweepAt, TermsCache};
use crate::clock::Timestamp;
use crate::random::{Random, SystemRandom};
use crate::store::{Key, Loaded, Owner, Record, Store, StoreError, StoreResult, sweep_as_of};

/// How long a call waits for another process's transaction, in pauses of this: five seconds in all.
const BUSY_PAUSE: Duration = Duration::from_millis(2);
const MAX_BUSY_PAUSES: i32 = 2_500;
/// Connections for reading that are kept for the next reader.
const MAX_IDLE_READERS: usize = 8;
/// How many records a sweep looks at for each that it may remove.
const LOOKS_PER_REMOVAL: usize = 16;
/// How many records an insert may remove: more than it adds, or what has piled up would never go.
const SWEPT_PER_INSERT: usize = 2;
/// The log is cut back to this once it has been copied into the file.
const LOG_BYTES: i64 = 4 * 1024 * 1024;

/// Records in an SQLite file.
///
/// Any number of threads may use one, any number of processes may open the same file, and both may do
/// so at once. A file of a network share is not for this: SQLite's locks do not hold there.
pub struct SqliteStore {
    path: PathBuf,
    committer: Committer<Batches>,
    readers: Mutex<Vec<Connection>>,
    terms: std::sync::Arc<TermsCache>,
}

impl SqliteStore {
    /// Opens the file, or makes one that only its owner may read (0600). Beside it lie `-wal` and `-shm`
    /// while it is open; after a crash they belong to it.
    ///
    /// # Errors
    /// [`StoreError`] says which: not a store's file, one of a later version, damaged, read only, no room,
    /// or busy for longer than five seconds.
    pub fn open(path: impl AsRef<Path>) -> StoreResult<Self> {
        // A relative path is the process's own, whatever its folder is later.
        let path = std::path::absolute(path).map_err(|error| io(&error))?;
        create(&path)?;
        let mut conn = connect(&path)?;
        schema::prepare(&mut conn)?;
        let random = SystemRandom::default();
        let terms = std::sync::Arc::new(TermsCache::default());
        Ok(SqliteStore {
            committer: Committer::new(Batches {
                sweep_at: SweepAt::random(bytes(&random)?),
                random,
                conn,
                terms: std::sync::Arc::clone(&terms),
            }),
            readers: Mutex::default(),
            terms,
            path,
        })
    }

    /// Reads by a connection of the reader's own.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> StoreResult<T>) -> StoreResult<T> {
        let idle = self.readers.lock().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => connect(&self.path)?,
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

    /// The copy is of one moment, complete, and the owner's alone (0600). It has its name only once all of
    /// it is on the disk.
    fn backup(&self, to: &Path) -> StoreResult<()> {
        let to = std::path::absolute(to).map_err(|error| io(&error))?;
        if to.exists() {
            return Err(StoreError::Failed(
                "the backup's file exists already".into(),
            ));
        }
        let mut partial = to.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let made = self.copy(&partial, &to);
        if made.is_err() {
            // What is left of it is of no use to anybody.
            let _ = std::fs::remove_file(&partial);
        }
        made
    }
}

impl SqliteStore {
    fn copy(&self, partial: &Path, to: &Path) -> StoreResult<()> {
        // VACUUM INTO takes an empty file that is there already, and with it its mode.
        let file = private()
            .create_new(true)
            .open(partial)
            .map_err(|error| io(&error))?;
        let path = partial
            .to_str()
            .ok_or_else(|| StoreError::Failed("the backup's path is not UTF-8".into()))?;
        self.read(|conn| Ok(conn.execute("VACUUM INTO ?1", [path])?))?;
        let finish = || {
            file.sync_all()?;
            std::fs::rename(partial, to)?;
            sync_folder(to)
        };
        finish().map_err(|error| io(&error))
    }
}

/// The one connection that writes.
struct Batches {
    conn: Connection,
    terms: std::sync::Arc<TermsCache>,
    random: SystemRandom,
    sweep_at: SweepAt,
}

impl Writer for Batches {
    fn transact(&mut self, batch: &[Change]) -> Outcomes {
        // What a defect left open was never told to anybody.
        self.roll_back()?;
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut outcomes = Vec::with_capacity(batch.len());
        for change in batch {
            let outcome = self.apply(change);
            // What is wrong with one change does not concern the others, unless SQLite gave up.
            if let (Err(error), true) = (&outcome, self.conn.is_autocommit()) {
                return Err(error.clone());
            }
            outcomes.push(outcome);
        }
        let committed = self.conn.prepare_cached("COMMIT")?.execute([]);
        if let Err(error) = committed {
            self.roll_back()?;
            return Err(error.into());
        }
        Ok(outcomes)
    }
}

impl Batches {
    /// Ends a transaction that is still open, as if it had never begun.
    fn roll_back(&self) -> StoreResult<()> {
        if !self.conn.is_autocommit() {
            self.conn.prepare_cached("ROLLBACK")?.execute([])?;
        }
        Ok(())
    }

    fn apply(&mut self, change: &Change) -> StoreResult<usize> {
        match change {
            Change::Insert(key, record) => {
                // From a start that is random, versions do not come back when a record does.
                let version = u32::from_be_bytes(bytes(&self.random)?);
                let inserted = rows::insert(&self.conn, key, version.into(), record)?;
                // Housekeeping that fails takes nothing from who inserts, unless SQLite gave up on both.
                if let Record::Grant(grant) = record
                    && let Some(then) = sweep_as_of(grant)
                    && let Err(error) = self.sweep(then, SWEPT_PER_INSERT)
                    && self.conn.is_autocommit()
                {
                    return Err(error);
                }
                Ok(usize::from(inserted))
            }
            Change::Swap(key, version, record) => {
                rows::swap(&self.conn, &self.terms, key, *version, record).map(usize::from)
            }
            Change::Sweep(now, limit) => self.sweep(*now, *limit),
        }
    }

    fn sweep(&mut self, now: Timestamp, limit: usize) -> StoreResult<usize> {
        let looks = limit.saturating_mul(LOOKS_PER_REMOVAL);
        rows::sweep(&self.conn, &mut self.sweep_at, now, limit, looks)
    }
}

/// Makes the file if it is not there: SQLite would make one that others can read.
fn create(path: &Path) -> StoreResult<()> {
    match private().create_new(true).open(path) {
        Ok(file) => file
            .sync_all()
            .and_then(|()| sync_folder(path))
            .map_err(|error| io(&error)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(io(&error)),
    }
}

/// How a file is made that is its owner's alone.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A new name is on the disk when its folder is. Windows has no such call, and does it by itself.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// A connection with all that each of them needs.
fn connect(path: &Path) -> StoreResult<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_handler(Some(|pauses| {
        std::thread::sleep(BUSY_PAUSE);
        pauses < MAX_BUSY_PAUSES
    }))?;
    // A schema that somebody else wrote gets no say in what our statements do.
    conn.pragma_update(None, "trusted_schema", false)?;
    schema::check(&conn)?;
    if conn.is_readonly(MAIN_DB)? {
        return Err(StoreError::ReadOnly("the file or its folder".into()));
    }
    keep_a_log(&conn)?;
    conn.pragma_update(None, "synchronous", "full")?;
    // On Apple's systems only this waits for the disk itself.
    conn.pragma_update(None, "fullfsync", true)?;
    conn.pragma_update(None, "checkpoint_fullfsync", true)?;
    conn.pragma_update(None, "temp_store", "memory")?;
    conn.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES, |_| Ok(()))?;
    Ok(conn)
}

/// Switches to the write-ahead log. Of those who do it to a new file at once, SQLite turns all but one
/// away without waiting.
fn keep_a_log(conn: &Connection) -> StoreResult<()> {
    let mut pauses = 0;
    loop {
        let mode = conn
            .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
        match mode.map_err(StoreError::from) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(StoreError::Failed(format!(
                    "this file system does not do with a write-ahead log (the journal is '{mode}')"
                )));
            }
            Err(StoreError::Busy(_)) if pauses < MAX_BUSY_PAUSES => pauses += 1,
            Err(error) => return Err(error),
        }
        std::thread::sleep(BUSY_PAUSE);
    }
}

fn bytes<const N: usize>(random: &SystemRandom) -> StoreResult<[u8; N]> {
    let random: &dyn Random = random;
    random
        .bytes()
        .map_err(|error| StoreError::Failed(error.to_string()))
}

fn io(error: &std::io::Error) -> StoreError {
    let what = error.to_string();
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full(what),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly(what),
        _ => StoreError::Failed(what),
    }
}
