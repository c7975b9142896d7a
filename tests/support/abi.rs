//! The engine as a C program calls it, each call with the time that it took: the functions of `grantlet.h`
//! and nothing else.
#![allow(unsafe_code)]

use std::ptr;

use grantlet::Status;
use grantlet::ffi::{
    grl_authorization_approve, grl_authorization_free, grl_buf, grl_buf_free, grl_engine,
    grl_engine_authorize, grl_engine_free, grl_engine_grant, grl_engine_grants,
    grl_engine_introspect, grl_engine_new, grl_engine_revoke, grl_engine_revoke_grant,
    grl_engine_revoke_grants, grl_engine_rotate_keys, grl_engine_sweep, grl_engine_token,
    grl_engine_token_into, grl_engine_verify, grl_error, grl_error_detail, grl_error_free,
    grl_http_response_free, grl_http_response_header, grl_login, grl_str,
};

/// An engine.
pub struct Abi(*mut grl_engine);

// SAFETY: grantlet.h: any number of threads may use an engine at once.
unsafe impl Send for Abi {}
// SAFETY: as above.
unsafe impl Sync for Abi {}

/// An answer, or the status and the detail of a failure; and when it was asked for, and there.
pub struct Timed<T> {
    pub start: u64,
    pub end: u64,
    pub result: Result<T, (Status, String)>,
}

const NOTHING: grl_str = grl_str {
    ptr: ptr::null(),
    len: 0,
};

fn str(text: &str) -> grl_str {
    grl_str {
        ptr: text.as_ptr(),
        len: text.len(),
    }
}

/// The clock of all processes, in nanoseconds.
pub fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: writes to `time`.
    assert_eq!(
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) },
        0
    );
    u64::try_from(time.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap()
}

/// A call that gives nothing.
fn timed(call: impl FnOnce(*mut *mut grl_error) -> Status) -> Timed<()> {
    let mut error = ptr::null_mut();
    let start = now();
    let status = call(&raw mut error);
    let end = now();
    let result = match status {
        Status::Ok => Ok(()),
        status => {
            // SAFETY: the error of a failed call; what is lent of it is read before it is freed.
            let detail = unsafe {
                let detail = owned(grl_error_detail(error));
                grl_error_free(error);
                detail
            };
            Err((status, detail))
        }
    };
    Timed { start, end, result }
}

impl<T> Timed<T> {
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> Timed<U> {
        Timed {
            start: self.start,
            end: self.end,
            result: self.result.map(with),
        }
    }
}

