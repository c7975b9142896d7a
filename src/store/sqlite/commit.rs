//! Group commit: changes that come while a transaction is on its way to the disk share the next one,
//! and so its one flush. There is no thread of our own: whoever comes first leads, does the work of all
//! that wait, and hands the lead to one of those who came meanwhile.
//!
//! Knows changes and their outcomes; nobody learns an outcome before it is on the disk.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex, MutexGuard};

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
/// Whoever leads does no more transactions than this: its own change was in the first.
const MAX_ROUNDS: usize = 4;

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
        match leads {
            true => self.lead(),
            false => turn.wait().unwrap_or_else(|| self.lead()),
        }
    }

    /// Does what waits, the caller's own change first, and what has come meanwhile; then passes the lead on.
    /// To wake another leader each time would leave the disk idle until that one runs.
    fn lead(&self) -> StoreResult<usize> {
        let mut writer = self.writer.lock();
        let mut own = None;
        for round in 1..=MAX_ROUNDS {
            // Dropped at the end of the round, it tells all, while the writer is held: some are back by
            // then, and share the next flush.
            let mut batch = self.take();
            batch.outcomes = Some(writer.transact(&batch.changes));
            // Who leads was the first to wait.
            own = own.or_else(|| batch.take_first());
            let mut queue = self.queue.lock();
            if let Some(Err(StoreError::Busy(_))) = batch.outcomes {
                // Another process has kept everybody waiting long enough.
                let waiting = queue.waiting.drain(..).map(|(_, turn)| turn);
                batch.turns.extend(waiting);
            }
            if queue.waiting.is_empty() || round == MAX_ROUNDS {
                queue.pass_on();
                break;
            }
        }
        own.unwrap_or_else(|| Err(defect()))
    }

    /// The next changes to be done.
    fn take(&self) -> Batch<'_> {
        let mut queue = self.queue.lock();
        let size = queue.waiting.len().min(MAX_BATCH);
        let (changes, turns) = queue.waiting.drain(..size).unzip();
        Batch {
            queue: &self.queue,
            changes,
            turns,
            outcomes: None,
        }
    }
}

impl<W> Committer<W> {
    /// What writes, if it does not just now.
    pub(super) fn idle_writer(&self) -> Option<MutexGuard<'_, W>> {
        self.writer.try_lock()
    }
}

impl Queue {
    /// Gives the lead to whoever waits first, or to nobody.
    fn pass_on(&mut self) {
        match self.waiting.first() {
            Some((_, next)) => next.go(Stage::Leading),
            None => self.led = false,
        }
    }
}

/// A batch whose callers wait; dropped, it tells them, come what may.
struct Batch<'a> {
    queue: &'a Mutex<Queue>,
    changes: Vec<Change>,
    turns: Vec<Arc<Turn>>,
    /// None while the transaction goes on, and where a panic ended it.
    outcomes: Option<Outcomes>,
}

impl Batch<'_> {
    /// The outcome of the first, who need not be told.
    fn take_first(&mut self) -> Option<StoreResult<usize>> {
        self.turns.drain(..1).next()?;
        match self.outcomes.as_mut()? {
            Ok(outcomes) => outcomes.drain(..1).next(),
            Err(error) => Some(Err(error.clone())),
        }
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        let outcomes = self.outcomes.take().unwrap_or_else(|| {
            // Whoever led leads no more.
            self.queue.lock().pass_on();
            Err(defect())
        });
        let turns = self.turns.drain(..);
        match outcomes {
            Ok(outcomes) => turns
                .zip(outcomes)
                .for_each(|(turn, outcome)| turn.go(Stage::Done(outcome))),
            Err(error) => turns.for_each(|turn| turn.go(Stage::Done(Err(error.clone())))),
        }
    }
}

impl Turn {
    fn go(&self, stage: Stage) {
        *self.stage.lock() = stage;
        self.moved.notify_one();
    }

    /// Waits for an outcome, or (none) for the lead.
    fn wait(&self) -> Option<StoreResult<usize>> {
        let mut stage = self.stage.lock();
        loop {
            match std::mem::take(&mut *stage) {
                Stage::Waiting => self.moved.wait(&mut stage),
                Stage::Leading => return None,
                Stage::Done(outcome) => return Some(outcome),
            }
        }
    }
}

