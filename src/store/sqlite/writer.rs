//! The one connection that writes: a batch of changes, one transaction.
//!
//! Knows which change is which verb's; not who waits for it.

use std::sync::Arc;

use rusqlite::Connection;

use crate::clock::Timestamp;
use crate::random::{Random, SystemRandom};
use crate::store::sqlite::commit::{Change, Outcomes, Writer};
use crate::store::sqlite::file::StoreFile;
use crate::store::sqlite::rows::{self, SweepAt, TermsCache};
use crate::store::{Record, StoreError, StoreResult, sweep_as_of};

/// How many records a sweep looks at for each that it may remove.
const LOOKS_PER_REMOVAL: usize = 16;
/// How many records an insert may remove: more than it adds, or what has piled up would never go.
const SWEPT_PER_INSERT: usize = 2;

pub(super) struct SqliteWriter {
    file: Arc<StoreFile>,
    conn: Connection,
    terms: Arc<TermsCache>,
    random: SystemRandom,
    sweep_at: SweepAt,
}

impl SqliteWriter {
    pub(super) fn new(
        file: Arc<StoreFile>,
        conn: Connection,
        terms: Arc<TermsCache>,
    ) -> StoreResult<Self> {
        let random = SystemRandom::default();
        Ok(SqliteWriter {
            sweep_at: SweepAt::random(bytes(&random)?),
            file,
            conn,
            terms,
            random,
        })
    }

    /// The connection, which is in no transaction.
    pub(super) fn conn(&self) -> Option<&Connection> {
        Some(&self.conn).filter(|conn| conn.is_autocommit())
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

    fn execute(&self, sql: &str) -> StoreResult<()> {
        self.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    fn apply_all(&mut self, batch: &[Change]) -> Outcomes {
        let mut outcomes = Vec::with_capacity(batch.len());
        for change in batch {
            let outcome = self.apply(change);
            // What is wrong with one change does not concern the others, unless SQLite gave up.
            if let (Err(error), true) = (&outcome, self.conn.is_autocommit()) {
                return Err(error.clone());
            }
            outcomes.push(outcome);
        }
        self.execute("COMMIT")?;
        Ok(outcomes)
    }
}

impl Writer for SqliteWriter {
    fn transact(&mut self, batch: &[Change]) -> Outcomes {
        self.file.check()?;
        // What a panic left open was never told to anybody.
        if !self.conn.is_autocommit() {
            self.execute("ROLLBACK")?;
        }
        self.execute("BEGIN IMMEDIATE")?;
        let outcomes = self.apply_all(batch);
        if outcomes.is_err() && !self.conn.is_autocommit() {
            self.execute("ROLLBACK")?;
        }
        outcomes
    }
}

fn bytes<const N: usize>(random: &SystemRandom) -> StoreResult<[u8; N]> {
    let random: &dyn Random = random;
    random
        .bytes()
        .map_err(|error| StoreError::Failed(error.to_string()))
}
