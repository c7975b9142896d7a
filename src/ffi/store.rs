//! `grl_store`: the callbacks behind which a host keeps the records itself.

use std::ffi::c_void;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::error::{Result, Status};
use crate::ffi::sink::{MAX_STORED_BYTES, grl_sink};
use crate::ffi::types::{grl_str, null, sized};
use crate::store::json::{from_json, to_json};
use crate::store::{Key, Loaded, Owner, Record, Store, StoreError, StoreResult};

/// A record, as a store is given it to keep. Lent for the call.
#[repr(C)]
pub struct grl_record {
    /// 16 bytes, random or a hash: no text.
    pub key: grl_str,
    /// The client whose grant it is, for `owned_by`; empty where it is no grant and so nobody's.
    pub client_id: grl_str,
    /// The user whose grant it is, for `owned_by`; empty where it is no grant.
    pub subject: grl_str,
    /// From when on `sweep` may remove it, in seconds since 1970; UINT64_MAX: never.
    pub keep_until: u64,
    /// All of it, JSON for the engine's eyes: `load` gives it back byte for byte. It names the user; no
    /// token can be made of it, and the engine's own keys are sealed (`keys.sealing`).
    pub body: grl_str,
}

/// Where records are kept, by means of your own: Core Data, a keychain, a database that is there
/// already. Begin with GRL_STORE_INIT, set every callback, and give it to grl_host's `store`.
///
/// A store holds, for each key, one record and its version. Versions are yours to give: any number but
/// 0, another one with each change, and never the same one twice for a key, not even when its record was
/// swept and came again. (One counter for all, stored too, will do.) A change touches one record, and is
/// atomic: of all who insert one key, or swap one version, exactly one gets it done. What was done is
/// there for good, after a crash too. Text is compared byte for byte: a database that takes ALICE for
/// alice ends the one's sessions with the other's.
///
/// A callback runs on the thread that called the engine, whichever that is, and several may run at once;
/// never under a lock of the engine's. It must return (no longjmp, no exception), and must not call the
/// engine, which would only call it again. It returns GRL_OK where it did its work, be the answer no;
/// GRL_TEMPORARILY_UNAVAILABLE where it may work a moment later; GRL_STORE_FULL, GRL_STORE_READ_ONLY or
/// GRL_STORE_CORRUPT for what they say, and the call fails with that; anything else where it failed, and
/// the call ends with GRL_SERVER_ERROR. Then its outputs are not looked at, nothing is issued, and the
/// client may try again. (Should the change be there all the same, a session goes on, as the next try
/// gets the same successor; a code is spent.) An output that cannot be, such as no version or a body
/// that is not the record's, counts as failed or damaged.
///
/// Nothing is swept unless you ask for it: call grl_engine_sweep now and then.
///
/// Ownership: the struct is borrowed while grl_engine_new runs. `ctx` stays yours until `release`, which
/// is called exactly once for each grl_engine_new (or grl_engine_open, which refuses it) that is given
/// the store: when the engine and all its grl_authorization are freed, or before it returns if it fails. (Not after
/// GRL_USAGE_SIZE: then nothing but sizes was read.)
#[repr(C)]
#[derive(Clone, Copy)]
pub struct grl_store {
    /// sizeof(grl_store).
    pub size: usize,
    /// Handed to every callback.
    pub ctx: *mut c_void,
    /// Says that no callback will be called again, on the thread that ended the last use. May be NULL.
    pub release: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    /// Puts a record where none of its key is. `done` gets 1, or 0 if there is one, which then stays.
    pub insert: Option<
        unsafe extern "C" fn(ctx: *mut c_void, record: *const grl_record, done: *mut i32) -> i32,
    >,
    /// Writes a record's body to `body` and its version to `version`; GRL_NOT_FOUND if there is none.
    pub load: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            key: grl_str,
            body: *mut grl_sink,
            version: *mut u64,
        ) -> i32,
    >,
    /// Puts a record in the place of the one of its key, all fields anew, if that has this version.
    /// `done` gets 1, or 0 if there is none or it has another version; it then stays.
    pub swap: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            version: u64,
            record: *const grl_record,
            done: *mut i32,
        ) -> i32,
    >,
    /// Writes to `keys` the key of each grant of this client and user, in any order, each with a
    /// grl_sink_write of its own. An empty one means anybody's; what is no grant is not listed.
    pub owned_by: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            client_id: grl_str,
            subject: grl_str,
            keys: *mut grl_sink,
        ) -> i32,
    >,
    /// Removes at most `limit` records whose `keep_until` is not after `now`; `swept` gets how many.
    pub sweep: Option<
        unsafe extern "C" fn(ctx: *mut c_void, now: u64, limit: usize, swept: *mut usize) -> i32,
    >,
}

