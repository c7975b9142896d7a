//! Records as rows: what each verb reads and writes, inside whatever transaction is open.
//!
//! Knows the columns and nothing of when they reach the disk.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use ring::digest;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};

use crate::clock::Timestamp;
use crate::grant::{Details, Grant, Revocation, Terms};
use crate::scope::Scope;
use crate::store::{Key, Loaded, Owner, Record, StoreError, StoreResult};

/// What many grants share, by its number in the table. A number never means anything else, so what
/// was read once holds for as long as the process lives.
#[derive(Default)]
pub(super) struct TermsCache {
    by_id: RwLock<HashMap<i64, Arc<Terms>>>,
    ids: RwLock<HashMap<Arc<Terms>, i64>>,
}

/// More than hosts have; past it, what is not remembered is read again.
const MAX_CACHED_TERMS: usize = 4_096;

impl TermsCache {
    fn get(&self, conn: &Connection, id: i64) -> StoreResult<Arc<Terms>> {
        if let Some(terms) = self.by_id.read().get(&id) {
            return Ok(Arc::clone(terms));
        }
        let (client_id, audience, scope) = one(
            conn,
            "SELECT client_id, audience, scope FROM terms WHERE id = ?1",
            [id],
            |row| {
                Ok((
                    row.get::<_, Box<str>>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, String>(2)?,
                ))
            },
        )?
        .ok_or_else(|| corrupt("a grant without its terms"))?;
        let terms = Arc::new(Terms {
            client_id,
            audience: serde_json::from_str(&audience).map_err(|_| corrupt("an audience"))?,
            scope: Scope::parse(&scope).map_err(|_| corrupt("a scope"))?,
        });
        let mut by_id = self.by_id.write();
        if by_id.len() < MAX_CACHED_TERMS {
            by_id.insert(id, Arc::clone(&terms));
            self.ids.write().insert(Arc::clone(&terms), id);
        }
        Ok(terms)
    }

    /// The number that these terms had when they were last read, if they are remembered.
    fn id(&self, terms: &Terms) -> Option<i64> {
        self.ids.read().get(terms).copied()
    }
}

pub(super) fn load(
    conn: &Connection,
    terms: &TermsCache,
    key: &Key,
) -> StoreResult<Option<Loaded>> {
    let grant = one(
        conn,
        "SELECT version, terms, subject, approved_at, issued_at, expires_at, idle_until, access_until, \
         auth_time, generation, refreshable, revoked, details FROM grants WHERE id = ?1",
        [key.as_bytes()],
        |row| Ok(grant(conn, terms, row)),
    )?;
    if let Some(loaded) = grant {
        return loaded.map(Some);
    }
    one(
        conn,
        "SELECT version, until, NULL FROM marks WHERE key = ?1 \
         UNION ALL SELECT version, NULL, sealed FROM state WHERE key = ?1",
        [key.as_bytes()],
        |row| {
            Ok(Loaded {
                version: row.get(0)?,
                record: match row.get::<_, Option<Vec<u8>>>(2)? {
                    Some(sealed) => Record::State(sealed.into()),
                    None => Record::Mark {
                        until: moment(row.get(1)?),
                    },
                },
            })
        },
    )
}

fn grant(conn: &Connection, cache: &TermsCache, row: &Row<'_>) -> StoreResult<Loaded> {
    let terms = cache.get(conn, row.get(1)?)?;
    let subject = row.get_ref(2)?.as_str().map_err(|_| corrupt("a subject"))?;
    let auth_time: Option<u32> = row.get(8)?;
    let mut grant = Grant::approved(
        terms,
        subject.into(),
        auth_time.map(|secs| Timestamp::from_secs(secs.into())),
        Details::default(),
        row.get(10)?,
        moment(row.get(3)?),
        moment(row.get(5)?),
    );
    grant.issued_at = moment(row.get(4)?);
    grant.idle_until = moment(row.get(6)?);
    grant.access_until = moment(row.get(7)?);
    grant.generation = row.get(9)?;
    grant.revoked = match row.get::<_, Option<u8>>(11)? {
        None => None,
        Some(reason) => Some(Revocation::from_code(reason).ok_or_else(|| corrupt("revoked"))?),
    };
    grant.details = match row.get_ref(12)?.as_str_or_null() {
        Err(_) => return Err(corrupt("details")),
        Ok(None) => None,
        Ok(Some(json)) => {
            let details: Details = serde_json::from_str(json).map_err(|_| corrupt("details"))?;
            Some(Arc::new(details))
        }
    };
    Ok(Loaded {
        version: row.get(0)?,
        record: Record::Grant(grant),
    })
}

