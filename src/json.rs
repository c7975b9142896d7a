//! JSON as it is written where it must be quick: straight into the buffer that goes out.
//!
//! Knows how a value is written, not what it means. What is read, and what is written rarely, goes
//! through `serde_json` alone.

use serde::Serialize;

/// Appends a value. Text, numbers and `Value`s always have a JSON form, and memory takes what is
/// written.
pub(crate) fn put<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let _ = serde_json::to_writer(out, value);
}

/// As [`put`] for text, which mostly has nothing to escape. Looking at every byte, not only up to the
/// first that has, is a loop that the compiler turns into vector instructions.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    let escapes = |byte: u8| (byte < b' ') | (byte == b'"') | (byte == b'\\');
    if text.bytes().fold(false, |any, byte| any | escapes(byte)) {
        return put(out, text);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}