fn defect() -> StoreError {
    StoreError::Failed("a defect ended the transaction".into())
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    /// Counts sweeps: the outcome of each is its own limit.
    #[derive(Default)]
    struct Counting {
        batches: Vec<Vec<usize>>,
        /// What the k-th transaction comes to, if not to what it should.
        fate: Option<(usize, Fate)>,
    }

    #[derive(Clone, Copy)]
    enum Fate {
        Fails,
        Panics,
    }

    impl Writer for Counting {
        fn transact(&mut self, batch: &[Change]) -> Outcomes {
            let numbers: Vec<usize> = batch
                .iter()
                .map(|change| match change {
                    Change::Sweep(_, number) => *number,
                    _ => panic!("not of this test"),
                })
                .collect();
            std::thread::sleep(Duration::from_millis(1));
            self.batches.push(numbers.clone());
            match self.fate {
                Some((at, Fate::Fails)) if at == self.batches.len() => {
                    Err(StoreError::Full("no room".into()))
                }
                Some((at, Fate::Panics)) if at == self.batches.len() => panic!("a defect"),
                _ => Ok(numbers.into_iter().map(Ok).collect()),
            }
        }
    }

    /// Commits `0..threads * each` from so many threads at once; gives each one's outcome.
    fn commit_all(
        committer: &Committer<Counting>,
        threads: usize,
        each: usize,
    ) -> Vec<(usize, std::thread::Result<StoreResult<usize>>)> {
        let barrier = Barrier::new(threads);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads)
                .map(|thread| {
                    let barrier = &barrier;
                    scope.spawn(move || {
                        barrier.wait();
                        let numbers = thread * each..(thread + 1) * each;
                        numbers
                            .map(|number| {
                                let change = Change::Sweep(Timestamp::NEVER, number);
                                let commit =
                                    std::panic::AssertUnwindSafe(|| committer.commit(change));
                                (number, std::panic::catch_unwind(commit))
                            })
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            let outcomes = threads.into_iter().map(|thread| thread.join().unwrap());
            outcomes.flatten().collect()
        })
    }

    #[test]
    fn each_change_is_done_once_and_each_caller_gets_its_own_outcome() {
        let committer = Committer::new(Counting::default());
        for (number, outcome) in commit_all(&committer, 8, 20) {
            assert_eq!(outcome.unwrap().unwrap(), number);
        }
        let batches = committer.writer.into_inner().batches;
        let mut done: Vec<usize> = batches.concat();
        done.sort_unstable();
        assert_eq!(done, (0..160).collect::<Vec<_>>());
        assert!(
            batches.len() < 100,
            "{} transactions for 160 changes",
            batches.len()
        );
        // One caller alone waits for nobody.
        let alone = Committer::new(Counting::default());
        assert_eq!(commit_all(&alone, 1, 3).len(), 3);
        assert_eq!(alone.writer.into_inner().batches, [[0], [1], [2]]);
    }

    #[test]
    fn a_transaction_that_fails_is_told_to_all_of_its_callers_and_to_nobody_else() {
        for at in 1..6 {
            let committer = Committer::new(Counting {
                fate: Some((at, Fate::Fails)),
                ..Counting::default()
            });
            let outcomes = commit_all(&committer, 6, 5);
            let failed = &committer.writer.into_inner().batches[at - 1];
            for (number, outcome) in outcomes {
                let outcome = outcome.unwrap();
                match failed.contains(&number) {
                    true => assert!(matches!(outcome, Err(StoreError::Full(_))), "{number}"),
                    false => assert_eq!(outcome.unwrap(), number),
                }
            }
        }
    }

    /// A host's own destructor may call the engine while its own panic unwinds: that is not ours.
    #[test]
    fn a_commit_while_somebody_else_s_panic_unwinds_is_a_commit() {
        struct Calls<'a>(&'a Committer<Counting>);
        impl Drop for Calls<'_> {
            fn drop(&mut self) {
                let done = self.0.commit(Change::Sweep(Timestamp::NEVER, 7));
                assert_eq!(done.ok(), Some(7));
            }
        }
        let committer = Committer::new(Counting::default());
        let host = std::panic::AssertUnwindSafe(|| {
            let _calls = Calls(&committer);
            panic!("the host's own");
        });
        assert!(std::panic::catch_unwind(host).is_err());
        assert_eq!(commit_all(&committer, 2, 3).len(), 6);
        assert_eq!(committer.writer.into_inner().batches.concat().len(), 7);
    }

    /// Another process keeps the file: all who wait are told at once, not one batch after another.
    #[test]
    fn who_waits_behind_a_busy_file_is_told_with_the_first() {
        struct BusyOnce(usize);
        impl Writer for BusyOnce {
            fn transact(&mut self, batch: &[Change]) -> Outcomes {
                self.0 += 1;
                std::thread::sleep(Duration::from_millis(50));
                match self.0 {
                    1 => Err(StoreError::Busy("held".into())),
                    _ => Ok(batch.iter().map(|_| Ok(0)).collect()),
                }
            }
        }
        let committer = Committer::new(BusyOnce(0));
        let busy = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for thread in 0..6_u64 {
                let (committer, busy) = (&committer, &busy);
                scope.spawn(move || {
                    std::thread::sleep(Duration::from_millis(thread * 4));
                    let done = committer.commit(Change::Sweep(Timestamp::NEVER, 0));
                    if matches!(done, Err(StoreError::Busy(_))) {
                        busy.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(busy.into_inner(), 6);
        assert_eq!(committer.writer.into_inner().0, 1);
    }

    /// Nobody hangs: who led panics, who waited is told, and who comes later goes on.
    #[test]
    fn a_writer_that_panics_leaves_nobody_waiting() {
        for at in 1..6 {
            let committer = Committer::new(Counting {
                fate: Some((at, Fate::Panics)),
                ..Counting::default()
            });
            let panicked = AtomicUsize::new(0);
            let outcomes = commit_all(&committer, 6, 5);
            let lost = &committer.writer.into_inner().batches[at - 1];
            for (number, outcome) in outcomes {
                match outcome {
                    Err(_) => _ = panicked.fetch_add(1, Ordering::Relaxed),
                    Ok(Err(_)) => assert!(lost.contains(&number)),
                    Ok(Ok(outcome)) => assert_eq!(outcome, number),
                }
            }
            assert_eq!(panicked.into_inner(), 1);
        }
    }
}