/// A host's store, none of whose callbacks is missing.
pub(super) struct HostStore {
    ctx: Ctx,
    insert: unsafe extern "C" fn(*mut c_void, *const grl_record, *mut i32) -> i32,
    load: unsafe extern "C" fn(*mut c_void, grl_str, *mut grl_sink, *mut u64) -> i32,
    swap: unsafe extern "C" fn(*mut c_void, u64, *const grl_record, *mut i32) -> i32,
    owned_by: unsafe extern "C" fn(*mut c_void, grl_str, grl_str, *mut grl_sink) -> i32,
    sweep: unsafe extern "C" fn(*mut c_void, u64, usize, *mut usize) -> i32,
}

/// What the host lends until it is dropped.
struct Ctx {
    ctx: *mut c_void,
    release: Option<unsafe extern "C" fn(*mut c_void)>,
}

// SAFETY: `ctx` is the host's, who promises callbacks that any thread may call at any time; nothing
// else of it is ever looked at.
unsafe impl Send for Ctx {}
// SAFETY: as above.
unsafe impl Sync for Ctx {}

impl Drop for Ctx {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: the host's own callback and ctx; this is the last use of either.
            unsafe { release(self.ctx) }
        }
    }
}

/// The store behind a caller's struct, for the tests of the store contract.
///
/// # Safety
/// NULL or a store, by the contract of the module.
#[doc(hidden)]
pub unsafe fn host_store(store: *const grl_store) -> Result<Arc<dyn Store>> {
    // SAFETY: passed on.
    let store = unsafe { sized(store, "store") }?;
    Ok(Arc::new(HostStore::new(store)?))
}

impl HostStore {
    /// Takes a store over: from here on, `ctx` is released when it is dropped, or at once if it is not
    /// complete.
    pub(super) fn new(store: &grl_store) -> Result<Self> {
        let ctx = Ctx {
            ctx: store.ctx,
            release: store.release,
        };
        Ok(HostStore {
            ctx,
            insert: store.insert.ok_or_else(|| null("store.insert"))?,
            load: store.load.ok_or_else(|| null("store.load"))?,
            swap: store.swap.ok_or_else(|| null("store.swap"))?,
            owned_by: store.owned_by.ok_or_else(|| null("store.owned_by"))?,
            sweep: store.sweep.ok_or_else(|| null("store.sweep"))?,
        })
    }

    /// What inserting and swapping share: hands the record over, reads the answer.
    fn change(
        &self,
        verb: &str,
        key: &Key,
        record: &Record,
        call: impl FnOnce(*mut c_void, *const grl_record, *mut i32) -> i32,
    ) -> StoreResult<bool> {
        let body = to_json(key, record)?;
        // It could not be loaded again.
        if body.len() > MAX_STORED_BYTES {
            let what = format!("a record of {} bytes is too large", body.len());
            return Err(StoreError::Failed(what));
        }
        let (client_id, subject) = match record {
            Record::Grant(grant) => (&*grant.terms.client_id, &*grant.subject),
            Record::Mark { .. } | Record::State(_) => ("", ""),
        };
        let keep_until = record.keep_until();
        let record = grl_record {
            key: grl_str::lend(key.as_bytes()),
            client_id: grl_str::lend(client_id),
            subject: grl_str::lend(subject),
            keep_until: match keep_until {
                Timestamp::NEVER => u64::MAX,
                until => until.as_secs(),
            },
            body: grl_str::lend(&body),
        };
        let mut done = -1;
        worked(verb, call(self.ctx.ctx, &raw const record, &raw mut done))?;
        match done {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(failed(verb, "wrote neither 0 nor 1 to done")),
        }
    }
}