/// Puts a record where none of any kind is.
pub(super) fn insert(
    conn: &Connection,
    key: &Key,
    version: u64,
    record: &Record,
) -> StoreResult<bool> {
    let key = key.as_bytes();
    let inserted = match record {
        Record::Grant(grant) => {
            let row = GrantRow::of(grant)?;
            execute(
                conn,
                "INSERT OR IGNORE INTO grants (id, version, terms, owner, subject, approved_at, issued_at, \
                 expires_at, idle_until, access_until, auth_time, generation, refreshable, revoked, details) \
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15 \
                 WHERE NOT EXISTS (SELECT 1 FROM marks WHERE key = ?1) \
                 AND NOT EXISTS (SELECT 1 FROM state WHERE key = ?1)",
                params![
                    key,
                    version,
                    terms_id(conn, &grant.terms)?,
                    owner(&grant.subject),
                    &*grant.subject,
                    row.approved_at,
                    row.issued_at,
                    row.expires_at,
                    row.idle_until,
                    row.access_until,
                    row.auth_time,
                    grant.generation,
                    grant.refreshable,
                    row.revoked,
                    row.details
                ],
            )?
        }
        Record::Mark { until } => execute(
            conn,
            "INSERT OR IGNORE INTO marks (key, version, until) SELECT ?1, ?2, ?3 \
             WHERE NOT EXISTS (SELECT 1 FROM grants WHERE id = ?1) \
             AND NOT EXISTS (SELECT 1 FROM state WHERE key = ?1)",
            params![key, version, secs(*until)],
        )?,
        Record::State(sealed) => execute(
            conn,
            "INSERT OR IGNORE INTO state (key, version, sealed) SELECT ?1, ?2, ?3 \
             WHERE NOT EXISTS (SELECT 1 FROM grants WHERE id = ?1) \
             AND NOT EXISTS (SELECT 1 FROM marks WHERE key = ?1)",
            params![key, version, &**sealed],
        )?,
    };
    Ok(inserted > 0)
}

/// Replaces the record of this version.
pub(super) fn swap(
    conn: &Connection,
    terms: &TermsCache,
    key: &Key,
    version: u64,
    record: &Record,
) -> StoreResult<bool> {
    // A store's own versions are below this; no other can be there.
    let Some(next) = i64::try_from(version)
        .ok()
        .and_then(|version| version.checked_add(1))
    else {
        return Ok(false);
    };
    if let Record::Grant(grant) = record
        && let Some(terms) = terms.id(&grant.terms)
        && update(conn, key, version, next, terms, grant)?
    {
        return Ok(true);
    }
    replace(conn, key, version, record)
}

/// The way of every rotation: the same user and terms, one row in place, no index touched.
fn update(
    conn: &Connection,
    key: &Key,
    version: u64,
    next: i64,
    terms: i64,
    grant: &Grant,
) -> StoreResult<bool> {
    let row = GrantRow::of(grant)?;
    let updated = execute(
        conn,
        "UPDATE grants SET version = ?5, approved_at = ?6, issued_at = ?7, expires_at = ?8, \
         idle_until = ?9, access_until = ?10, auth_time = ?11, generation = ?12, refreshable = ?13, \
         revoked = ?14, details = ?15 WHERE id = ?1 AND version = ?2 AND terms = ?3 AND subject = ?4",
        params![
            key.as_bytes(),
            version,
            terms,
            &*grant.subject,
            next,
            row.approved_at,
            row.issued_at,
            row.expires_at,
            row.idle_until,
            row.access_until,
            row.auth_time,
            grant.generation,
            grant.refreshable,
            row.revoked,
            row.details
        ],
    )?;
    Ok(updated > 0)
}

