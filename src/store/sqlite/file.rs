//! The file on the disk: how it is made, opened, told from another that took its place, and copied.
//!
//! Knows paths and connections; not what is in them.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, MAIN_DB, OpenFlags};

use crate::store::sqlite::schema;
use crate::store::{StoreError, StoreResult};

/// How long a call waits for another process's transaction, in pauses of this: five seconds in all.
const BUSY_PAUSE: Duration = Duration::from_millis(2);
const MAX_BUSY_PAUSES: i32 = 2_500;
/// The log is cut back to this once it has been copied into the file.
const LOG_BYTES: i64 = 4 * 1024 * 1024;

/// The file of a store.
pub(super) struct StoreFile {
    path: PathBuf,
    /// Which file it was when the store was opened.
    #[cfg(unix)]
    identity: (u64, u64),
}

impl StoreFile {
    /// The file at this path, which is made if it is not there.
    pub(super) fn open(path: &Path) -> StoreResult<Self> {
        // A relative path is the process's own, whatever its folder is later.
        let path = std::path::absolute(path).map_err(io)?;
        create(&path)?;
        Ok(StoreFile {
            #[cfg(unix)]
            identity: identity(&path).map_err(io)?,
            path,
        })
    }

    /// A connection with all that each of them needs.
    pub(super) fn connect(&self) -> StoreResult<Connection> {
        self.check()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(&self.path, flags)?;
        conn.busy_timeout(Duration::ZERO)?;
        // A schema that somebody else wrote gets no say in what our statements do.
        conn.pragma_update(None, "trusted_schema", false)?;
        patiently(|| {
            schema::check(&conn)?;
            keep_a_log(&conn)
        })?;
        if conn.is_readonly(MAIN_DB)? {
            return Err(StoreError::ReadOnly("the file or its folder".into()));
        }
        conn.busy_handler(Some(|pauses| {
            std::thread::sleep(BUSY_PAUSE);
            pauses < MAX_BUSY_PAUSES
        }))?;
        conn.pragma_update(None, "synchronous", "full")?;
        // On Apple's systems only this waits for the disk itself.
        conn.pragma_update(None, "fullfsync", true)?;
        conn.pragma_update(None, "checkpoint_fullfsync", true)?;
        conn.pragma_update(None, "temp_store", "memory")?;
        conn.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES, |_| Ok(()))?;
        Ok(conn)
    }

    /// Whether the file is still the one that was opened: what is written to one that was removed or
    /// replaced would be gone with the process.
    pub(super) fn check(&self) -> StoreResult<()> {
        #[cfg(unix)]
        if identity(&self.path).ok() != Some(self.identity) {
            return Err(StoreError::Failed(
                "the file was removed or replaced: open the engine anew".into(),
            ));
        }
        Ok(())
    }
}

/// Which file lies at a path.
#[cfg(unix)]
fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let meta = std::fs::metadata(path)?;
    Ok((meta.dev(), meta.ino()))
}

/// Makes the file if it is not there: SQLite would make one that others can read.
fn create(path: &Path) -> StoreResult<()> {
    // Whoever closes a file lets go of all locks that the process has on it (POSIX), those of SQLite on
    // other threads too: so it is closed before any of them can have one, and never opened by other means.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock();
    match private().create_new(true).open(path) {
        Ok(file) => file.sync_all().and_then(|()| sync_folder(path)).map_err(io),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(io(error)),
    }
}

/// Copies what `conn` sees into a new file that is its owner's alone, and has its name only once all of it
/// is on the disk. `unique` keeps those apart who make one at the same moment.
pub(super) fn copy(conn: &Connection, to: &Path, unique: &str) -> StoreResult<()> {
    let to = std::path::absolute(to).map_err(io)?;
    if to.exists() {
        return Err(StoreError::Failed(
            "the backup's file exists already".into(),
        ));
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(format!(".{unique}.partial"));
    let partial = PathBuf::from(partial);
    let path = partial
        .to_str()
        .ok_or_else(|| StoreError::Failed("the backup's path is not UTF-8".into()))?;
    // VACUUM INTO takes an empty file that is there already, and with it its mode.
    let file = private().create_new(true).open(&partial).map_err(io)?;
    let made = conn
        .execute("VACUUM INTO ?1", [path])
        .map_err(StoreError::from)
        .and_then(|_| name(&file, &partial, &to).map_err(io));
    if made.is_err() {
        // What is left of it is of no use to anybody.
        let _ = std::fs::remove_file(&partial);
    }
    made
}

/// Gives a complete file its name, in nobody's place.
fn name(file: &File, partial: &Path, to: &Path) -> std::io::Result<()> {
    file.sync_all()?;
    match std::fs::hard_link(partial, to) {
        Ok(()) => std::fs::remove_file(partial)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error),
        // Not every file system has links.
        Err(_) => std::fs::rename(partial, to)?,
    }
    sync_folder(to)
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

/// Switches to the write-ahead log.
fn keep_a_log(conn: &Connection) -> StoreResult<()> {
    let mode: String =
        conn.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    match mode.as_str() {
        "wal" => Ok(()),
        _ => Err(StoreError::Failed(format!(
            "this file system does not do with a write-ahead log (the journal is '{mode}')"
        ))),
    }
}

/// Tries again while others are busy. Of those who switch a new file to the log at once, SQLite turns all
/// but one away without waiting.
fn patiently(mut work: impl FnMut() -> StoreResult<()>) -> StoreResult<()> {
    for _ in 0..MAX_BUSY_PAUSES {
        match work() {
            Err(StoreError::Busy(_)) => std::thread::sleep(BUSY_PAUSE),
            done => return done,
        }
    }
    work()
}

#[allow(clippy::needless_pass_by_value)] // For map_err.
fn io(error: std::io::Error) -> StoreError {
    let what = error.to_string();
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full(what),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly(what),
        _ => StoreError::Failed(what),
    }
}