/// # Safety
/// Text that is alive.
unsafe fn owned(text: grl_str) -> String {
    if text.len == 0 {
        return String::new();
    }
    // SAFETY: passed on.
    let bytes = unsafe { std::slice::from_raw_parts(text.ptr, text.len) };
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A call that gives text away.
fn timed_text(call: impl FnOnce(*mut grl_buf, *mut *mut grl_error) -> Status) -> Timed<String> {
    let mut buf = grl_buf::default();
    let timed = timed(|error| call(&raw mut buf, error));
    timed.map(|()| {
        let lent = grl_str {
            ptr: buf.ptr,
            len: buf.len,
        };
        // SAFETY: the text of a successful call, freed once and not used again.
        unsafe {
            let text = owned(lent);
            grl_buf_free(&raw mut buf);
            text
        }
    })
}

fn timed_count(call: impl FnOnce(*mut usize, *mut *mut grl_error) -> Status) -> Timed<usize> {
    let mut count = 0;
    let timed = timed(|error| call(&raw mut count, error));
    timed.map(|()| count)
}

impl Abi {
    pub fn new(config: &str) -> Self {
        let mut engine = ptr::null_mut();
        // SAFETY: borrowed text, no host, an output.
        let opened = timed(|error| unsafe {
            grl_engine_new(str(config), ptr::null(), &raw mut engine, error)
        });
        opened.result.unwrap();
        Abi(engine)
    }

    /// Has a user sign in to what this query asks; gives the code.
    pub fn sign_in(&self, query: &str, subject: &str) -> String {
        let login = grl_login {
            size: size_of::<grl_login>(),
            subject: str(subject),
            auth_time: 0,
            acr: NOTHING,
            amr: NOTHING,
            sid: NOTHING,
            scope: ptr::null(),
            access_token_claims: NOTHING,
            id_token_claims: NOTHING,
        };
        let (mut authorization, mut response) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: as grantlet.h asks; what was given out is freed after its last use.
        let location = unsafe {
            timed(|error| grl_engine_authorize(self.0, str(query), &raw mut authorization, error))
                .result
                .unwrap();
            timed(|error| {
                grl_authorization_approve(authorization, &login, &raw mut response, error)
            })
            .result
            .unwrap();
            let location = owned(grl_http_response_header(response, str("Location")));
            grl_http_response_free(response);
            grl_authorization_free(authorization);
            location
        };
        let mut parameters = location.split(['?', '&']);
        let code = parameters.find_map(|parameter| parameter.strip_prefix("code="));
        code.unwrap().to_owned()
    }

    pub fn token(&self, form: &str) -> Timed<String> {
        // SAFETY: borrowed text, an output.
        timed_text(|json, error| unsafe {
            grl_engine_token(self.0, str(form), NOTHING, json, error)
        })
    }

    pub fn token_into(&self, form: &str, buffer: &mut [u8]) -> Timed<String> {
        let mut length = 0;
        // SAFETY: borrowed text, a buffer with its own length, an output.
        let timed = timed(|error| unsafe {
            grl_engine_token_into(
                self.0,
                str(form),
                NOTHING,
                buffer.as_mut_ptr(),
                buffer.len(),
                &raw mut length,
                error,
            )
        });
        timed.map(|()| str::from_utf8(&buffer[..length]).unwrap().to_owned())
    }

    pub fn revoke(&self, form: &str) -> Timed<()> {
        // SAFETY: borrowed text.
        timed(|error| unsafe { grl_engine_revoke(self.0, str(form), NOTHING, error) })
    }

    pub fn revoke_grant(&self, id: &str) -> Timed<usize> {
        // SAFETY: borrowed text, an output.
        timed_count(|count, error| unsafe {
            grl_engine_revoke_grant(self.0, str(id), count, error)
        })
    }

    pub fn revoke_grants(&self, subject: &str) -> Timed<usize> {
        // SAFETY: borrowed text, an output.
        timed_count(|count, error| unsafe {
            grl_engine_revoke_grants(self.0, NOTHING, str(subject), count, error)
        })
    }

    pub fn grant(&self, id: &str) -> Timed<String> {
        // SAFETY: borrowed text, an output.
        timed_text(|json, error| unsafe { grl_engine_grant(self.0, str(id), json, error) })
    }

    pub fn grants(&self, subject: &str) -> Timed<String> {
        // SAFETY: borrowed text, an output.
        timed_text(|json, error| unsafe {
            grl_engine_grants(self.0, NOTHING, str(subject), json, error)
        })
    }

    pub fn verify(&self, token: &str, audience: &str) -> Timed<String> {
        // SAFETY: borrowed text, an output.
        timed_text(|json, error| unsafe {
            grl_engine_verify(self.0, str(token), str(audience), NOTHING, json, error)
        })
    }

    pub fn introspect(&self, form: &str) -> Timed<String> {
        // SAFETY: borrowed text, an output.
        timed_text(|json, error| unsafe {
            grl_engine_introspect(self.0, str(form), NOTHING, json, error)
        })
    }

    pub fn sweep(&self, limit: usize) -> Timed<usize> {
        // SAFETY: an output.
        timed_count(|count, error| unsafe { grl_engine_sweep(self.0, limit, count, error) })
    }

    pub fn rotate_keys(&self) -> Timed<()> {
        // SAFETY: a live engine.
        timed(|error| unsafe { grl_engine_rotate_keys(self.0, error) })
    }
}

impl Drop for Abi {
    fn drop(&mut self) {
        // SAFETY: ours, and not used again.
        unsafe { grl_engine_free(self.0) };
    }
}
