//! One binary for all integration tests: a file per RFC or subject, through the public interface only.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod story;
