//! The memory store: for tests, and for hosts whose sessions may end with the process.
//!
//! Built for a million grants in small space and without a long pause. Records lie in slabs of fixed
//! chunks (growing copies nothing), found through an index of four bytes an entry, and by their user
//! through another of eight; what grants share is interned. Sharded not for throughput but so that an
//! index that grows does so in small steps.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hashbrown::HashTable;
use parking_lot::Mutex;

use crate::clock::Timestamp;
use crate::grant::{Grant, Terms};
use crate::store::{Key, Loaded, Owner, Record, Store, StoreResult, sweep_as_of};

const SHARDS: usize = 128;
const CHUNK: usize = 2_048;
/// No slot: the end of a list.
const NONE: u32 = u32::MAX;
/// How many records an insert may remove: more than it adds, or what has piled up would never go.
const SWEPT_PER_INSERT: usize = 2;
/// How many records a sweep looks at for each that it may remove.
const LOOKS_PER_REMOVAL: usize = 16;

/// Records in this process's memory.
#[derive(Default)]
pub struct MemoryStore {
    shards: Shards<Shard>,
    owners: Owners,
    terms: Mutex<HashSet<Arc<Terms>>>,
    sweep_at: AtomicUsize,
}

struct Shards<T>([Mutex<T>; SHARDS]);

impl<T: Default> Default for Shards<T> {
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
        &self.shards.0[shard_of(key)]
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
        let subject = match &record {
            Record::Grant(grant) => Some(grant.subject.clone()),
            Record::Mark { .. } | Record::State(_) => None,
        };
        if let Record::Grant(grant) = &record
            && let Some(then) = sweep_as_of(grant)
        {
            self.sweep(then, SWEPT_PER_INSERT)?;
        }
        let Some(slot) = self.shard(key).lock().insert(key, record) else {
            return Ok(false);
        };
        if let Some(subject) = subject {
            self.owners.add(
                &subject,
                Place {
                    shard: shard_of(key),
                    slot,
                },
            );
        }
        Ok(true)
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
        let owned = |slot: &&Slot| slot.grant().is_some_and(|grant| owner.owns(grant));
        match owner.subject {
            None => {
                for shard in &self.shards.0 {
                    let shard = shard.lock();
                    keys.extend(shard.slab.iter().filter(owned).map(|slot| slot.key));
                }
            }
            Some(subject) => {
                for Place { shard, slot } in self.owners.of(subject) {
                    let shard = self.shards.0[shard].lock();
                    // Another record may be there by now.
                    keys.extend(Some(&shard.slab[slot]).filter(owned).map(|slot| slot.key));
                }
            }
        }
        Ok(keys)
    }

    fn is_durable(&self) -> bool {
        false
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> StoreResult<usize> {
        let mut removed = 0;
        let mut looks = limit.saturating_mul(LOOKS_PER_REMOVAL);
        for _ in 0..SHARDS {
            let at = self.sweep_at.load(Ordering::Relaxed) % SHARDS;
            let mut shard = self.shards.0[at].lock();
            // The user's entry goes before the slot is free: it never names somebody else's.
            let forget =
                |subject: &str, slot| self.owners.remove(subject, Place { shard: at, slot });
            removed += shard.sweep(now, limit - removed, &mut looks, forget);
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

/// Where a record lies.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    shard: usize,
    slot: u32,
}

/// The grants of each user. An entry says where one may be; what is there has the last word, so the two
/// locks are never needed at once, except to remove both (shard, then owners).
#[derive(Default)]
struct Owners {
    shards: Shards<HashTable<Owned>>,
    hasher: RandomState,
}

/// One grant of a user's: half of the user's hash, and the grant's place.
#[derive(Clone, Copy)]
struct Owned {
    hash: u32,
    place: u32,
}

impl Owned {
    /// Both halves of the table's hash come of the one that is kept.
    fn spread(hash: u32) -> u64 {
        u64::from(hash) << 32 | u64::from(hash)
    }
}

impl Owners {
    fn add(&self, subject: &str, place: Place) {
        let (hash, shard) = self.find(subject);
        let place = Owners::pack(place);
        shard
            .lock()
            .insert_unique(Owned::spread(hash), Owned { hash, place }, |owned| {
                Owned::spread(owned.hash)
            });
    }

    fn remove(&self, subject: &str, place: Place) {
        let (hash, shard) = self.find(subject);
        let place = Owners::pack(place);
        if let Ok(entry) = shard
            .lock()
            .find_entry(Owned::spread(hash), |owned| owned.place == place)
        {
            entry.remove();
        }
    }

    fn of(&self, subject: &str) -> Vec<Place> {
        let (hash, shard) = self.find(subject);
        let shard = shard.lock();
        let owned = shard
            .iter_hash(Owned::spread(hash))
            .filter(|owned| owned.hash == hash);
        owned.map(|owned| Owners::unpack(owned.place)).collect()
    }

    fn find(&self, subject: &str) -> (u32, &Mutex<HashTable<Owned>>) {
        let [a, b, c, d, shard, ..] = self.hasher.hash_one(subject).to_le_bytes();
        (
            u32::from_le_bytes([a, b, c, d]),
            &self.shards.0[usize::from(shard) % SHARDS],
        )
    }

    /// A slot's number and, in the lowest bits, its shard's. 128 shards of 33 million slots each are more
    /// than memory has room for.
    #[allow(clippy::as_conversions)]
    fn pack(place: Place) -> u32 {
        place.slot * SHARDS as u32 + place.shard as u32
    }

    #[allow(clippy::as_conversions)]
    fn unpack(place: u32) -> Place {
        Place {
            shard: (place % SHARDS as u32) as usize,
            slot: place / SHARDS as u32,
        }
    }
}

#[derive(Default)]
struct Shard {
    /// Key → slot.
    index: HashTable<u32>,
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

    /// Tells the slot, if there was no such record.
    fn insert(&mut self, key: &Key, record: Record) -> Option<u32> {
        if self.find(key).is_some() {
            return None;
        }
        let version = self.next_version();
        let slot = self.slab.add(*key, version, record);
        let slab = &self.slab;
        self.index
            .insert_unique(hash_of(key), slot, |&slot| hash_of(&slab[slot].key));
        Some(slot)
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

    /// Removes what need not be kept; tells `forget` first, of each grant, whose it was and where.
    fn sweep(
        &mut self,
        now: Timestamp,
        limit: usize,
        looks: &mut usize,
        forget: impl Fn(&str, u32),
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
            let record = self.slab[slot].record.as_ref();
            if record.is_some_and(|record| record.keep_until() <= now) {
                if let Some(grant) = self.slab[slot].grant() {
                    forget(&grant.subject, slot);
                }
                let hash = hash_of(&self.slab[slot].key);
                if let Ok(entry) = self.index.find_entry(hash, |&other| other == slot) {
                    entry.remove();
                }
                self.slab.remove(slot);
                removed += 1;
            }
        }
        self.sweep_at = 0;
        removed
    }
}

/// The shard is chosen by a byte that the index does not use.
fn shard_of(key: &Key) -> usize {
    usize::from(key.as_bytes()[15]) % SHARDS
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
    /// In a free slot, the next free one.
    next: u32,
    record: Option<Record>,
}

impl Slot {
    fn grant(&self) -> Option<&Grant> {
        match &self.record {
            Some(Record::Grant(grant)) => Some(grant),
            _ => None,
        }
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

    fn add(&mut self, key: Key, version: u32, record: Record) -> u32 {
        let new = Slot {
            key,
            version,
            next: NONE,
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
        assert!(size_of::<Slot>() <= 96, "{}", size_of::<Slot>());
    }
}
