//! What only Rust can test of the boundary; the rest is in `tests/abi/`, in C.

use std::sync::Arc;

use super::*;
use crate::clock::{Clock, Timestamp};
use crate::config::Config;
use crate::engine::Engine;
use crate::error::{Error, Result, Status};
use crate::ffi::guard::{ErrorOut, guard, shield};
use crate::ffi::types::give_shared;

struct Panicking;

impl Clock for Panicking {
    fn now(&self) -> Result<Timestamp> {
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
    let engine = give_shared(grl_engine(engine.build().unwrap()));
    let mut error = std::ptr::null_mut();
    let mut removed = 7;
    // SAFETY: all of it lives here.
    let status = unsafe { grl_engine_sweep(engine, 1, &raw mut removed, &raw mut error) };
    assert_eq!((status, removed), (Status::Panic, 0));
    // SAFETY: the call has just set it.
    unsafe {
        assert_eq!(grl_error_status(error), Status::Panic);
        assert_eq!(text(grl_error_oauth_code(error)), "server_error");
        assert_eq!(text(grl_error_detail(error)), "the clock broke");
        assert!(!text(grl_error_response(error)).contains("clock"));
        grl_error_free(error);
        grl_engine_free(engine);
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

fn member(json: &str, name: &str) -> std::result::Result<String, Status> {
    let mut value = grl_buf::default();
    let (json, name) = (grl_str::lend(json), grl_str::lend(name));
    // SAFETY: lent text, an output of the test's own, nowhere for the error.
    let status = unsafe { grl_json_member(json, name, &raw mut value, std::ptr::null_mut()) };
    let lent = grl_str {
        ptr: value.ptr,
        len: value.len,
    };
    let found = text(lent);
    // SAFETY: the call's own buffer.
    unsafe { grl_buf_free(&raw mut value) };
    match status {
        Status::Ok => Ok(found),
        status => {
            assert_eq!(found, "");
            Err(status)
        }
    }
}

proptest::proptest! {
    #[test]
    fn every_member_of_an_object_is_found_as_it_is(
        members in proptest::collection::btree_map(".{0,4}", ".{0,8}", 0..6),
        asked in ".{0,4}",
    ) {
        let json = serde_json::to_string(&members).unwrap();
        for (name, value) in &members {
            assert_eq!(member(&json, name).as_ref(), Ok(value));
        }
        assert_eq!(member(&json, &asked), members.get(&asked).cloned().ok_or(Status::NotFound));
    }
}

#[test]
fn a_member_that_is_no_text_comes_as_json() {
    let json = r#" {"a":[1, {"b":null}],"n":1.50,"t":true,"o":{},"none":null,"e":"","\u0061b":"\u00e9\n"} "#;
    let found = ["a", "n", "t", "o", "e", "ab"].map(|name| member(json, name).unwrap());
    assert_eq!(
        found,
        [r#"[1, {"b":null}]"#, "1.50", "true", "{}", "", "é\n"]
    );
    assert_eq!(member(json, "none"), Err(Status::NotFound));
    assert_eq!(member(r#"{"a":1,"a":2}"#, "a").as_deref(), Ok("1"));
    for no_object in [
        "",
        "{",
        "[]",
        "null",
        "1",
        r#"{"a":1}x"#,
        r#"{"a":1,}"#,
        r#"{"a":"\ud800"}"#,
    ] {
        assert_eq!(member(no_object, "a"), Err(Status::Usage), "{no_object}");
    }
}
