//! Bytes and text that must not be seen: hidden from `Debug`, wiped when dropped. A client's secret is
//! compared in constant time ([`SecretHash::matches`]); `==` is not.
//!
//! Keys that live long lie in [`Guarded`] memory, which no core dump shows.
//!
//! With `src/ffi/` the only place where `unsafe` is allowed: wiping text in place needs it, and so does
//! memory of one's own.
#![allow(unsafe_code)]

use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::{digest, hmac};
use serde_json::Value;

use crate::error::Result;
use crate::random::Random;

/// Overwrites `bytes` with zeros in a way that the optimiser keeps.
pub(crate) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    std::hint::black_box(bytes);
}

/// Overwrites every text in `value`, which held secrets.
pub(crate) fn wipe_json(value: &mut Value) {
    match value {
        // SAFETY: zero bytes are valid UTF-8.
        Value::String(text) => wipe(unsafe { text.as_bytes_mut() }),
        Value::Array(items) => items.iter_mut().for_each(wipe_json),
        Value::Object(members) => members.values_mut().for_each(wipe_json),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A value with key material in it, in memory of its own: left out of core dumps and, as far as the
/// system allows it, never swapped out; wiped when dropped. What the value has on the heap is not.
pub(crate) struct Guarded<T> {
    value: NonNull<T>,
    memory: Pages,
}

impl<T> Guarded<T> {
    pub(crate) fn new(value: T) -> Self {
        // A page is aligned for whatever is smaller than it.
        const { assert!(align_of::<T>() <= MIN_PAGE_LEN && size_of::<T>() > 0) };
        let memory = Pages::new(size_of::<T>());
        let place = memory.start.cast::<T>();
        // SAFETY: long enough and aligned, and nobody else's.
        unsafe { place.write(value) };
        Guarded {
            value: place,
            memory,
        }
    }
}

impl<T> Deref for Guarded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: written in `new`, and there until this is dropped.
        unsafe { self.value.as_ref() }
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        // SAFETY: written in `new`; nobody uses it after this. The memory goes next, and is wiped.
        unsafe { self.value.drop_in_place() }
        debug_assert!(self.memory.len > 0);
    }
}

// SAFETY: owns its value as a Box would.
unsafe impl<T: Send> Send for Guarded<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Guarded<T> {}

impl<T> fmt::Debug for Guarded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guarded(..)")
    }
}

/// Bytes in such memory.
pub(crate) struct GuardedBytes {
    memory: Pages,
    len: usize,
}

impl GuardedBytes {
    /// A copy of `bytes`; the original is the caller's to wipe.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let memory = Pages::new(bytes.len().max(1));
        // SAFETY: as long as this at least, and not the caller's.
        unsafe {
            memory
                .start
                .copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len());
        }
        GuardedBytes {
            memory,
            len: bytes.len(),
        }
    }

    pub(crate) fn expose(&self) -> &[u8] {
        // SAFETY: written in `new`, and there as long as this is.
        unsafe { std::slice::from_raw_parts(self.memory.start.as_ptr(), self.len) }
    }
}

impl fmt::Debug for GuardedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardedBytes(..)")
    }
}

/// No system has smaller pages.
const MIN_PAGE_LEN: usize = 4096;

/// Whole pages of memory, zero at first, wiped at the end.
struct Pages {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: memory that belongs to whoever holds this.
unsafe impl Send for Pages {}
// SAFETY: as above.
unsafe impl Sync for Pages {}

impl Pages {
    fn new(len: usize) -> Self {
        let start = allocate(len);
        let Some(start) = NonNull::new(start) else {
            std::alloc::handle_alloc_error(layout(len))
        };
        Pages { start, len }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: allocated with this length, and nobody else's.
        wipe(unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) });
        // SAFETY: as above, and not used again.
        unsafe { release(self.start.as_ptr(), self.len) }
    }
}