/// Any record in the place of any other: both steps, or none.
fn replace(conn: &Connection, key: &Key, version: u64, record: &Record) -> StoreResult<bool> {
    conn.execute_batch("SAVEPOINT replacing")?;
    let replaced = remove_and_insert(conn, key, version, record);
    // Where SQLite gave up on the whole transaction there is nothing left to undo.
    if replaced.is_err() && !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK TO replacing")?;
    }
    if !conn.is_autocommit() {
        conn.execute_batch("RELEASE replacing")?;
    }
    replaced
}

fn remove_and_insert(
    conn: &Connection,
    key: &Key,
    version: u64,
    record: &Record,
) -> StoreResult<bool> {
    let mut removed = 0;
    for sql in [
        "DELETE FROM grants WHERE id = ?1 AND version = ?2",
        "DELETE FROM marks WHERE key = ?1 AND version = ?2",
        "DELETE FROM state WHERE key = ?1 AND version = ?2",
    ] {
        removed += execute(conn, sql, params![key.as_bytes(), version])?;
    }
    Ok(removed > 0 && insert(conn, key, version + 1, record)?)
}

pub(super) fn owned_by(conn: &Connection, whose: Owner<'_>) -> StoreResult<Vec<Key>> {
    let owned = "SELECT id FROM grants WHERE terms IN \
                 (SELECT id FROM terms WHERE ?1 IS NULL OR client_id = ?1)";
    match whose.subject {
        None => keys(conn, owned, params![whose.client_id]),
        Some(subject) => keys(
            conn,
            &format!("{owned} AND owner = ?2 AND subject = ?3"),
            params![whose.client_id, owner(subject), subject],
        ),
    }
}

fn keys(conn: &Connection, sql: &str, params: impl Params) -> StoreResult<Vec<Key>> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params, |row| row.get(0).map(Key::new))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Where a sweep goes on: behind this key of this table, or at its start.
#[derive(Clone, Copy)]
pub(super) struct SweepAt {
    table: Table,
    after: Option<[u8; Key::LEN]>,
}

#[derive(Clone, Copy, PartialEq)]
enum Table {
    Grants,
    Marks,
}

impl SweepAt {
    /// Somewhere among the grants: processes that live shortly must not all begin at the same place.
    pub(super) fn random(key: [u8; Key::LEN]) -> Self {
        SweepAt {
            table: Table::Grants,
            after: Some(key),
        }
    }

    /// The start of the other table.
    fn turn(&self) -> Self {
        SweepAt {
            table: match self.table {
                Table::Grants => Table::Marks,
                Table::Marks => Table::Grants,
            },
            after: None,
        }
    }
}

/// Looks at the next `looks` records and removes at most `limit` that need not be kept.
pub(super) fn sweep(
    conn: &Connection,
    at: &mut SweepAt,
    now: Timestamp,
    limit: usize,
    looks: usize,
) -> StoreResult<usize> {
    let mut removed = 0;
    let mut looked = 0;
    // Once round both tables at the most, and a bit: the start is in the middle of one.
    for _ in 0..3 {
        if removed == limit || looked == looks {
            break;
        }
        let (ended, seen, last) = ended(conn, at, now, limit - removed, looks - looked)?;
        for (key, terms) in &ended {
            remove(conn, at.table, key, *terms)?;
        }
        removed += ended.len();
        looked += seen;
        *at = match last {
            Some(_) if removed == limit || looked == looks => SweepAt { after: last, ..*at },
            _ => at.turn(),
        };
    }
    Ok(removed)
}

/// What a window of a table has that has ended, how much it held, and where it stopped.
type Window = (Vec<([u8; Key::LEN], i64)>, usize, Option<[u8; Key::LEN]>);

