//! A store that is written in C, behind the vtable of `grantlet.h`, keeps the store contract. What the
//! vtable makes of one that does not is in `tests/abi/store.c`.
#![allow(unsafe_code)]

use std::ffi::{CString, c_void};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use grantlet::ffi::{grl_sink, grl_sink_write, grl_store, grl_str, host_store};
use grantlet::store::{Key, Loaded, Owner, Record, Store, StoreResult};
use grantlet::{Status, Timestamp};

use crate::support::folder::Folder;
use crate::support::store_contract::{check, grant, key};

/// Between the C store and this program, whose functions a library that it loads cannot see.
const SHIM: &str = "
#include <grantlet.h>
static grl_status (*sink_write)(grl_sink *, grl_str);
void lend_sink_write(grl_status (*function)(grl_sink *, grl_str));
void lend_sink_write(grl_status (*function)(grl_sink *, grl_str)) { sink_write = function; }
grl_status grl_sink_write(grl_sink *sink, grl_str data) { return sink_write(sink, data); }
";

/// `tests/abi/ram_store.c`, compiled and loaded.
struct RamStore {
    new: unsafe extern "C" fn() -> *mut c_void,
    lend: unsafe extern "C" fn(*mut c_void) -> grl_store,
    free: unsafe extern "C" fn(*mut c_void),
    count: unsafe extern "C" fn(*mut c_void) -> usize,
}

impl RamStore {
    fn compile() -> Self {
        let folder = Folder::new();
        let (shim, library) = (folder.file("shim.c"), folder.file("ram_store.so"));
        std::fs::write(&shim, SHIM).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let flags = "-std=c99 -D_POSIX_C_SOURCE=200809L -O1 -Wall -Wextra -Werror -pthread -shared -fPIC \
                     -Wl,-Bsymbolic -Wl,-z,defs -I include -o";
        let made = Command::new("gcc")
            .current_dir(root)
            .args(flags.split_whitespace())
            .args([&library, Path::new("tests/abi/ram_store.c"), &shim])
            .output()
            .unwrap_or_else(|error| panic!("gcc, which makes the store, cannot be run: {error}"));
        let complaint = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "gcc ram_store.c:\n{complaint}");
        let path = CString::new(library.to_str().unwrap()).unwrap();
        // SAFETY: a NUL-terminated path of a library that runs nothing when it is loaded.
        let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        assert!(!library.is_null(), "the store cannot be loaded");
        // SAFETY: the library stays loaded, and these are the signatures that stand in ram_store.h and
        // above.
        unsafe {
            let lend: unsafe extern "C" fn(unsafe extern "C" fn(*mut grl_sink, grl_str) -> Status) =
                function(library, "lend_sink_write");
            lend(grl_sink_write);
            RamStore {
                new: function(library, "ram_store_new"),
                lend: function(library, "ram_store_lend"),
                free: function(library, "ram_store_free"),
                count: function(library, "ram_store_count"),
            }
        }
    }

    /// An empty store, which is gone when this is dropped.
    fn empty(&self) -> CStore {
        // SAFETY: a store of the library's own, let go of once; what is lent outlives the call.
        unsafe {
            let store = (self.new)();
            let lent = (self.lend)(store);
            (self.free)(store);
            CStore(host_store(&raw const lent).unwrap())
        }
    }
}

/// # Safety
/// A library that stays loaded, and `T` a pointer to a function of the signature that this one has.
unsafe fn function<T>(library: *mut c_void, name: &str) -> T {
    let text = CString::new(name).unwrap();
    // SAFETY: a library, and a NUL-terminated name.
    let symbol = unsafe { libc::dlsym(library, text.as_ptr()) };
    assert!(!symbol.is_null(), "there is no {name}");
    assert_eq!(size_of::<T>(), size_of_val(&symbol));
    // SAFETY: passed on.
    unsafe { std::mem::transmute_copy(&symbol) }
}

/// What the contract is checked on.
struct CStore(Arc<dyn Store>);

impl Store for CStore {
    fn insert(&self, key: &Key, record: Record) -> StoreResult<bool> {
        self.0.insert(key, record)
    }

    fn load(&self, key: &Key) -> StoreResult<Option<Loaded>> {
        self.0.load(key)
    }

    fn swap(&self, key: &Key, version: u64, record: Record) -> StoreResult<bool> {
        self.0.swap(key, version, record)
    }

    fn owned_by(&self, owner: Owner<'_>) -> StoreResult<Vec<Key>> {
        self.0.owned_by(owner)
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> StoreResult<usize> {
        self.0.sweep(now, limit)
    }
}

#[test]
fn a_store_in_c_keeps_the_contract() {
    let ram_store = RamStore::compile();
    check(|| ram_store.empty());
}

#[test]
fn what_is_kept_for_good_is_never_swept() {
    let ram_store = RamStore::compile();
    // SAFETY: a store of the library's own; what is lent outlives the call.
    let (held, store) = unsafe {
        let held = (ram_store.new)();
        let lent = (ram_store.lend)(held);
        (held, host_store(&raw const lent).unwrap())
    };
    assert!(store.is_durable());
    // The engine's state can be large.
    let state = Record::State(vec![7; 1 << 20].into());
    assert!(store.insert(&key(1), state.clone()).unwrap());
    let grant = Record::Grant(grant("c", "s", 9));
    assert!(store.insert(&key(2), grant).unwrap());
    assert_eq!(store.sweep(Timestamp::NEVER, usize::MAX).unwrap(), 1);
    assert_eq!(store.load(&key(1)).unwrap().unwrap().record, state);
    // SAFETY: not let go of yet; then, once.
    unsafe {
        assert_eq!((ram_store.count)(held), 1);
        (ram_store.free)(held);
    }
    assert!(store.load(&key(1)).unwrap().is_some());
}

/// To the host an empty owner is anybody; a variable that was never set must not sign everybody out.
#[test]
fn an_empty_owner_owns_nothing() {
    let store = RamStore::compile().empty();
    let grant = Record::Grant(grant("c", "s", 9));
    assert!(store.insert(&key(1), grant).unwrap());
    assert_eq!(store.owned_by(Owner::default()).unwrap(), [key(1)]);
    for (client_id, subject) in [(Some(""), None), (None, Some("")), (Some("c"), Some(""))] {
        let nobody = Owner { client_id, subject };
        assert_eq!(store.owned_by(nobody).unwrap(), [], "{nobody:?}");
    }
}

/// More keys than bytes of claims could be.
#[test]
fn a_long_listing_is_whole() {
    let store = RamStore::compile().empty();
    for number in 0..10_000 {
        let grant = Record::Grant(grant("c", "s", 9));
        assert!(store.insert(&key(number), grant).unwrap());
    }
    let mut keys = store.owned_by(Owner::default()).unwrap();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 10_000);
}
