//! Text that crosses the boundary, in and out, and the helpers that read a caller's pointers.

use std::mem::ManuallyDrop;
use std::sync::Arc;

use crate::error::{Error, Result, Status};
use crate::ffi::guard::shield;
use crate::secret::{SecretText, wipe};

/// Text (UTF-8) or bytes that somebody lends: `len` bytes at `ptr`, not NUL-terminated.
///
/// Where `len` is 0, `ptr` is not looked at. Going in, it is borrowed for the call. Coming out, it
/// belongs to the object that it was asked of, and lives as long. See GRL_STR and grl_str_from.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct grl_str {
    /// The first byte.
    pub ptr: *const u8,
    /// How many bytes.
    pub len: usize,
}

impl grl_str {
    pub(super) const EMPTY: grl_str = grl_str {
        ptr: std::ptr::null(),
        len: 0,
    };

    /// Lends text or bytes of ours; the caller of the ABI keeps to their lifetime.
    pub(super) fn lend(bytes: &(impl AsRef<[u8]> + ?Sized)) -> Self {
        let bytes = bytes.as_ref();
        grl_str {
            ptr: bytes.as_ptr(),
            len: bytes.len(),
        }
    }

    /// The caller's bytes.
    ///
    /// # Safety
    /// The contract of the module, for `'a`.
    pub(super) unsafe fn bytes<'a>(self, name: &str) -> Result<&'a [u8]> {
        if self.len == 0 {
            return Ok(&[]);
        }
        if self.ptr.is_null() {
            return Err(null(name));
        }
        if isize::try_from(self.len).is_err() {
            let what = format!("the length of '{name}' is larger than memory");
            return Err(Error::new(Status::Usage, what));
        }
        // SAFETY: not NULL, not longer than memory; the contract says that the bytes are there.
        Ok(unsafe { std::slice::from_raw_parts(self.ptr, self.len) })
    }

    /// The caller's text.
    ///
    /// # Safety
    /// The contract of the module, for `'a`.
    pub(super) unsafe fn text<'a>(self, name: &str) -> Result<&'a str> {
        // SAFETY: passed on.
        let bytes = unsafe { self.bytes(name) }?;
        std::str::from_utf8(bytes)
            .map_err(|_| Error::new(Status::UsageUtf8, format!("'{name}' is not UTF-8")))
    }

    /// The caller's text, unless it is empty.
    ///
    /// # Safety
    /// The contract of the module, for `'a`.
    pub(super) unsafe fn text_if_any<'a>(self, name: &str) -> Result<Option<&'a str>> {
        // SAFETY: passed on.
        let text = unsafe { self.text(name) }?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }
}

/// Text that a call gives away: `len` bytes at `ptr`, and a NUL behind them that `len` does not count.
///
/// Ownership: yours; give it back with grl_buf_free. A call that fails leaves an empty one, which
/// needs no freeing. What a buffer holds when it is passed is overwritten, not freed.
#[repr(C)]
pub struct grl_buf {
    /// The first byte; NULL in an empty buffer.
    pub ptr: *mut u8,
    /// How many bytes, without the NUL.
    pub len: usize,
    /// The library's own; leave it alone.
    pub cap: usize,
}

impl grl_buf {
    /// Moves text that may be a token into memory of its own, where nothing but the buffer holds it.
    pub(super) fn of(text: &str) -> Self {
        let mut bytes = Vec::with_capacity(text.len() + 1);
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
        let mut bytes = ManuallyDrop::new(bytes);
        grl_buf {
            ptr: bytes.as_mut_ptr(),
            len: text.len(),
            cap: bytes.capacity(),
        }
    }

    pub(super) fn json(value: &impl serde::Serialize) -> Result<Self> {
        let text = serde_json::to_string(value).map(SecretText::new);
        Ok(grl_buf::of(&text.map_err(Error::server)?))
    }
}

impl Default for grl_buf {
    fn default() -> Self {
        grl_buf {
            ptr: std::ptr::null_mut(),
            len: 0,
            cap: 0,
        }
    }
}

/// Wipes a buffer's memory, releases it, and leaves the buffer empty; an empty one or NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_buf_free(buf: *mut grl_buf) {
    shield((), || {
        // SAFETY: NULL or a buffer, by contract.
        let Some(buf) = (unsafe { buf.as_mut() }) else {
            return;
        };
        let grl_buf { ptr, cap, .. } = std::mem::take(buf);
        if !ptr.is_null() {
            // SAFETY: `of` took both out of a Vec, all of whose capacity may be written; `take` has
            // seen to it that nobody frees it again.
            let mut bytes = unsafe { Vec::from_raw_parts(ptr, 0, cap) };
            bytes.resize(cap, 0);
            wipe(&mut bytes);
        }
    });
}