fn layout(len: usize) -> std::alloc::Layout {
    // A length that no memory has is refused as none that is free.
    std::alloc::Layout::from_size_align(len, MIN_PAGE_LEN)
        .unwrap_or(std::alloc::Layout::new::<[u8; MIN_PAGE_LEN]>())
}

#[cfg(unix)]
fn allocate(len: usize) -> *mut u8 {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping, which is in nobody's way.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), len, access, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return std::ptr::null_mut();
    }
    // Both are as much as the system grants: secrets work without.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // SAFETY: the mapping just made.
    unsafe {
        libc::madvise(start, len, libc::MADV_DONTDUMP)
    };
    #[cfg(target_os = "freebsd")]
    // SAFETY: the mapping just made.
    unsafe {
        libc::madvise(start, len, libc::MADV_NOCORE)
    };
    // SAFETY: the mapping just made.
    unsafe { libc::mlock(start, len) };
    start.cast()
}

/// # Safety
/// From [`allocate`], with its length, and not used again.
#[cfg(unix)]
unsafe fn release(start: *mut u8, len: usize) {
    // SAFETY: passed on. The lock goes with the mapping.
    unsafe { libc::munmap(start.cast(), len) };
}

#[cfg(not(unix))]
fn allocate(len: usize) -> *mut u8 {
    // SAFETY: the length is not zero.
    unsafe { std::alloc::alloc_zeroed(layout(len)) }
}

/// # Safety
/// From [`allocate`], with its length, and not used again.
#[cfg(not(unix))]
unsafe fn release(start: *mut u8, len: usize) {
    // SAFETY: passed on.
    unsafe { std::alloc::dealloc(start, layout(len)) };
}

/// Secret bytes: key material, a client's secret. Wiped when dropped.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes the bytes over; copies that the caller keeps are the caller's to wipe.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Secret(bytes.into())
    }

    /// The bytes themselves, named so that a reader stops at every use.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes themselves, to be changed in place.
    pub(crate) fn expose_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Text that carries a token. Reads as `&str`, hides from `Debug`, wiped when dropped.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SecretText(String);

impl SecretText {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        SecretText(text)
    }

    /// The text, for a caller that takes its care over.
    pub fn into_string(mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

impl Deref for SecretText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for SecretText {
    fn drop(&mut self) {
        // SAFETY: zero bytes are valid UTF-8.
        wipe(unsafe { self.0.as_bytes_mut() });
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

/// What is kept of a client's secret: a salt and HMAC-SHA-256(salt, secret).
///
/// A client secret is a random string that a machine made (RFC 6749 §10.10), not a password: a fast
/// hash is enough, and a slow one would let anyone stall the host with wrong secrets.
#[derive(Clone)]
pub struct SecretHash {
    salt: [u8; 16],
    tag: [u8; digest::SHA256_OUTPUT_LEN],
}

impl SecretHash {
    /// Hashes `secret` under a fresh salt.
    pub fn new(secret: &[u8], random: &dyn Random) -> Result<Self> {
        Ok(SecretHash::salted(secret, random.bytes()?))
    }

    /// `sha256$<salt>$<hash>`, both base64url: the text form that configuration takes and gives.
    pub fn parse(text: &str) -> Option<Self> {
        let (salt, tag) = text.strip_prefix("sha256$")?.split_once('$')?;
        Some(SecretHash {
            salt: BASE64_URL_SAFE_NO_PAD.decode(salt).ok()?.try_into().ok()?,
            tag: BASE64_URL_SAFE_NO_PAD.decode(tag).ok()?.try_into().ok()?,
        })
    }

    /// Whether `secret` is the one; takes the same time either way.
    pub fn matches(&self, secret: &[u8]) -> bool {
        hmac::verify(
            &hmac::Key::new(hmac::HMAC_SHA256, &self.salt),
            secret,
            &self.tag,
        )
        .is_ok()
    }

    fn salted(secret: &[u8], salt: [u8; 16]) -> Self {
        let mut tag = [0; digest::SHA256_OUTPUT_LEN];
        tag.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &salt), secret).as_ref());
        SecretHash { salt, tag }
    }
}

impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        write!(f, "sha256${}${}", encode(&self.salt), encode(&self.tag))
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::ScriptedRandom;

    #[test]
    fn debug_hides_everything() {
        let hash = SecretHash::salted(b"hunter2", *b"0123456789abcdef");
        let shown = format!(
            "{:?} {:?} {:?} {:?} {:?}",
            Secret::new(*b"hunter2"),
            SecretText::new("hunter2".into()),
            hash,
            Guarded::new(*b"hunter2"),
            GuardedBytes::new(b"hunter2"),
        );
        assert_eq!(
            shown,
            "Secret(..) SecretText(..) SecretHash(..) Guarded(..) GuardedBytes(..)"
        );
    }

    #[test]
    fn a_hash_survives_its_text_form_and_matches_only_its_secret() {
        let hash = SecretHash::new(b"correct horse", &ScriptedRandom::new(1)).unwrap();
        let again = SecretHash::parse(&hash.to_string()).unwrap();
        assert!(again.matches(b"correct horse"));
        assert!(!again.matches(b"correct horsf"));
        assert!(!again.matches(b""));
        assert!(SecretHash::parse("sha256$AA$AA").is_none());
        assert!(SecretHash::parse("correct horse").is_none());
    }

    /// What the kernel says of the memory at `address`: `dd` is «do not dump», `lo` is «locked».
    #[cfg(target_os = "linux")]
    fn kernel_flags(address: usize) -> String {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut inside = false;
        for line in maps.lines() {
            let range = line.split(' ').next().and_then(|word| word.split_once('-'));
            if let Some((start, end)) = range
                && let Ok(start) = usize::from_str_radix(start, 16)
                && let Ok(end) = usize::from_str_radix(end, 16)
            {
                inside = (start..end).contains(&address);
            } else if inside && let Some(flags) = line.strip_prefix("VmFlags:") {
                return flags.to_owned();
            }
        }
        panic!("no memory at {address:x}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn guarded_memory_is_left_out_of_core_dumps() {
        let value = Guarded::new([7_u8; 40]);
        let bytes = GuardedBytes::new(b"0123456789");
        for address in [value.as_ptr().addr(), bytes.expose().as_ptr().addr()] {
            assert!(
                kernel_flags(address).contains(" dd"),
                "{}",
                kernel_flags(address)
            );
        }
        let plain = Box::new([7_u8; 40]);
        assert!(!kernel_flags(plain.as_ptr().addr()).contains(" dd"));
    }

    #[test]
    fn guarded_memory_holds_what_was_put_and_drops_it_once() {
        let shared = std::sync::Arc::new(());
        let guarded = Guarded::new((std::sync::Arc::clone(&shared), [1_u64; 600]));
        assert_eq!(guarded.1.iter().sum::<u64>(), 600);
        assert_eq!(std::sync::Arc::strong_count(&shared), 2);
        drop(guarded);
        assert_eq!(std::sync::Arc::strong_count(&shared), 1);
        let long: Vec<u8> = (0..10_000).map(|i| (i % 251) as u8).collect();
        assert_eq!(GuardedBytes::new(&long).expose(), long);
        assert_eq!(GuardedBytes::new(b"").expose(), b"");
    }

    #[test]
    fn json_is_wiped_text_by_text() {
        let mut value = serde_json::json!({"a": ["secret", 1], "b": {"c": "x"}});
        wipe_json(&mut value);
        assert_eq!(
            value,
            serde_json::json!({"a": ["\0\0\0\0\0\0", 1], "b": {"c": "\0"}})
        );
    }

    #[test]
    fn wipe_leaves_zeros() {
        let mut bytes = *b"secret";
        wipe(&mut bytes);
        assert_eq!(bytes, [0; 6]);
    }
}