impl Store for HostStore {
    fn insert(&self, key: &Key, record: Record) -> StoreResult<bool> {
        self.change("insert", key, &record, |ctx, record, done| {
            // SAFETY: the host's own callback and ctx; the record and the place outlive the call.
            unsafe { (self.insert)(ctx, record, done) }
        })
    }

    fn load(&self, key: &Key) -> StoreResult<Option<Loaded>> {
        let (mut sink, mut version) = (grl_sink::for_body(), 0);
        let lent = grl_str::lend(key.as_bytes());
        // SAFETY: the host's own callback and ctx; the key and the places outlive the call.
        let status = unsafe { (self.load)(self.ctx.ctx, lent, &raw mut sink, &raw mut version) };
        if status == Status::NotFound.code() {
            return Ok(None);
        }
        worked("load", status)?;
        if version == 0 {
            return Err(failed("load", "wrote no version"));
        }
        let body = sink
            .written()
            .ok_or_else(|| failed("load", "wrote more than a body can be"))?;
        let body = String::from_utf8(body)
            .map_err(|_| StoreError::Corrupt("a record is not UTF-8".into()))?;
        Ok(Some(Loaded {
            version,
            record: from_json(key, &body)?,
        }))
    }

    fn swap(&self, key: &Key, version: u64, record: Record) -> StoreResult<bool> {
        self.change("swap", key, &record, |ctx, record, done| {
            // SAFETY: the host's own callback and ctx; the record and the place outlive the call.
            unsafe { (self.swap)(ctx, version, record, done) }
        })
    }

    fn owned_by(&self, owner: Owner<'_>) -> StoreResult<Vec<Key>> {
        // To the host, an empty one is anybody's; no grant has one.
        if owner.client_id == Some("") || owner.subject == Some("") {
            return Ok(Vec::new());
        }
        let mut sink = grl_sink::for_keys();
        let client_id = grl_str::lend(owner.client_id.unwrap_or_default());
        let subject = grl_str::lend(owner.subject.unwrap_or_default());
        // SAFETY: the host's own callback and ctx; text and sink outlive the call.
        let status = unsafe { (self.owned_by)(self.ctx.ctx, client_id, subject, &raw mut sink) };
        worked("owned_by", status)?;
        let keys = sink
            .written()
            .ok_or_else(|| failed("owned_by", "wrote what is no key"))?;
        let (keys, _) = keys.as_chunks();
        Ok(keys.iter().copied().map(Key::new).collect())
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> StoreResult<usize> {
        let mut swept = usize::MAX;
        // SAFETY: the host's own callback and ctx; the place outlives the call.
        let status = unsafe { (self.sweep)(self.ctx.ctx, now.as_secs(), limit, &raw mut swept) };
        worked("sweep", status)?;
        match swept {
            usize::MAX => Err(failed("sweep", "did not write how many it removed")),
            swept if swept > limit => Err(failed("sweep", "removed more than it was to")),
            swept => Ok(swept),
        }
    }

    fn is_durable(&self) -> bool {
        true
    }
}

/// What a callback's status means to us.
fn worked(verb: &str, status: i32) -> StoreResult<()> {
    let error = match () {
        () if status == Status::Ok.code() => return Ok(()),
        () if status == Status::TemporarilyUnavailable.code() => StoreError::Busy,
        () if status == Status::StoreFull.code() => StoreError::Full,
        () if status == Status::StoreReadOnly.code() => StoreError::ReadOnly,
        () if status == Status::StoreCorrupt.code() => StoreError::Corrupt,
        () => return Err(failed(verb, &format!("returned status {status}"))),
    };
    Err(error(format!("the host's {verb} says so")))
}

fn failed(verb: &str, what: &str) -> StoreError {
    StoreError::Failed(format!("the host's {verb} {what}"))
}
