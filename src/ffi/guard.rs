//! The panic boundary: every body runs inside it, and what fails in there comes out as a status.
//!
//! A panic means a defect of ours. It must not unwind into C, and one request must not take the
//! host down with it: the caller gets `GRL_PANIC`, and the engine goes on. That is sound because no
//! lock of ours is poisoned by it (parking_lot's are not) and every change of state is a single swap.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::endpoint::authorize::AuthorizeError;
use crate::error::{Error, Status};
use crate::ffi::error::grl_error;
use crate::ffi::types::Out;
use crate::http;

/// Where a call's error goes: NULL from the start, an object if the call fails and the caller asked.
pub(super) struct ErrorOut<'a>(Option<Out<'a, *mut grl_error>>);

impl ErrorOut<'_> {
    /// # Safety
    /// NULL or writable while this lives, by the contract of the module.
    pub(super) unsafe fn new(place: *mut *mut grl_error) -> Self {
        // SAFETY: passed on.
        ErrorOut(unsafe { Out::optional(place) })
    }
}

/// Why a body failed.
pub(super) struct Failure {
    error: Error,
    /// Where an authorization error may be told to the client.
    redirect: Option<http::Response>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure {
            error,
            redirect: None,
        }
    }
}

impl From<AuthorizeError> for Failure {
    fn from(refused: AuthorizeError) -> Self {
        Failure {
            error: refused.error,
            redirect: refused.response.map(Into::into),
        }
    }
}

/// Runs the body of a call that can fail.
pub(super) fn guard(error: ErrorOut<'_>, body: impl FnOnce() -> Result<(), Failure>) -> Status {
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return Status::Ok,
        Ok(Err(failure)) => failure,
        Err(panic) => panicked(&*panic).into(),
    };
    let status = failure.error.status();
    if let Some(out) = error.0 {
        out.set(grl_error::give(failure.error, failure.redirect));
    }
    status
}

/// Runs a body that cannot fail; should it panic all the same, `instead` comes out.
pub(super) fn shield<T>(instead: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(instead)
}

/// Only a literal goes to the log: a message put together at run time may quote anything.
fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = panic.downcast_ref::<&'static str>();
    Error::new(Status::Panic, "the server failed to process the request")
        .with_detail(message.unwrap_or(&"a panic; standard error has its message"))
}
