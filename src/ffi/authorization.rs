//! `grl_authorization`: a valid request that waits for the host's answer.

use serde_json::{Map, Value};

use crate::endpoint::approve::{AuthorizationResponse, Denial, Login};
use crate::endpoint::authorize::PendingAuthorization;
use crate::engine::Engine;
use crate::error::{Error, Result, Status};
use crate::ffi::engine::grl_engine;
use crate::ffi::error::grl_error;
use crate::ffi::guard::{ErrorOut, Failure, guard};
use crate::ffi::http::grl_http_response;
use crate::ffi::types::{Out, free_shared, give, give_shared, grl_str, read, shared, sized};
use crate::http;

/// A valid authorization request, which waits for a user: approve or deny it, then free it.
///
/// Ownership: yours; free it with grl_authorization_free. It may outlive the engine's handle.
/// Threads: never changes; any number may use it. Only one approval of it succeeds.
pub struct grl_authorization {
    engine: Engine,
    pending: PendingAuthorization,
    request: String,
}

impl grl_authorization {
    pub(super) fn give(engine: Engine, pending: PendingAuthorization) -> Result<*mut Self> {
        let request = serde_json::to_string(pending.request()).map_err(Error::server)?;
        Ok(give_shared(grl_authorization {
            engine,
            pending,
            request,
        }))
    }
}

/// Who signed in, how, and what they consented to: your word. Begin with GRL_LOGIN_INIT, set `subject`.
#[repr(C)]
pub struct grl_login {
    /// sizeof(grl_login).
    pub size: usize,
    /// The user: `sub`. The same for the same user for ever; 1 to 255 bytes.
    pub subject: grl_str,
    /// When the user authenticated, in seconds since 1970; 0 where that is not known. A request with
    /// `max_age` needs it.
    pub auth_time: u64,
    /// How strongly the user authenticated, or empty.
    pub acr: grl_str,
    /// By which methods (RFC 8176), separated by spaces, or empty.
    pub amr: grl_str,
    /// Your session, or empty.
    pub sid: grl_str,
    /// The scope consented to, separated by spaces; NULL means all that was asked for.
    pub scope: *const grl_str,
    /// A JSON object of claims for each access token, or empty.
    pub access_token_claims: grl_str,
    /// A JSON object of claims for each ID token, or empty.
    pub id_token_claims: grl_str,
}

/// Validates an authorization request: the query of `GET /authorize`, or the form that was posted there.
///
/// Ownership: `authorization` is yours.
/// State: changes nothing.
/// Errors: those of RFC 6749 §4.1.2.1 and OIDC Core §3.1.2.6; grl_error_redirect says whether the
/// client may be told.
/// Spec: RFC 6749 §4.1.1, RFC 7636, RFC 8707, OIDC Core §3.1.2.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_authorize(
    engine: *const grl_engine,
    query: grl_str,
    authorization: *mut *mut grl_authorization,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: NULL or writable, by contract.
    let error = unsafe { ErrorOut::new(error) };
    guard(error, || {
        // SAFETY: NULL or writable, by contract.
        let out = unsafe { Out::new(authorization, "authorization") }?;
        // SAFETY: NULL or what their types say, by contract.
        let (engine, query) = unsafe { (shared(engine, "engine")?, query.text("query")?) };
        let pending = engine.0.authorize(query)?;
        out.set(grl_authorization::give(engine.0.clone(), pending)?);
        Ok(())
    })
}

/// Gives what the client asked, a JSON object for your sign-in and consent page: `client_id`,
/// `client_name`, `redirect_uri`, `scope`, `scopes` (with descriptions), `offline_access`, `audience`,
/// `prompt`, `max_age`, `login_hint`, `ui_locales`, `acr_values`, `claims`, …
///
/// Ownership: the authorization's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_authorization_request(
    authorization: *const grl_authorization,
) -> grl_str {
    // SAFETY: NULL or an authorization, by contract.
    unsafe {
        read(authorization, grl_str::EMPTY, |authorization| {
            Some(grl_str::lend(&authorization.request))
        })
    }
}

/// Makes the grant and its code: this user signed in and consented.
///
/// `response` takes the code to the client: a redirect, or a page that posts itself where the client
/// asked for that. Send it, or open its `Location` yourself (grl_http_response_header).
///
/// Ownership: `response` is yours.
/// State: stores a grant; on error nothing, and a better login may follow.
/// Errors: GRL_USAGE where the login lacks what was asked; GRL_LOGIN_REQUIRED where it is too old, or
/// another user's than the client named; GRL_USAGE_ANSWERED the second time.
/// Spec: RFC 6749 §4.1.2, RFC 9207.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_authorization_approve(
    authorization: *const grl_authorization,
    login: *const grl_login,
    response: *mut *mut grl_http_response,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe {
        answer(authorization, response, error, |this| {
            let login = read_login(login)?;
            this.engine.approve(&this.pending, &login)
        })
    }
}

