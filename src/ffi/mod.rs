//! The C ABI: one file per C object, all of it a thin coat over [`Engine`](crate::Engine).
//!
//! Reads the caller's pointers and text, calls one method, hands the result out; decides nothing. A C
//! caller can pass anything, so nothing is trusted before it is checked: every body runs inside
//! `guard`, every pointer is checked for NULL, every struct for its size, all text for UTF-8.
//! `include/grantlet.h` is generated from these signatures and doc comments; they are its manual, so
//! what a Rust reader would call `# Safety` stands there in the words of a C reader.
//!
//! The one contract that a C caller keeps, and every `SAFETY` below leans on: a pointer is NULL or
//! points to what its type says, alive for the call; a handle comes from its own constructor and is
//! not freed while a call uses it, but by a callback of that call; text of `len` bytes lies at `ptr`.
#![allow(unsafe_code, clippy::as_conversions)]
#![allow(non_camel_case_types, unreachable_pub)]
#![allow(clippy::missing_safety_doc)] // The header has no such headings.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![deny(clippy::undocumented_unsafe_blocks, unsafe_op_in_unsafe_fn)]

mod authorization;
mod engine;
mod error;
mod guard;
mod host;
mod http;
mod json;
mod sink;
mod store;
mod types;
mod version;

pub use authorization::*;
pub use engine::*;
pub use error::*;
pub use host::*;
pub use http::*;
pub use json::*;
pub use sink::*;
pub use store::*;
pub use types::*;
pub use version::*;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
