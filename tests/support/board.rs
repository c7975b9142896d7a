//! What the hands of several processes share while they use the same few grants: which tokens there are, and
//! who presents what at the moment. It lies in memory that is mapped from one file.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Zeros mean an empty one.
#[repr(C)]
pub struct Board {
    /// How many wait for the next round.
    pub arrived: AtomicUsize,
    pub round: AtomicUsize,
    pub places: [Place; PLACES],
}

/// How many grants are in use at a time.
pub const PLACES: usize = 4;
/// The round after the last.
pub const OVER: usize = usize::MAX;
/// More than a round can bring forth.
pub const GENERATIONS: usize = 1600;

#[repr(C)]
pub struct Place {
    gate: Gate,
    chain: [Text; GENERATIONS],
}

/// Who presents what at the moment: the generation, two flags, and how many do.
#[repr(C)]
struct Gate(AtomicU64);

const MOVED: u64 = 1 << 31;
const SHUT: u64 = 1 << 30;
const PRESENTING: u64 = SHUT - 1;

/// A code or token, once somebody was handed it.
#[repr(C)]
struct Text {
    stage: AtomicU32,
    words: [AtomicU64; 11],
}

const WRITING: u32 = 1;
const READY: u32 = 2;

impl Board {
    /// An empty board in a new file.
    pub fn create(path: &Path) {
        let length = u64::try_from(size_of::<Board>()).unwrap();
        File::create_new(path).unwrap().set_len(length).unwrap();
    }

    /// The board in this file, which stays mapped as long as the process lives.
    pub fn map(path: &Path) -> &'static Board {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .unwrap();
        // SAFETY: a new mapping of a file that is as long as a board.
        let memory = unsafe {
            libc::mmap(
                ptr::null_mut(),
                size_of::<Board>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        assert_ne!(memory, libc::MAP_FAILED);
        // SAFETY: aligned to a page, never unmapped; a board is atomic numbers, for which any bytes do.
        unsafe { &*memory.cast::<Board>() }
    }
}

impl Place {
    pub fn empty(&self) {
        self.gate.0.store(0, Ordering::Relaxed);
        for text in &self.chain {
            text.stage.store(0, Ordering::Relaxed);
        }
    }

    pub fn newest(&self) -> u32 {
        let ready = self.chain.iter().take_while(|text| text.is_ready());
        u32::try_from(ready.count() - 1).unwrap()
    }

    pub fn text(&self, generation: u32) -> Option<String> {
        self.chain[usize::try_from(generation).unwrap()].get()
    }

    pub fn put(&self, generation: u32, text: &str) {
        self.chain[usize::try_from(generation).unwrap()].put(text);
    }

    /// Which generation may be presented now, by nobody else if so wished (and never the code by two).
    pub fn enter(&self, alone: bool) -> Option<u32> {
        let gate = self.gate.0.load(Ordering::Acquire);
        let generation = u32::try_from(gate >> 32).unwrap();
        let alone = alone || generation == 0;
        let is_open = gate & SHUT == 0 && (!alone || gate & PRESENTING == 0);
        if !is_open || self.text(generation).is_none() {
            return None;
        }
        let entered = (gate + 1) | if alone { SHUT } else { 0 };
        let order = (Ordering::AcqRel, Ordering::Relaxed);
        let entered = self
            .gate
            .0
            .compare_exchange(gate, entered, order.0, order.1);
        entered.is_ok().then_some(generation)
    }

    /// Leaves; whoever got a successor shuts the gate, and the last one opens it for that.
    pub fn leave(&self, moved: bool) {
        let order = (Ordering::AcqRel, Ordering::Acquire);
        let left = self.gate.0.fetch_update(order.0, order.1, |gate| {
            let gate = (gate - 1) | if moved { MOVED | SHUT } else { 0 };
            Some(match gate & PRESENTING {
                0 => ((gate >> 32) + u64::from(gate & MOVED != 0)) << 32,
                _ => gate,
            })
        });
        left.unwrap();
    }
}

impl Text {
    /// Whoever comes first writes it.
    fn put(&self, text: &str) {
        let order = (Ordering::Acquire, Ordering::Relaxed);
        let first = self.stage.compare_exchange(0, WRITING, order.0, order.1);
        if first.is_ok() {
            let mut bytes = [0; 88];
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            for (word, bytes) in self.words.iter().zip(bytes.chunks_exact(8)) {
                let value = u64::from_ne_bytes(bytes.try_into().unwrap());
                word.store(value, Ordering::Relaxed);
            }
            self.stage.store(READY, Ordering::Release);
        }
    }

    fn is_ready(&self) -> bool {
        self.stage.load(Ordering::Acquire) == READY
    }

    fn get(&self) -> Option<String> {
        if !self.is_ready() {
            return None;
        }
        let words = self.words.iter();
        let bytes: Vec<u8> = words
            .flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes())
            .take_while(|&byte| byte != 0)
            .collect();
        Some(String::from_utf8(bytes).unwrap())
    }
}
