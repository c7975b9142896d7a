//! What only Rust can test of the boundary; the rest is in `tests/abi/`, in C.

use std::sync::Arc;

use super::*;
use crate::clock::{Clock, Timestamp};
use crate::config::Config;
use crate::engine::Engine;
use crate::error::{Error, Status};
use crate::ffi::guard::{ErrorOut, guard, shield};

struct Panicking;

impl Clock for Panicking {
    fn now(&self) -> Timestamp {
        panic!("the clock broke")
    }
}

fn text(text: grl_str) -> String {
    // SAFETY: lent by an object that the test still holds.
    unsafe { text.text("text") }.unwrap().to_owned()
}

#[test]
fn a_panic_comes_out_as_a_status_with_an_error_object() {
    let engine = Engine::builder(Config::new("http://127.0.0.1:8080/")).clock(Arc::new(Panicking));
    let engine = grl_engine(engine.build().unwrap());
    let mut error = std::ptr::null_mut();
    let mut removed = 7;
    // SAFETY: all of it lives here.
    let status =
        unsafe { grl_engine_sweep(&raw const engine, 1, &raw mut removed, &raw mut error) };
    assert_eq!((status, removed), (Status::Panic, 0));
    // SAFETY: the call has just set it.
    unsafe {
        assert_eq!(grl_error_status(error), Status::Panic);
        assert_eq!(text(grl_error_oauth_code(error)), "server_error");
        assert_eq!(text(grl_error_detail(error)), "the clock broke");
        assert!(!text(grl_error_response(error)).contains("clock"));
        grl_error_free(error);
    }
}

#[test]
fn a_panic_message_put_together_at_run_time_stays_out_of_the_error() {
    let mut error = std::ptr::null_mut();
    // SAFETY: a place of the test's own.
    let out = unsafe { ErrorOut::new(&raw mut error) };
    let secret = "s3cret";
    assert_eq!(guard(out, || panic!("on {secret}")), Status::Panic);
    // SAFETY: `guard` has just set it.
    unsafe {
        assert!(!text(grl_error_detail(error)).contains(secret));
        grl_error_free(error);
    }
}

#[test]
fn an_error_needs_nowhere_to_go() {
    // SAFETY: NULL.
    let out = unsafe { ErrorOut::new(std::ptr::null_mut()) };
    assert_eq!(
        guard(out, || Err(Error::server("no").into())),
        Status::ServerError
    );
}

#[test]
fn a_getter_that_panics_gives_its_default() {
    assert_eq!(shield(5, || panic!("no")), 5);
}

#[test]
fn the_header_s_version_is_the_crate_s() {
    let version = format!("{GRL_VERSION_MAJOR}.{GRL_VERSION_MINOR}.{GRL_VERSION_PATCH}");
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_buffer_ends_in_a_nul_and_is_empty_once_freed() {
    for expected in ["", "x", "a token of some length"] {
        let mut buf = grl_buf::of(expected);
        // SAFETY: `of` says that len bytes and a NUL are there.
        let bytes = unsafe { std::slice::from_raw_parts(buf.ptr, buf.len + 1) };
        assert_eq!(bytes, format!("{expected}\0").as_bytes());
        // SAFETY: a buffer of ours; the second time it is empty.
        unsafe {
            grl_buf_free(&raw mut buf);
            grl_buf_free(&raw mut buf);
        }
        assert!(buf.ptr.is_null() && buf.len == 0 && buf.cap == 0);
    }
}

#[test]
fn a_length_that_no_memory_has_is_refused() {
    let byte = 0u8;
    let text = grl_str {
        ptr: &raw const byte,
        len: usize::MAX,
    };
    // SAFETY: refused before it is read.
    let refused = unsafe { text.bytes("text") };
    assert_eq!(refused.unwrap_err().status(), Status::Usage);
}
