//! The file: how it is told from other files, what its tables are, and how an older one comes forward.
//!
//! Knows SQLite and the tables; knows no record. Nothing in here holds a token or a secret in clear,
//! and every column is one that an operator can read: `SELECT * FROM grant_list`.

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use crate::store::{StoreError, StoreResult};

/// `PRAGMA application_id`: the bytes `grlt`.
const APPLICATION_ID: i32 = 0x6772_6c74;

/// What makes each schema version out of the one before; the first out of nothing. A version that
/// was released never changes: what is new is a step more.
const STEPS: [&str; 1] = [
    // 1. `terms` is what many grants share; AUTOINCREMENT, so that a number never means something else.
    //
    // A rotation is one update in place: the grant's id is the primary key of a table that is its own
    // index, and nothing that a rotation changes is in another index. `owner` is the start of SHA-256 of
    // the subject: four bytes in the index instead of the whole of it. Moments are seconds since 1970;
    // without one: never (of auth_time: not known). `details` is JSON, and rarely there.
    "CREATE TABLE terms (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        client_id TEXT NOT NULL,
        audience TEXT NOT NULL,
        scope TEXT NOT NULL,
        UNIQUE (client_id, audience, scope)
    );
    CREATE TABLE grants (
        id BLOB NOT NULL PRIMARY KEY,
        version INTEGER NOT NULL,
        terms INTEGER NOT NULL,
        owner INTEGER NOT NULL,
        subject TEXT NOT NULL,
        approved_at INTEGER,
        issued_at INTEGER,
        expires_at INTEGER,
        idle_until INTEGER,
        access_until INTEGER,
        auth_time INTEGER,
        generation INTEGER NOT NULL,
        refreshable INTEGER NOT NULL,
        revoked INTEGER,
        details TEXT
    ) WITHOUT ROWID;
    CREATE INDEX grants_by_owner ON grants (terms, owner);
    CREATE TABLE marks (
        key BLOB NOT NULL PRIMARY KEY,
        version INTEGER NOT NULL,
        until INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE state (
        key BLOB NOT NULL PRIMARY KEY,
        version INTEGER NOT NULL,
        sealed BLOB NOT NULL
    );
    CREATE VIEW grant_list AS
    SELECT
        lower(hex(grants.id)) AS id, client_id, subject, scope, audience,
        CASE revoked
            WHEN 1 THEN 'reused' WHEN 2 THEN 'by_client' WHEN 3 THEN 'by_host' WHEN 4 THEN 'displaced'
        END AS revoked,
        generation, refreshable,
        datetime(approved_at, 'unixepoch') AS approved_at,
        datetime(issued_at, 'unixepoch') AS issued_at,
        datetime(expires_at, 'unixepoch') AS expires_at,
        datetime(idle_until, 'unixepoch') AS idle_until,
        datetime(access_until, 'unixepoch') AS access_until,
        datetime(auth_time, 'unixepoch') AS auth_time,
        details
    FROM grants JOIN terms ON terms.id = grants.terms;",
];

/// What a file is to us.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Empty,
    Version(usize),
}

/// Whether the file is a store's, or may become one. Nothing of it is changed.
pub(super) fn check(conn: &Connection) -> StoreResult<()> {
    state(conn).map(drop)
}

/// Makes the file one of the present schema: an empty one becomes a store, an older one comes forward,
/// in one transaction.
pub(super) fn prepare(conn: &mut Connection) -> StoreResult<()> {
    if state(conn)? == State::Version(STEPS.len()) {
        return Ok(());
    }
    // Another process may be doing the same: whoever comes second finds it done.
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = match state(&transaction)? {
        State::Empty => 0,
        State::Version(version) => version,
    };
    for step in &STEPS[done..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", STEPS.len())?;
    Ok(transaction.commit()?)
}

fn state(conn: &Connection) -> StoreResult<State> {
    // One statement sees one moment: another process may be making the file a store.
    let (application, version, objects): (i32, i32, i64) = conn.query_row(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master) \
         FROM pragma_application_id, pragma_user_version",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    match (application, usize::try_from(version)) {
        (0, Ok(0)) if objects == 0 => Ok(State::Empty),
        (APPLICATION_ID, Ok(version)) if (1..=STEPS.len()).contains(&version) => {
            Ok(State::Version(version))
        }
        (APPLICATION_ID, Ok(version)) if version > STEPS.len() => {
            let known = STEPS.len();
            Err(StoreError::Newer(format!(
                "its schema is version {version}, and {known} is the last one known"
            )))
        }
        _ => Err(StoreError::Foreign(
            "the file is an SQLite database of another application".into(),
        )),
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as Sql;
        // SQLite's messages name tables and columns, never values; of the others no more is said.
        if let Sql::FromSqlConversionFailure(..)
        | Sql::IntegralValueOutOfRange(..)
        | Sql::InvalidColumnType(..)
        | Sql::Utf8Error(..) = error
        {
            return StoreError::Corrupt("a column holds what it cannot".into());
        }
        let what = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy(what),
            Some(ErrorCode::DiskFull) => StoreError::Full(what),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                StoreError::ReadOnly(what)
            }
            Some(ErrorCode::DatabaseCorrupt) => StoreError::Corrupt(what),
            Some(ErrorCode::NotADatabase) => StoreError::Foreign(what),
            _ => StoreError::Failed(what),
        }
    }
}
