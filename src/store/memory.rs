//! The memory store: for tests, and for hosts whose sessions may end with the process.
//!
//! Built for a million grants in small space and without a long pause. Records lie in slabs of fixed
//! chunks (growing copies nothing), found through an index of four bytes an entry; what grants share
//! is interned; a user's grants in a shard are one linked list through the slabs. Sharded not for
//! throughput but so that an index that grows does so in small steps.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hashbrown::HashTable;
use parking_lot::Mutex;

use crate::clock::Timestamp;
use crate::grant::{Grant, Terms};
use crate::store::{Key, Loaded, Owner, Record, Store, StoreResult};

const SHARDS: usize = 128;
const CHUNK: usize = 2_048;
/// No slot: the end of a list.
const NONE: u32 = u32::MAX;
/// How many records a sweep looks at for each that it may remove.
const LOOKS_PER_REMOVAL: usize = 16;

/// Records in this process's memory.
#[derive(Default)]
pub struct MemoryStore {
    shards: Shards,
    terms: Mutex<HashSet<Arc<Terms>>>,
    hasher: RandomState,
    sweep_at: AtomicUsize,
}

struct Shards([Mutex<Shard>; SHARDS]);

impl Default for Shards {
    fn default() -> Self {
        Shards(std::array::from_fn(|_| Mutex::default()))
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        MemoryStore::default()
    }

    fn shard(&self, key: &Key) -> &Mutex<Shard> {
        // The index uses the key's first eight bytes; the shard is chosen by another.
        &self.shards.0[usize::from(key.as_bytes()[15]) % SHARDS]
    }

    /// Lets the record share its terms with the grants that have the same.
    fn intern(&self, record: &mut Record) {
        let Record::Grant(grant) = record else { return };
        let mut terms = self.terms.lock();
        match terms.get(&grant.terms) {
            Some(shared) => grant.terms = Arc::clone(shared),
            None => {
                terms.insert(Arc::clone(&grant.terms));
            }
        }
    }
}

impl Store for MemoryStore {
    fn insert(&self, key: &Key, mut record: Record) -> StoreResult<bool> {
        self.intern(&mut record);
        Ok(self.shard(key).lock().insert(key, record, &self.hasher))
    }

    fn load(&self, key: &Key) -> StoreResult<Option<Loaded>> {
        Ok(self.shard(key).lock().load(key))
    }

    fn swap(&self, key: &Key, version: u64, record: Record) -> StoreResult<bool> {
        // What was replaced is dropped after the lock is released.
        let replaced = self.shard(key).lock().swap(key, version, record);
        Ok(replaced.is_some())
    }

    fn owned_by(&self, owner: Owner<'_>) -> StoreResult<Vec<Key>> {
        let mut keys = Vec::new();
        for shard in &self.shards.0 {
            shard.lock().owned_by(owner, &self.hasher, &mut keys);
        }
        Ok(keys)
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> StoreResult<usize> {
        let mut removed = 0;
        let mut looks = limit.saturating_mul(LOOKS_PER_REMOVAL);
        for _ in 0..SHARDS {
            let at = self.sweep_at.load(Ordering::Relaxed) % SHARDS;
            let mut shard = self.shards.0[at].lock();
            removed += shard.sweep(now, limit - removed, &mut looks, &self.hasher);
            if shard.sweep_at == 0 {
                self.sweep_at.store(at + 1, Ordering::Relaxed);
                drop(shard);
                if at + 1 == SHARDS {
                    let mut terms = self.terms.lock();
                    terms.retain(|terms| Arc::strong_count(terms) > 1);
                }
            }
            if removed == limit || looks == 0 {
                break;
            }
        }
        Ok(removed)
    }
}

#[derive(Default)]
struct Shard {
    /// Key → slot.
    index: HashTable<u32>,
    /// Subject → the first slot of its list.
    owners: HashTable<u32>,
    slab: Slab,
    /// Where the next sweep goes on.
    sweep_at: usize,
    /// The version given last. One count for the whole shard: a record that goes and comes again, in
    /// whatever slot, has no version that somebody might still hold.
    version: u32,
}

impl Shard {
    fn next_version(&mut self) -> u32 {
        self.version = self.version.wrapping_add(1);
        self.version
    }

    #[inline]
    fn find(&self, key: &Key) -> Option<u32> {
        self.index
            .find(hash_of(key), |&slot| self.slab[slot].key == *key)
            .copied()
    }

    fn insert(&mut self, key: &Key, record: Record, hasher: &RandomState) -> bool {
        if self.find(key).is_some() {
            return false;
        }
        let version = self.next_version();
        let slot = self.slab.add(*key, version, record);
        let slab = &self.slab;
        self.index
            .insert_unique(hash_of(key), slot, |&slot| hash_of(&slab[slot].key));
        self.link(slot, hasher);
        true
    }

    fn load(&self, key: &Key) -> Option<Loaded> {
        let slot = &self.slab[self.find(key)?];
        Some(Loaded {
            version: slot.version.into(),
            record: slot.record.clone()?,
        })
    }

    fn swap(&mut self, key: &Key, version: u64, record: Record) -> Option<Record> {
        let slot = self.find(key)?;
        if u64::from(self.slab[slot].version) != version {
            return None;
        }
        let version = self.next_version();
        let slot = &mut self.slab[slot];
        slot.version = version;
        slot.record.replace(record)
    }

