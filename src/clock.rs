//! Time: the only place that reads it. Whole seconds, and a clock that a test or a host can replace.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::Result;

/// Whole seconds since 1970-01-01T00:00:00Z, in four bytes (until 2106): a million grants hold six
/// of these each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u32);

impl Timestamp {
    /// Later than any moment: what does not expire.
    pub const NEVER: Timestamp = Timestamp(u32::MAX);

    /// A moment; what lies past 2106 is [`Timestamp::NEVER`].
    pub fn from_secs(secs: u64) -> Self {
        Timestamp(u32::try_from(secs).unwrap_or(u32::MAX))
    }

    /// Seconds since the epoch: a JWT's NumericDate.
    pub fn as_secs(self) -> u64 {
        self.0.into()
    }

    /// This moment and `secs` more; never past [`Timestamp::NEVER`].
    #[must_use]
    pub fn plus(self, secs: u32) -> Self {
        Timestamp(self.0.saturating_add(secs))
    }

    /// The seconds from `earlier` to this moment; none if `earlier` is later (a clock set back).
    pub fn since(self, earlier: Timestamp) -> u32 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Where the engine reads the time. Called on every operation, from any thread, never under a lock.
pub trait Clock: Send + Sync {
    /// The present moment, or that it cannot be told: then the operation that asked fails and changes
    /// nothing.
    fn now(&self) -> Result<Timestamp>;
}

/// The system's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Result<Timestamp> {
        // A clock set before 1970 reads as 1970: everything is then still valid, nothing panics.
        Ok(Timestamp::from_secs(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |d| d.as_secs()),
        ))
    }
}

/// A clock that stands still until it is told otherwise: for tests, and for replaying a recorded flow.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicU32);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        ManualClock(AtomicU32::new(now.0))
    }

    /// Sets the time.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::SeqCst);
    }

    /// Moves the time forward.
    pub fn advance(&self, secs: u32) {
        self.0.fetch_add(secs, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Result<Timestamp> {
        Ok(Timestamp(self.0.load(Ordering::SeqCst)))
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> Result<Timestamp> {
        (**self).now()
    }
}