fn ended(
    conn: &Connection,
    at: &SweepAt,
    now: Timestamp,
    limit: usize,
    looks: usize,
) -> StoreResult<Window> {
    let mut statement = conn.prepare_cached(match at.table {
        Table::Grants => {
            "SELECT id, terms, access_until, expires_at, idle_until, revoked FROM grants \
             WHERE id > ?1 ORDER BY id LIMIT ?2"
        }
        Table::Marks => {
            "SELECT key, 0, until, 0, 0, 1 FROM marks WHERE key > ?1 ORDER BY key LIMIT ?2"
        }
    })?;
    let looks = i64::try_from(looks).unwrap_or(i64::MAX);
    // Every key comes after an empty one.
    let after = at.after.as_ref().map_or(&[][..], |key| key);
    let mut rows = statement.query(params![after, looks])?;
    let (mut ended, mut seen, mut last) = (Vec::new(), 0, None);
    while let Some(row) = rows.next()? {
        let key = row.get(0)?;
        seen += 1;
        last = Some(key);
        let keep_until = Grant::kept_until(
            row.get_ref(5)? != rusqlite::types::ValueRef::Null,
            moment(row.get(2)?),
            moment(row.get(3)?).min(moment(row.get(4)?)),
        );
        if keep_until <= now {
            ended.push((key, row.get(1)?));
            if ended.len() == limit {
                break;
            }
        }
    }
    Ok((ended, seen, last))
}

fn remove(conn: &Connection, table: Table, key: &[u8; Key::LEN], terms: i64) -> StoreResult<()> {
    match table {
        Table::Marks => {
            execute(conn, "DELETE FROM marks WHERE key = ?1", [key])?;
        }
        Table::Grants => {
            execute(conn, "DELETE FROM grants WHERE id = ?1", [key])?;
            execute(
                conn,
                "DELETE FROM terms WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM grants WHERE terms = ?1)",
                [terms],
            )?;
        }
    }
    Ok(())
}

/// The number of these terms, which are put into the table if they are not there.
fn terms_id(conn: &Connection, terms: &Terms) -> StoreResult<i64> {
    let audience = serde_json::to_string(&terms.audience).map_err(failed)?;
    let values = params![&*terms.client_id, audience, terms.scope.as_str()];
    let find = "SELECT id FROM terms WHERE client_id = ?1 AND audience = ?2 AND scope = ?3";
    if let Some(id) = one(conn, find, values, |row| row.get(0))? {
        return Ok(id);
    }
    let insert = "INSERT INTO terms (client_id, audience, scope) VALUES (?1, ?2, ?3)";
    execute(conn, insert, values)?;
    Ok(conn.last_insert_rowid())
}

/// What a grant's columns hold where that is not the field itself.
struct GrantRow {
    approved_at: Option<u32>,
    issued_at: Option<u32>,
    expires_at: Option<u32>,
    idle_until: Option<u32>,
    access_until: Option<u32>,
    auth_time: Option<u64>,
    revoked: Option<u8>,
    details: Option<String>,
}

impl GrantRow {
    fn of(grant: &Grant) -> StoreResult<Self> {
        let details = grant.details.as_deref();
        Ok(GrantRow {
            approved_at: secs(grant.approved_at),
            issued_at: secs(grant.issued_at),
            expires_at: secs(grant.expires_at),
            idle_until: secs(grant.idle_until),
            access_until: secs(grant.access_until),
            auth_time: grant.auth_time().map(Timestamp::as_secs),
            revoked: grant.revoked.map(Revocation::code),
            details: details
                .map(serde_json::to_string)
                .transpose()
                .map_err(failed)?,
        })
    }
}

/// A column's value for a moment: none for never.
fn secs(moment: Timestamp) -> Option<u32> {
    (moment != Timestamp::NEVER).then(|| u32::try_from(moment.as_secs()).unwrap_or(u32::MAX))
}

fn moment(secs: Option<u32>) -> Timestamp {
    secs.map_or(Timestamp::NEVER, |secs| Timestamp::from_secs(secs.into()))
}

/// The start of SHA-256 of a subject: what the index knows of it.
fn owner(subject: &str) -> i32 {
    let hash = digest::digest(&digest::SHA256, subject.as_bytes());
    let mut start = [0; 4];
    start.copy_from_slice(&hash.as_ref()[..4]);
    i32::from_be_bytes(start)
}

fn one<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> StoreResult<Option<T>> {
    Ok(conn
        .prepare_cached(sql)?
        .query_row(params, read)
        .optional()?)
}

fn execute(conn: &Connection, sql: &str, params: impl Params) -> StoreResult<usize> {
    Ok(conn.prepare_cached(sql)?.execute(params)?)
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(format!("{what} is not what it can be"))
}

fn failed(error: serde_json::Error) -> StoreError {
    StoreError::Failed(error.to_string())
}