    fn owned_by(&self, owner: Owner<'_>, hasher: &RandomState, keys: &mut Vec<Key>) {
        let owned = |slot: &&Slot| slot.grant().is_some_and(|grant| owner.owns(grant));
        match owner.subject {
            None => keys.extend(self.slab.iter().filter(owned).map(|slot| slot.key)),
            Some(subject) => {
                let is_subject = |&slot: &u32| self.slab.subject(slot) == Some(subject);
                let first = self
                    .owners
                    .find(hasher.hash_one(subject), is_subject)
                    .copied();
                let list = std::iter::successors(first, |&slot| self.slab[slot].next());
                keys.extend(
                    list.map(|slot| &self.slab[slot])
                        .filter(owned)
                        .map(|slot| slot.key),
                );
            }
        }
    }

    fn sweep(
        &mut self,
        now: Timestamp,
        limit: usize,
        looks: &mut usize,
        hasher: &RandomState,
    ) -> usize {
        let mut removed = 0;
        while self.sweep_at < self.slab.len() {
            if removed == limit || *looks == 0 {
                return removed;
            }
            *looks -= 1;
            // The slab's length fits: a slot's number is a u32.
            let Ok(slot) = u32::try_from(self.sweep_at) else {
                break;
            };
            self.sweep_at += 1;
            if self.slab[slot]
                .record
                .as_ref()
                .is_some_and(|record| record.keep_until() <= now)
            {
                self.remove(slot, hasher);
                removed += 1;
            }
        }
        self.sweep_at = 0;
        removed
    }

    fn remove(&mut self, slot: u32, hasher: &RandomState) {
        let hash = hash_of(&self.slab[slot].key);
        if let Ok(entry) = self.index.find_entry(hash, |&other| other == slot) {
            entry.remove();
        }
        self.unlink(slot, hasher);
        self.slab.remove(slot);
    }

    /// Puts a grant at the head of its subject's list.
    fn link(&mut self, slot: u32, hasher: &RandomState) {
        let Some(subject) = self.slab.subject(slot) else {
            return;
        };
        let hash = hasher.hash_one(subject);
        let head = self
            .owners
            .find_mut(hash, |&other| self.slab.subject(other) == Some(subject));
        match head {
            Some(head) => {
                let second = std::mem::replace(head, slot);
                self.slab[slot].next = second;
                self.slab[second].previous = slot;
            }
            None => {
                let slab = &self.slab;
                let rehash = |&slot: &u32| hasher.hash_one(slab.subject(slot).unwrap_or_default());
                self.owners.insert_unique(hash, slot, rehash);
            }
        }
    }

    fn unlink(&mut self, slot: u32, hasher: &RandomState) {
        let Some(subject) = self.slab.subject(slot) else {
            return;
        };
        let hash = hasher.hash_one(subject);
        let Slot { next, previous, .. } = self.slab[slot];
        if next != NONE {
            self.slab[next].previous = previous;
        }
        if previous != NONE {
            self.slab[previous].next = next;
        } else if let Ok(mut head) = self.owners.find_entry(hash, |&other| other == slot) {
            match next {
                NONE => {
                    head.remove();
                }
                next => *head.get_mut() = next,
            }
        }
    }
}

/// A key is random or a hash already.
#[inline]
fn hash_of(key: &Key) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&key.as_bytes()[..8]);
    u64::from_le_bytes(first)
}

struct Slot {
    key: Key,
    version: u32,
    /// The neighbours in the subject's list; in a free slot, `next` is the next free one.
    next: u32,
    previous: u32,
    record: Option<Record>,
}

impl Slot {
    fn grant(&self) -> Option<&Grant> {
        match &self.record {
            Some(Record::Grant(grant)) => Some(grant),
            _ => None,
        }
    }

    fn next(&self) -> Option<u32> {
        Some(self.next).filter(|&next| next != NONE)
    }
}

/// Slots in chunks that never move, with a list of the free ones.
struct Slab {
    chunks: Vec<Vec<Slot>>,
    free: u32,
}

impl Default for Slab {
    fn default() -> Self {
        Slab {
            chunks: Vec::new(),
            free: NONE,
        }
    }
}

impl Slab {
    fn len(&self) -> usize {
        self.chunks
            .last()
            .map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len())
    }

    fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.chunks.iter().flatten()
    }

    #[inline]
    fn subject(&self, slot: u32) -> Option<&str> {
        self[slot].grant().map(|grant| &*grant.subject)
    }

    fn add(&mut self, key: Key, version: u32, record: Record) -> u32 {
        let new = Slot {
            key,
            version,
            next: NONE,
            previous: NONE,
            record: Some(record),
        };
        if self.free != NONE {
            let slot = self.free;
            self.free = self[slot].next;
            self[slot] = new;
            return slot;
        }
        if self.chunks.last().is_none_or(|last| last.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let slot = u32::try_from(self.len()).unwrap_or(NONE);
        if let Some(last) = self.chunks.last_mut() {
            last.push(new);
        }
        slot
    }

    fn remove(&mut self, slot: u32) {
        let free = self.free;
        let gone = &mut self[slot];
        gone.record = None;
        gone.next = free;
        gone.previous = NONE;
        self.free = slot;
    }
}

/// Where a slot lies. A `u32` fits a `usize` on every platform that grantlet runs on.
#[allow(clippy::as_conversions)]
#[inline]
fn place(slot: u32) -> (usize, usize) {
    (slot as usize / CHUNK, slot as usize % CHUNK)
}

impl std::ops::Index<u32> for Slab {
    type Output = Slot;

    #[inline]
    fn index(&self, slot: u32) -> &Slot {
        let (chunk, at) = place(slot);
        &self.chunks[chunk][at]
    }
}

impl std::ops::IndexMut<u32> for Slab {
    #[inline]
    fn index_mut(&mut self, slot: u32) -> &mut Slot {
        let (chunk, at) = place(slot);
        &mut self.chunks[chunk][at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_stays_small() {
        assert!(size_of::<Slot>() <= 104, "{}", size_of::<Slot>());
    }
}