/// The object behind a caller's pointer.
///
/// # Safety
/// The contract of the module, for `'a`.
unsafe fn object<'a, T>(pointer: *const T, name: &str) -> Result<&'a T> {
    // SAFETY: NULL or a T, by contract.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(name))
}

/// What a getter tells of an object; `otherwise` if the pointer is NULL.
///
/// # Safety
/// The contract of the module, for `'a`.
pub(super) unsafe fn read<'a, T: 'a, R>(
    object: *const T,
    otherwise: R,
    field: impl FnOnce(&'a T) -> Option<R>,
) -> R {
    // SAFETY: NULL or a T, by contract.
    let object = unsafe { object.as_ref() };
    shield(None, || object.and_then(field)).unwrap_or(otherwise)
}

/// A caller's struct that begins with its own `size`, which has to be the one that we know.
///
/// # Safety
/// The contract of the module, for `'a`; of `T`, no more than a `usize` need be there.
pub(super) unsafe fn sized<'a, T>(pointer: *const T, name: &str) -> Result<&'a T> {
    // SAFETY: every such struct begins with its size, by contract.
    let size = *unsafe { object(pointer.cast::<usize>(), name) }?;
    if size != size_of::<T>() {
        let what = format!("the size of '{name}' is not the one that this library knows");
        let known = size_of::<T>();
        let detail = format!("it is {size}; {known} is known; use the _INIT macro");
        return Err(Error::new(Status::UsageSize, what).with_detail(detail));
    }
    // SAFETY: it says that it is all there.
    unsafe { object(pointer, name) }
}

/// A caller's place for a result: emptied at once, written on success only.
pub(super) struct Out<'a, T>(&'a mut T);

impl<T: Default> Out<'_, T> {
    /// # Safety
    /// The contract of the module, while the `Out` lives. What is there need not be initialised.
    pub(super) unsafe fn new(place: *mut T, name: &str) -> Result<Self> {
        // SAFETY: as below.
        unsafe { Out::optional(place) }.ok_or_else(|| null(name))
    }

    /// A result that the caller may do without.
    ///
    /// # Safety
    /// The contract of the module, while the `Out` lives. What is there need not be initialised.
    pub(super) unsafe fn optional(place: *mut T) -> Option<Self> {
        if place.is_null() {
            return None;
        }
        // SAFETY: writable, by contract; `write` does not read what was there.
        unsafe { place.write(T::default()) };
        // SAFETY: just written.
        unsafe { place.as_mut() }.map(Out)
    }

    pub(super) fn set(self, value: T) {
        *self.0 = value;
    }
}

/// Gives an object away that no callback can free under a call: its owner is now the caller, until [`free`].
pub(super) fn give<T>(object: T) -> *mut T {
    Box::into_raw(Box::new(object))
}

/// Takes back and drops what [`give`] gave away.
///
/// # Safety
/// NULL or a handle that was not freed, by contract.
pub(super) unsafe fn free<T>(object: *mut T) {
    shield((), || {
        if !object.is_null() {
            // SAFETY: from `give`, and freed once, by contract.
            drop(unsafe { Box::from_raw(object) });
        }
    });
}

/// Gives an object away that calls use while they call the host back: until [`free_shared`], or, should the
/// host do that meanwhile, until the last such call is over.
pub(super) fn give_shared<T>(object: T) -> *mut T {
    Arc::into_raw(Arc::new(object)).cast_mut()
}

/// The object behind a caller's pointer, kept for the call.
///
/// # Safety
/// NULL or from [`give_shared`], and not freed yet.
pub(super) unsafe fn shared<T>(pointer: *const T, name: &str) -> Result<Arc<T>> {
    if pointer.is_null() {
        return Err(null(name));
    }
    // SAFETY: passed on; the count that is added is the one that the `Arc` takes away.
    Ok(unsafe {
        Arc::increment_strong_count(pointer);
        Arc::from_raw(pointer)
    })
}

/// Takes back what [`give_shared`] gave away.
///
/// # Safety
/// NULL or a handle that was not freed, by contract.
pub(super) unsafe fn free_shared<T>(object: *mut T) {
    shield((), || {
        if !object.is_null() {
            // SAFETY: from `give_shared`, and freed once, by contract.
            drop(unsafe { Arc::from_raw(object) });
        }
    });
}

pub(super) fn null(name: &str) -> Error {
    Error::new(Status::UsageNull, format!("'{name}' is NULL"))
}
