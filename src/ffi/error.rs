//! `grl_error`: why a call failed, for the client, the host and the log.

use crate::error::{Error, Status};
use crate::ffi::http::grl_http_response;
use crate::ffi::types::{free, give, grl_str, read};
use crate::http;

/// Why a call failed. Holds no token and no secret.
///
/// Ownership: yours, from the `error` of a failed call; free it with grl_error_free. It may outlive the
/// engine, and all that it gives out lives as long as it does.
/// Threads: never changes; any number may read it.
pub struct grl_error {
    error: Error,
    response: String,
    redirect: Option<grl_http_response>,
}

impl grl_error {
    pub(super) fn give(error: Error, redirect: Option<http::Response>) -> *mut grl_error {
        give(grl_error {
            response: error.to_json(),
            redirect: redirect.map(grl_http_response::from),
            error,
        })
    }
}

/// Tells the status that the failed call returned; GRL_OK of NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_error_status(error: *const grl_error) -> Status {
    // SAFETY: NULL or an error, by contract.
    unsafe { read(error, Status::Ok, |error| Some(error.error.status())) }
}

/// Tells the OAuth error code, such as `invalid_grant`.
///
/// Spec: RFC 6749 §4.1.2.1, §5.2.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_error_oauth_code(error: *const grl_error) -> grl_str {
    // SAFETY: NULL or an error, by contract.
    unsafe { text(error, |error| error.error.oauth_code()) }
}

/// Tells a client's developer what to mend (`error_description`); safe to send.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_error_description(error: *const grl_error) -> grl_str {
    // SAFETY: NULL or an error, by contract.
    unsafe { text(error, |error| error.error.description()) }
}

/// Tells the log what the client is not told; often empty. Do not send it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_error_detail(error: *const grl_error) -> grl_str {
    // SAFETY: NULL or an error, by contract.
    unsafe { text(error, |error| error.error.detail().unwrap_or_default()) }
}

/// Tells the HTTP status to answer with, such as 400; 200 of NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_error_http_status(error: *const grl_error) -> u16 {
    // SAFETY: NULL or an error, by contract.
    unsafe { read(error, 200, |error| Some(error.error.http_status())) }
}

/// Gives the complete JSON body to answer with: `{"error":…,"error_description":…}`.
///
/// Spec: RFC 6749 §5.2.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_error_response(error: *const grl_error) -> grl_str {
    // SAFETY: NULL or an error, by contract.
    unsafe { text(error, |error| &error.response) }
}

/// Gives the response that takes an authorization error to the client, through the user's browser.
///
/// NULL where there must be none, since the client or its redirect URI is not to be trusted: show
/// the error to the user then, and never redirect. Only grl_engine_authorize fails with one.
///
/// Ownership: the error's; do not free it.
/// Spec: RFC 6749 §4.1.2.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_error_redirect(error: *const grl_error) -> *const grl_http_response {
    // SAFETY: NULL or an error, by contract.
    unsafe {
        read(error, std::ptr::null(), |error| {
            error.redirect.as_ref().map(std::ptr::from_ref)
        })
    }
}

/// Frees an error; NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_error_free(error: *mut grl_error) {
    // SAFETY: NULL or an error that was not freed, by contract.
    unsafe { free(error) }
}

/// Text of an error; empty where there is no error.
///
/// # Safety
/// NULL or an error, by the contract of the module.
unsafe fn text(error: *const grl_error, field: impl FnOnce(&grl_error) -> &str) -> grl_str {
    // SAFETY: passed on.
    unsafe {
        read(error, grl_str::EMPTY, |error| {
            Some(grl_str::lend(field(error)))
        })
    }
}
