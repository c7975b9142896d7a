//! Group commit: changes that come while a transaction is on its way to the disk share the next one,
//! and so its one flush. There is no thread of our own: whoever comes first leads, does the work of all
//! that wait, and hands the lead to one of those who came meanwhile.
//!
//! Knows changes and their outcomes; nobody learns an outcome before it is on the disk.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::clock::Timestamp;
use crate::store::{Key, Record, StoreError, StoreResult};

/// What is to be done in some transaction. Its outcome is a number: of records put, swapped or removed.
pub(super) enum Change {
    Insert(Key, Record),
    Swap(Key, u64, Record),
    Sweep(Timestamp, usize),
}

/// What a transaction made of each of its changes, or why it came to nothing.
pub(super) type Outcomes = StoreResult<Vec<StoreResult<usize>>>;

/// A transaction holds no more changes than this: the first of them waits for all the others.
const MAX_BATCH: usize = 256;

/// The queue in front of a writer.
pub(super) struct Committer<W> {
    writer: Mutex<W>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<(Change, Arc<Turn>)>,
    /// Whether somebody leads, or was told to.
    led: bool,
}

/// Where one caller waits for its turn or its outcome.
#[derive(Default)]
struct Turn {
    stage: Mutex<Stage>,
    moved: Condvar,
}

#[derive(Default)]
enum Stage {
    #[default]
    Waiting,
    Leading,
    Done(StoreResult<usize>),
}

/// Does a batch in one transaction.
pub(super) trait Writer {
    fn transact(&mut self, batch: &[Change]) -> Outcomes;
}

impl<W: Writer> Committer<W> {
    pub(super) fn new(writer: W) -> Self {
        Committer {
            writer: Mutex::new(writer),
            queue: Mutex::default(),
        }
    }

    /// Does a change; returns once it is on the disk, or has failed.
    pub(super) fn commit(&self, change: Change) -> StoreResult<usize> {
        let turn = Arc::new(Turn::default());
        let mut queue = self.queue.lock();
        queue.waiting.push((change, Arc::clone(&turn)));
        let leads = !std::mem::replace(&mut queue.led, true);
        drop(queue);
        if leads || turn.wait_for_lead() {
            self.lead();
        }
        turn.outcome()
    }

    /// Does what waits, the caller's own change among it, and passes the lead on.
    fn lead(&self) {
        let mut writer = self.writer.lock();
        let mut queue = self.queue.lock();
        let size = queue.waiting.len().min(MAX_BATCH);
        let (changes, turns) = queue.waiting.drain(..size).unzip::<_, _, Vec<_>, Vec<_>>();
        drop(queue);
        let mut led = Led {
            queue: &self.queue,
            turns,
            outcomes: Err(StoreError::Failed("a defect ended the transaction".into())),
        };
        led.outcomes = writer.transact(&changes);
        // The lead goes on before the writer is free, and the writer before anybody is told.
        led.pass_on();
        drop(writer);
    }
}

/// A batch whose callers wait; dropped, it tells them, come what may.
struct Led<'a> {
    queue: &'a Mutex<Queue>,
    turns: Vec<Arc<Turn>>,
    outcomes: Outcomes,
}

impl Led<'_> {
    fn pass_on(&mut self) {
        let mut queue = self.queue.lock();
        match queue.waiting.first() {
            Some((_, next)) => next.go(Stage::Leading),
            None => queue.led = false,
        }
    }
}

impl Drop for Led<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.pass_on();
        }
        match &mut self.outcomes {
            Ok(outcomes) => {
                for (turn, outcome) in self.turns.iter().zip(outcomes.drain(..)) {
                    turn.go(Stage::Done(outcome));
                }
            }
            Err(error) => {
                for turn in &self.turns {
                    turn.go(Stage::Done(Err(error.clone())));
                }
            }
        }
    }
}

impl Turn {
    fn go(&self, stage: Stage) {
        *self.stage.lock() = stage;
        self.moved.notify_one();
    }

    /// Waits for the lead (true) or an outcome (false).
    fn wait_for_lead(&self) -> bool {
        let mut stage = self.stage.lock();
        while matches!(*stage, Stage::Waiting) {
            self.moved.wait(&mut stage);
        }
        matches!(*stage, Stage::Leading)
    }

    fn outcome(&self) -> StoreResult<usize> {
        match std::mem::take(&mut *self.stage.lock()) {
            Stage::Done(outcome) => outcome,
            // A leader's own change is in its batch.
            Stage::Waiting | Stage::Leading => {
                Err(StoreError::Failed("a change was passed over".into()))
            }
        }
    }
}
