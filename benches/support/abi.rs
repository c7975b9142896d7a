//! The same fleet through the C ABI: declared here as a C program sees it, so that nothing of the Rust
//! interface is in the way.
#![allow(unsafe_code, non_camel_case_types)]

use std::ffi::c_void;
use std::ptr;

use super::{Fleet, Server, config, login_time, refresh_form, replace, subject};
use grantlet::Algorithm;

#[derive(Clone, Copy)]
#[repr(C)]
pub struct grl_str {
    ptr: *const u8,
    len: usize,
}

#[repr(C)]
struct grl_login {
    size: usize,
    subject: grl_str,
    auth_time: u64,
    acr: grl_str,
    amr: grl_str,
    sid: grl_str,
    scope: *const grl_str,
    access_token_claims: grl_str,
    id_token_claims: grl_str,
}

unsafe extern "C" {
    fn grl_engine_new(
        config: grl_str,
        host: *const c_void,
        engine: *mut *mut c_void,
        error: *mut *mut c_void,
    ) -> i32;
    fn grl_engine_free(engine: *mut c_void);
    fn grl_engine_authorize(
        engine: *const c_void,
        query: grl_str,
        authorization: *mut *mut c_void,
        error: *mut *mut c_void,
    ) -> i32;
    fn grl_authorization_approve(
        authorization: *const c_void,
        login: *const grl_login,
        response: *mut *mut c_void,
        error: *mut *mut c_void,
    ) -> i32;
    fn grl_authorization_free(authorization: *mut c_void);
    fn grl_http_response_header(response: *const c_void, name: grl_str) -> grl_str;
    fn grl_http_response_free(response: *mut c_void);
    fn grl_engine_token_into(
        engine: *const c_void,
        form: grl_str,
        authorization: grl_str,
        buffer: *mut u8,
        capacity: usize,
        length: *mut usize,
        error: *mut *mut c_void,
    ) -> i32;
}

impl grl_str {
    fn of(text: &str) -> Self {
        grl_str {
            ptr: text.as_ptr(),
            len: text.len(),
        }
    }
}

const EMPTY: grl_str = grl_str {
    ptr: ptr::null(),
    len: 0,
};

/// An engine behind the C ABI.
pub struct Abi {
    engine: *mut c_void,
    buffer: Box<[u8; 4096]>,
}

impl Server for Abi {
    fn refresh(&mut self, form: &mut String) -> usize {
        let refresh_token = self.post(form);
        replace(form, refresh_token)
    }
}

impl Abi {
    /// Live grants in an engine of their own.
    pub fn fleet(grants: usize, scope: &str) -> Fleet<Self> {
        let config = config(Algorithm::ES256).to_string();
        let mut engine = ptr::null_mut();
        // SAFETY: as grantlet.h asks: borrowed text, no host, an output, no error wanted.
        let status = unsafe {
            grl_engine_new(
                grl_str::of(&config),
                ptr::null(),
                &mut engine,
                ptr::null_mut(),
            )
        };
        assert_eq!(status, 0);
        let mut abi = Abi {
            engine,
            buffer: Box::new([0; 4096]),
        };
        let mut forms = Vec::new();
        for n in 0..grants {
            let form = abi.code_form(n, scope);
            forms.push(refresh_form(n, abi.post(&form)));
        }
        Fleet::of(abi, forms)
    }

    /// Posts to the token endpoint; gives the refresh token of the answer.
    fn post(&mut self, form: &str) -> &str {
        let mut length = 0;
        // SAFETY: as grantlet.h asks; the buffer has the capacity that is told.
        let status = unsafe {
            grl_engine_token_into(
                self.engine,
                grl_str::of(form),
                EMPTY,
                self.buffer.as_mut_ptr(),
                self.buffer.len(),
                &mut length,
                ptr::null_mut(),
            )
        };
        assert_eq!(status, 0);
        let answer = std::str::from_utf8(&self.buffer[..length]).unwrap();
        let (_, rest) = answer.split_once("\"refresh_token\":\"").unwrap();
        rest.split_once('"').unwrap().0
    }

    fn code_form(&self, n: usize, scope: &str) -> String {
        let (query, subject) = (super::query(n, scope), subject(n));
        let login = grl_login {
            size: size_of::<grl_login>(),
            subject: grl_str::of(&subject),
            auth_time: login_time(),
            acr: EMPTY,
            amr: EMPTY,
            sid: EMPTY,
            scope: ptr::null(),
            access_token_claims: EMPTY,
            id_token_claims: EMPTY,
        };
        let (mut authorization, mut response) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: as grantlet.h asks; what was given out is freed, after its last use.
        unsafe {
            let query = grl_str::of(&query);
            assert_eq!(
                grl_engine_authorize(self.engine, query, &mut authorization, ptr::null_mut()),
                0
            );
            assert_eq!(
                grl_authorization_approve(authorization, &login, &mut response, ptr::null_mut()),
                0
            );
            let location = grl_http_response_header(response, grl_str::of("Location"));
            let location = std::slice::from_raw_parts(location.ptr, location.len).to_vec();
            grl_http_response_free(response);
            grl_authorization_free(authorization);
            super::redeem_form(n, std::str::from_utf8(&location).unwrap())
        }
    }
}

impl Drop for Abi {
    fn drop(&mut self) {
        // SAFETY: the engine is ours and is not used again.
        unsafe { grl_engine_free(self.engine) };
    }
}
