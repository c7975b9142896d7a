//! Candidates in turn, round after round, and what comes of it: medians, and medians of ratios.
//!
//! The machine's speed drifts by more than the candidates differ, so a ratio is taken within each round,
//! where both sides saw the same machine.

use std::time::Duration;

/// A candidate: `sample` does its work `operations` times and gives the time for all of them.
pub struct Lane<'a> {
    pub name: &'static str,
    pub operations: u32,
    pub sample: Box<dyn FnMut(u32) -> Duration + 'a>,
}

impl<'a> Lane<'a> {
    pub fn new(
        name: &'static str,
        operations: u32,
        sample: impl FnMut(u32) -> Duration + 'a,
    ) -> Self {
        Lane {
            name,
            operations,
            sample: Box::new(sample),
        }
    }

    /// A lane of one call, repeated.
    pub fn repeat<T>(
        name: &'static str,
        operations: u32,
        mut call: impl FnMut() -> T + 'a,
    ) -> Self {
        Lane::new(name, operations, move |operations| {
            let start = std::time::Instant::now();
            for _ in 0..operations {
                std::hint::black_box(call());
            }
            start.elapsed()
        })
    }

    fn micros(&mut self) -> f64 {
        (self.sample)(self.operations).as_secs_f64() * 1e6 / f64::from(self.operations)
    }
}

/// Microseconds an operation, by lane and round.
pub struct Race {
    lanes: Vec<(&'static str, Vec<f64>)>,
}

/// Runs all lanes once unmeasured, then `rounds` times, every other round backwards so that no lane
/// always finds the caches as the same neighbour left them.
pub fn race(rounds: usize, mut lanes: Vec<Lane<'_>>) -> Race {
    let mut micros = vec![Vec::with_capacity(rounds); lanes.len()];
    for lane in &mut lanes {
        lane.micros();
    }
    for round in 0..rounds {
        for turn in 0..lanes.len() {
            let lane = if round % 2 == 0 {
                turn
            } else {
                lanes.len() - 1 - turn
            };
            micros[lane].push(lanes[lane].micros());
        }
    }
    Race {
        lanes: lanes.iter().map(|lane| lane.name).zip(micros).collect(),
    }
}

impl Race {
    /// The lanes' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.lanes.iter().map(|(name, _)| *name)
    }

    /// Microseconds an operation.
    pub fn micros(&self, name: &str) -> f64 {
        median(self.rounds(name).expect("a lane of this race").to_vec())
    }

    /// How many times `base` the lane `name` takes; `None` when the race had no such base.
    pub fn ratio(&self, name: &str, base: &str) -> Option<f64> {
        let (lane, base) = (self.rounds(name)?, self.rounds(base)?);
        Some(median(
            lane.iter()
                .zip(base)
                .map(|(lane, base)| lane / base)
                .collect(),
        ))
    }

    fn rounds(&self, name: &str) -> Option<&[f64]> {
        let (_, rounds) = self.lanes.iter().find(|(lane, _)| *lane == name)?;
        Some(rounds)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
