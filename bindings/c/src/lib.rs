//! The library that a host of another language links: `libgrantlet.so` and `libgrantlet.a`, with the
//! functions of `grantlet.h` and nothing else.
//!
//! Holds no code; the C ABI is `src/ffi/` of the engine. It is a crate of its own because a library that
//! rustc makes for Rust and for C at once keeps for C what only Rust could call: 200 KiB.

#[doc(hidden)]
pub use engine::ffi;
