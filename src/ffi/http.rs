//! `grl_http_request`, `grl_http_response`: HTTP without a socket.

use std::borrow::Cow;

use crate::config::limits::MAX_REQUEST_BYTES;
use crate::error::{Error, Result, Status};
use crate::ffi::authorization::grl_authorization;
use crate::ffi::engine::grl_engine;
use crate::ffi::error::grl_error;
use crate::ffi::guard::{ErrorOut, guard};
use crate::ffi::types::{Out, free, give, grl_str, null, read, shared, sized};
use crate::http::{Reply, Request, Response};
use crate::secret::wipe;

/// The most bytes of a body that are worth reading; a larger one is answered with 413.
pub const GRL_MAX_REQUEST_BYTES: usize = 32768;

const _: () = assert!(GRL_MAX_REQUEST_BYTES == MAX_REQUEST_BYTES);

/// More headers than any server lets through.
const MAX_HEADERS: usize = 1024;

/// A header of a request.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct grl_http_header {
    /// Its name, in any case.
    pub name: grl_str,
    /// Its value.
    pub value: grl_str,
}

/// A request as your server has it. Begin with GRL_HTTP_REQUEST_INIT.
///
/// Nothing here needs to be well-formed: whatever came over the wire may go in, and gets the HTTP
/// answer that it deserves. Bytes that are not UTF-8 read as U+FFFD.
#[repr(C)]
pub struct grl_http_request {
    /// sizeof(grl_http_request).
    pub size: usize,
    /// `GET`, `POST`, …
    pub method: grl_str,
    /// The path and, behind a `?`, the query, as they stand in the request line.
    pub target: grl_str,
    /// The headers; each line of the request is one.
    pub headers: *const grl_http_header,
    /// How many headers.
    pub header_count: usize,
    /// The body; see GRL_MAX_REQUEST_BYTES.
    pub body: grl_str,
}

/// A response for your server to send: a status, headers, a body.
///
/// Ownership: yours; free it with grl_http_response_free, which wipes it. It may outlive the engine,
/// and all that it gives out lives as long as it does.
/// Threads: never changes; any number may read it.
pub struct grl_http_response(Response);

impl From<Response> for grl_http_response {
    fn from(response: Response) -> Self {
        grl_http_response(response)
    }
}

impl Drop for grl_http_response {
    /// Codes are in the headers, tokens in the body.
    fn drop(&mut self) {
        wipe(&mut self.0.body);
        for (_, value) in &mut self.0.headers {
            wipe(&mut std::mem::take(value).into_bytes());
        }
    }
}

/// Answers an HTTP request, whatever its path, with the endpoint that lies there.
///
/// On GRL_OK exactly one of the two outputs is set: `response`, to be sent; or, where a valid
/// authorization request came in, `authorization`: sign the user in, then answer with what
/// grl_authorization_approve or grl_authorization_deny gives. `Content-Length` is for your server to add.
///
/// Ownership: both outputs are yours.
/// State: as the endpoint's own call.
/// Errors: GRL_USAGE and its reasons. A bad request is no error here: it gets its response.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_handle(
    engine: *const grl_engine,
    request: *const grl_http_request,
    response: *mut *mut grl_http_response,
    authorization: *mut *mut grl_authorization,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: NULL or writable, by contract.
    let error = unsafe { ErrorOut::new(error) };
    guard(error, || {
        // SAFETY: NULL or writable, by contract.
        let response = unsafe { Out::new(response, "response") };
        // SAFETY: NULL or writable, by contract.
        let authorization = unsafe { Out::new(authorization, "authorization") };
        let (response, authorization) = (response?, authorization?);
        // SAFETY: NULL or what their types say, by contract.
        let (engine, parts) = unsafe { (shared(engine, "engine")?, Parts::read(request)?) };
        match parts.with(|request| engine.0.handle(request)) {
            Reply::Response(answer) => response.set(give(answer.into())),
            Reply::Authorize(pending) => {
                authorization.set(grl_authorization::give(engine.0.clone(), *pending)?);
            }
        }
        Ok(())
    })
}

