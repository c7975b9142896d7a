//! Randomness, replaceable by a script so that tests are deterministic. Two things take the system's
//! whatever is said: ring's elliptic-curve keys and signatures, and the salts of client secrets.

use std::sync::atomic::{AtomicU64, Ordering};

use ring::rand::SecureRandom;

use crate::error::{Error, Result};

/// Where grant ids, token ids and keys come from. Must be unpredictable outside tests.
pub trait Random: Send + Sync {
    /// Fills `out`, or fails: then the operation that asked fails and changes nothing.
    fn fill(&self, out: &mut [u8]) -> Result<()>;
}

impl dyn Random + '_ {
    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N]> {
        let mut out = [0; N];
        self.fill(&mut out)?;
        Ok(out)
    }
}

/// The operating system's generator. Nothing is buffered: a forked process repeats nothing.
#[derive(Clone, Debug)]
pub struct SystemRandom(ring::rand::SystemRandom);

impl Default for SystemRandom {
    fn default() -> Self {
        SystemRandom(ring::rand::SystemRandom::new())
    }
}

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        self.0
            .fill(out)
            .map_err(|_| Error::server("the system gave no random bytes"))
    }
}

/// **Not random at all**: block *i* is SHA-256(seed, i). For tests and conformance vectors only.
#[derive(Debug)]
pub struct ScriptedRandom {
    seed: u64,
    next_block: AtomicU64,
}

impl ScriptedRandom {
    /// The sequence that `seed` names.
    pub fn new(seed: u64) -> Self {
        ScriptedRandom {
            seed,
            next_block: AtomicU64::new(0),
        }
    }
}

impl Random for ScriptedRandom {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        for chunk in out.chunks_mut(32) {
            let block = self.next_block.fetch_add(1, Ordering::SeqCst);
            let mut input = [0; 16];
            input[..8].copy_from_slice(&self.seed.to_be_bytes());
            input[8..].copy_from_slice(&block.to_be_bytes());
            let digest = ring::digest::digest(&ring::digest::SHA256, &input);
            chunk.copy_from_slice(&digest.as_ref()[..chunk.len()]);
        }
        Ok(())
    }
}