/// Says no. `denial` is why: GRL_ACCESS_DENIED, GRL_LOGIN_REQUIRED, GRL_CONSENT_REQUIRED,
/// GRL_INTERACTION_REQUIRED, GRL_ACCOUNT_SELECTION_REQUIRED, GRL_UNMET_AUTHENTICATION_REQUIREMENTS,
/// GRL_TEMPORARILY_UNAVAILABLE or GRL_SERVER_ERROR.
///
/// `response` takes the error to the client, as in grl_authorization_approve.
///
/// Ownership: `response` is yours.
/// State: changes nothing.
/// Errors: GRL_USAGE for any other `denial`.
/// Spec: RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_authorization_deny(
    authorization: *const grl_authorization,
    denial: i32,
    response: *mut *mut grl_http_response,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe {
        answer(authorization, response, error, |this| {
            Ok(this.engine.deny(&this.pending, read_denial(denial)?))
        })
    }
}

/// Frees an authorization, answered or not; NULL is fine. Within a callback too, as an engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_authorization_free(authorization: *mut grl_authorization) {
    // SAFETY: NULL or an authorization that was not freed, by contract.
    unsafe { free_shared(authorization) }
}

/// What approving and denying share.
///
/// # Safety
/// The contract of the module.
unsafe fn answer(
    authorization: *const grl_authorization,
    response: *mut *mut grl_http_response,
    error: *mut *mut grl_error,
    body: impl FnOnce(&grl_authorization) -> Result<AuthorizationResponse>,
) -> Status {
    // SAFETY: passed on.
    let error = unsafe { ErrorOut::new(error) };
    guard(error, || -> Result<(), Failure> {
        // SAFETY: passed on.
        let out = unsafe { Out::new(response, "response") }?;
        // SAFETY: passed on.
        let authorization = unsafe { shared(authorization, "authorization") }?;
        let response = http::Response::from(body(&authorization)?);
        out.set(give(grl_http_response::from(response)));
        Ok(())
    })
}

/// # Safety
/// The contract of the module.
unsafe fn read_login(login: *const grl_login) -> Result<Login> {
    // SAFETY: passed on.
    let login = unsafe { sized(login, "login") }?;
    let text = |text: grl_str, name| {
        // SAFETY: passed on.
        unsafe { text.text_if_any(name) }.map(|text| text.map(str::to_owned))
    };
    let words = |words: String| {
        words
            .split(' ')
            .filter(|w| !w.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let scope = match login.scope.is_null() {
        true => None,
        // SAFETY: not NULL, by contract a grl_str.
        false => Some(text(unsafe { *login.scope }, "login.scope")?.unwrap_or_default()),
    };
    Ok(Login {
        subject: text(login.subject, "login.subject")?.unwrap_or_default(),
        auth_time: Some(login.auth_time).filter(|&secs| secs != 0),
        acr: text(login.acr, "login.acr")?,
        amr: words(text(login.amr, "login.amr")?.unwrap_or_default()),
        sid: text(login.sid, "login.sid")?,
        scope: scope.map(words),
        access_token_claims: claims(
            text(login.access_token_claims, "login.access_token_claims")?,
            "login.access_token_claims",
        )?,
        id_token_claims: claims(
            text(login.id_token_claims, "login.id_token_claims")?,
            "login.id_token_claims",
        )?,
    })
}

fn claims(json: Option<String>, name: &str) -> Result<Map<String, Value>> {
    let Some(json) = json else {
        return Ok(Map::new());
    };
    serde_json::from_str(&json)
        .map_err(|_| Error::new(Status::Usage, format!("'{name}' is not a JSON object")))
}

/// A denial goes by the status of the error that it sends.
fn read_denial(status: i32) -> Result<Denial> {
    let denials = [
        (Status::AccessDenied, Denial::AccessDenied),
        (Status::LoginRequired, Denial::LoginRequired),
        (Status::ConsentRequired, Denial::ConsentRequired),
        (Status::InteractionRequired, Denial::InteractionRequired),
        (
            Status::AccountSelectionRequired,
            Denial::AccountSelectionRequired,
        ),
        (
            Status::UnmetAuthenticationRequirements,
            Denial::UnmetAuthenticationRequirements,
        ),
        (
            Status::TemporarilyUnavailable,
            Denial::TemporarilyUnavailable,
        ),
        (Status::ServerError, Denial::ServerError),
    ];
    let found = denials
        .into_iter()
        .find(|(known, _)| known.code() == status);
    found.map(|(_, denial)| denial).ok_or_else(|| {
        Error::new(
            Status::Usage,
            "this status is no reason to deny an authorization",
        )
    })
}