/// Tells the status code, such as 200; 500 of NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_http_response_status(response: *const grl_http_response) -> u16 {
    // SAFETY: NULL or a response, by contract.
    unsafe { read(response, 500, |response| Some(response.0.status)) }
}

/// Tells how many headers there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_http_response_header_count(
    response: *const grl_http_response,
) -> usize {
    // SAFETY: NULL or a response, by contract.
    unsafe { read(response, 0, |response| Some(response.0.headers.len())) }
}

/// Gives the name of header `index`, which counts from 0; empty past the last one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_http_response_header_name(
    response: *const grl_http_response,
    index: usize,
) -> grl_str {
    // SAFETY: NULL or a response, by contract.
    unsafe {
        read(response, grl_str::EMPTY, |response| {
            let (name, _) = response.0.headers.get(index)?;
            Some(grl_str::lend(*name))
        })
    }
}

/// Gives the value of header `index`, which counts from 0; empty past the last one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_http_response_header_value(
    response: *const grl_http_response,
    index: usize,
) -> grl_str {
    // SAFETY: NULL or a response, by contract.
    unsafe {
        read(response, grl_str::EMPTY, |response| {
            let (_, value) = response.0.headers.get(index)?;
            Some(grl_str::lend(value))
        })
    }
}

/// Gives the value of the header called `name`, in any case; empty if there is none.
///
/// A host without HTTP asks an authorization response for its `Location`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_http_response_header(
    response: *const grl_http_response,
    name: grl_str,
) -> grl_str {
    // SAFETY: NULL or a response, and text, by contract.
    unsafe {
        read(response, grl_str::EMPTY, |response| {
            let value = response.0.header(name.text("name").ok()?)?;
            Some(grl_str::lend(value))
        })
    }
}

/// Gives the body; empty if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_http_response_body(response: *const grl_http_response) -> grl_str {
    // SAFETY: NULL or a response, by contract.
    unsafe {
        read(response, grl_str::EMPTY, |response| {
            Some(grl_str::lend(&response.0.body))
        })
    }
}

/// Wipes and frees a response; NULL is fine. Never one that grl_error_redirect gave.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_http_response_free(response: *mut grl_http_response) {
    // SAFETY: NULL or a response that was not freed, by contract.
    unsafe { free(response) }
}

/// A request, read out of the caller's struct.
struct Parts<'a> {
    method: Cow<'a, str>,
    target: Cow<'a, str>,
    headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    body: &'a [u8],
}

impl<'a> Parts<'a> {
    /// # Safety
    /// The contract of the module, for `'a`.
    unsafe fn read(request: *const grl_http_request) -> Result<Self> {
        // SAFETY: passed on.
        let request = unsafe { sized(request, "request") }?;
        let headers = match request.header_count {
            0 => &[],
            _ if request.headers.is_null() => return Err(null("request.headers")),
            count if count > MAX_HEADERS => {
                let what = format!("the request has more than {MAX_HEADERS} headers");
                return Err(Error::new(Status::Usage, what));
            }
            // SAFETY: not NULL; the contract says that so many are there.
            count => unsafe { std::slice::from_raw_parts(request.headers, count) },
        };
        // SAFETY: passed on.
        let text = |text: grl_str, name| unsafe { text.bytes(name) }.map(String::from_utf8_lossy);
        let headers = headers.iter().map(|header| {
            Ok((
                text(header.name, "header.name")?,
                text(header.value, "header.value")?,
            ))
        });
        Ok(Parts {
            method: text(request.method, "request.method")?,
            target: text(request.target, "request.target")?,
            headers: headers.collect::<Result<_>>()?,
            // SAFETY: passed on.
            body: unsafe { request.body.bytes("request.body") }?,
        })
    }

    fn with<T>(&self, answer: impl FnOnce(&Request<'_>) -> T) -> T {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        answer(&Request {
            method: &self.method,
            target: &self.target,
            headers: &headers,
            body: self.body,
        })
    }
}
