//! The authorization response (RFC 6749 §4.1.2): the host's answer to a pending request, on its way
//! to the client.
//!
//! An approval makes the grant and its code; a denial changes nothing. Knows no HTTP: the host sends
//! the redirect, or the page.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::config::limits::{
    MAX_EXTRA_CLAIMS_BYTES, MAX_EXTRA_CLAIMS_DEPTH, MAX_LOGIN_BYTES, MAX_SUBJECT_BYTES,
};
use crate::endpoint::Context;
use crate::endpoint::authorize::{PendingAuthorization, Prompt, ReplyTo, ResponseMode};
use crate::error::{Error, Result, Status};
use crate::event::EventKind;
use crate::grant::{Code, Credential, Details, Grant, Kind, Terms};
use crate::jose::claims::RESERVED;
use crate::scope::{OFFLINE_ACCESS, Scope};
use crate::secret::SecretText;
use crate::store::{Key, Record};

/// Who signed in, how, and what they consented to: the host's word.
///
/// ```
/// # use grantlet::Login;
/// let login = Login::new("user-1").acr("urn:example:loa:2").amr(["pwd", "otp"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Login {
    /// The user: `sub`. Never empty, the same for the same user for ever, at most 255 bytes
    /// (OIDC Core §2).
    pub subject: String,
    /// When the user authenticated, in seconds since 1970; needed where `max_age` is asked.
    pub auth_time: Option<u64>,
    /// How strongly.
    pub acr: Option<String>,
    /// By which methods (RFC 8176).
    pub amr: Vec<String>,
    /// The host's session.
    pub sid: Option<String>,
    /// The scope tokens consented to; `None`: all that were asked for.
    pub scope: Option<Vec<String>>,
    /// Added to each access token; may not redefine a claim of the engine's.
    pub access_token_claims: Map<String, Value>,
    /// Added to each ID token; may not redefine a claim of the engine's.
    pub id_token_claims: Map<String, Value>,
}

impl Login {
    /// This user consented to all that was asked for.
    pub fn new(subject: impl Into<String>) -> Self {
        Login {
            subject: subject.into(),
            ..Login::default()
        }
    }

    /// Says when the user authenticated, in seconds since 1970.
    #[must_use]
    pub fn auth_time(mut self, secs: u64) -> Self {
        self.auth_time = Some(secs);
        self
    }

    /// Says how strongly the user authenticated.
    #[must_use]
    pub fn acr(mut self, acr: impl Into<String>) -> Self {
        self.acr = Some(acr.into());
        self
    }

    /// Says by which methods the user authenticated.
    #[must_use]
    pub fn amr<S: Into<String>>(mut self, amr: impl IntoIterator<Item = S>) -> Self {
        self.amr = amr.into_iter().map(Into::into).collect();
        self
    }

    /// Names the host's session.
    #[must_use]
    pub fn sid(mut self, sid: impl Into<String>) -> Self {
        self.sid = Some(sid.into());
        self
    }

    /// Says which of the scope tokens the user consented to.
    #[must_use]
    pub fn scope<S: Into<String>>(mut self, tokens: impl IntoIterator<Item = S>) -> Self {
        self.scope = Some(tokens.into_iter().map(Into::into).collect());
        self
    }

    /// Adds a claim to each access token.
    #[must_use]
    pub fn access_token_claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.access_token_claims.insert(name.into(), value.into());
        self
    }

    /// Adds a claim to each ID token.
    #[must_use]
    pub fn id_token_claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.id_token_claims.insert(name.into(), value.into());
        self
    }
}

/// Why the host says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Denial {
    /// The user, or the host's rules, refused.
    AccessDenied,
    /// `prompt=none`, and the user is not signed in.
    LoginRequired,
    /// `prompt=none`, and the user has not consented.
    ConsentRequired,
    /// `prompt=none`, and the user must be asked something else.
    InteractionRequired,
    /// `prompt=none`, and the user must choose an account.
    AccountSelectionRequired,
    /// The `acr_values` asked for cannot be met.
    UnmetAuthenticationRequirements,
    /// The host cannot sign anybody in at the moment.
    TemporarilyUnavailable,
    /// The host failed.
    ServerError,
}

impl Denial {
    fn error(self) -> Error {
        let (status, description) = match self {
            Denial::AccessDenied => (Status::AccessDenied, "the user refused"),
            Denial::LoginRequired => (Status::LoginRequired, "the user is not signed in"),
            Denial::ConsentRequired => (Status::ConsentRequired, "the user has not consented"),
            Denial::InteractionRequired => (
                Status::InteractionRequired,
                "the user must be asked something",
            ),
            Denial::AccountSelectionRequired => (
                Status::AccountSelectionRequired,
                "the user must choose an account",
            ),
            Denial::UnmetAuthenticationRequirements => (
                Status::UnmetAuthenticationRequirements,
                "the user cannot authenticate in the way asked for",
            ),
            Denial::TemporarilyUnavailable => (
                Status::TemporarilyUnavailable,
                "sign-in is unavailable; try later",
            ),
            Denial::ServerError => (Status::ServerError, "sign-in failed"),
        };
        Error::new(status, description)
    }
}

/// What the host sends to the user's browser.
#[derive(Clone, PartialEq, Eq)]
pub enum AuthorizationResponse {
    /// A redirect: 303 (or 302) with this `Location`. Sent with `Referrer-Policy: no-referrer`.
    Redirect {
        /// The client's redirect URI with the answer in it.
        location: String,
    },
    /// A page (200, `text/html; charset=utf-8`) that posts the answer to the client.
    FormPost {
        /// The page.
        html: String,
    },
}

impl std::fmt::Debug for AuthorizationResponse {
    /// Hides the text: a code is in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            AuthorizationResponse::Redirect { .. } => "Redirect { .. }",
            AuthorizationResponse::FormPost { .. } => "FormPost { .. }",
        })
    }
}

impl AuthorizationResponse {
    /// The redirect's `Location`, if it is a redirect.
    pub fn location(&self) -> Option<&str> {
        match self {
            AuthorizationResponse::Redirect { location } => Some(location),
            AuthorizationResponse::FormPost { .. } => None,
        }
    }

    /// An error for the client.
    pub(crate) fn error(ctx: &Context, reply_to: &ReplyTo<'_>, error: &Error) -> Self {
        let code = [
            ("error", error.oauth_code()),
            ("error_description", error.description()),
        ];
        AuthorizationResponse::new(ctx, reply_to, &code)
    }

    /// `answer`, with `state` and `iss` (RFC 9207 §2: on success and on error).
    fn new(ctx: &Context, reply_to: &ReplyTo<'_>, answer: &[(&str, &str)]) -> Self {
        let mut answer = answer.to_vec();
        answer.extend(reply_to.state.map(|state| ("state", state)));
        answer.push(("iss", ctx.issuer.as_str()));
        let uri = reply_to.redirect_uri;
        match reply_to.response_mode {
            ResponseMode::Query => {
                let separator = if !uri.contains('?') {
                    "?"
                } else if uri.ends_with(['?', '&']) {
                    ""
                } else {
                    "&"
                };
                AuthorizationResponse::Redirect {
                    location: format!("{uri}{separator}{}", encode(&answer)),
                }
            }
            ResponseMode::Fragment => AuthorizationResponse::Redirect {
                location: format!("{uri}#{}", encode(&answer)),
            },
            ResponseMode::FormPost => AuthorizationResponse::FormPost {
                html: form_post(uri, &answer),
            },
        }
    }
}

/// Approves. See `Engine::approve`.
pub(crate) fn approve(
    ctx: &Context,
    pending: &PendingAuthorization,
    login: &Login,
) -> Result<AuthorizationResponse> {
    let now = ctx.now()?;
    let registry = ctx.registry()?;
    let request = &pending.request;
    check_login(pending, login, now)?;
    let scope = consented_scope(&request.scope, login)?;
    let offline = scope.contains(OFFLINE_ACCESS);
    let terms = Terms {
        client_id: request.client_id.as_str().into(),
        audience: request
            .audience
            .iter()
            .map(|audience| audience.as_str().into())
            .collect(),
        scope,
    };
    let details = Details {
        acr: login.acr.as_deref().map(Into::into),
        amr: login
            .amr
            .iter()
            .map(|method| method.as_str().into())
            .collect(),
        sid: login.sid.as_deref().map(Into::into),
        access_token_claims: login.access_token_claims.clone(),
        id_token_claims: login.id_token_claims.clone(),
        code: Some(Code {
            redirect_uri: request.redirect_uri.as_str().into(),
            redirect_uri_was_sent: pending.redirect_uri_was_sent,
            code_challenge: pending.code_challenge,
            nonce: pending.nonce.as_deref().map(Into::into),
        }),
    };
    let grant = Grant::approved(
        Arc::new(terms),
        login.subject.as_str().into(),
        login.auth_time.map(Timestamp::from_secs),
        details,
        offline,
        now,
        now.plus(ctx.defaults.authorization_code_lifetime),
    );
    let terms = Arc::clone(&grant.terms);
    let key = pending.answer(|| insert(ctx, grant))?;
    ctx.event(|| EventKind::CodeIssued {
        grant_id: key.to_string(),
        client_id: &terms.client_id,
        subject: &login.subject,
        scope: terms.scope.as_str(),
    });
    let code = Credential {
        kind: Kind::Code,
        grant: key,
        generation: 0,
    };
    let code: SecretText = registry.token_keys.write(code);
    Ok(AuthorizationResponse::new(
        ctx,
        &reply_to(pending),
        &[("code", &code)],
    ))
}

/// Stores a new grant under an id of its own.
fn insert(ctx: &Context, grant: Grant) -> Result<Key> {
    let key = Key::new(ctx.random.bytes()?);
    match ctx.store.insert(&key, Record::Grant(grant))? {
        true => Ok(key),
        false => Err(Error::server(
            "the random source repeats itself: the grant's id is taken",
        )),
    }
}

impl PendingAuthorization {
    /// Lets `answer` happen once; if it fails, another may follow.
    fn answer<T>(&self, answer: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.answered.swap(true, Ordering::SeqCst) {
            return Err(Error::new(
                Status::UsageAnswered,
                "the authorization was answered already",
            ));
        }
        answer().inspect_err(|_| self.answered.store(false, Ordering::SeqCst))
    }
}

/// Denies. See `Engine::deny`.
pub(crate) fn deny(
    ctx: &Context,
    pending: &PendingAuthorization,
    denial: Denial,
) -> AuthorizationResponse {
    let error = ctx.refused(
        "authorize",
        Some(&pending.request.client_id),
        denial.error(),
    );
    AuthorizationResponse::error(ctx, &reply_to(pending), &error)
}

fn reply_to(pending: &PendingAuthorization) -> ReplyTo<'_> {
    ReplyTo {
        redirect_uri: &pending.request.redirect_uri,
        response_mode: pending.request.response_mode,
        state: pending.request.state.as_deref(),
    }
}

fn check_login(pending: &PendingAuthorization, login: &Login, now: Timestamp) -> Result<()> {
    let usage = |what: String| Err(Error::new(Status::Usage, what));
    let request = &pending.request;
    let subject = &login.subject;
    if subject.is_empty() || subject.len() > MAX_SUBJECT_BYTES || subject.contains('\0') {
        return usage(format!(
            "the login's subject must have 1 to {MAX_SUBJECT_BYTES} bytes"
        ));
    }
    let size = login.acr.as_ref().map_or(0, String::len)
        + login.sid.as_ref().map_or(0, String::len)
        + login.amr.iter().map(String::len).sum::<usize>();
    if size > MAX_LOGIN_BYTES {
        return usage(format!(
            "the login's acr, amr and sid have more than {MAX_LOGIN_BYTES} bytes"
        ));
    }
    let login_required = |what| Err(Error::new(Status::LoginRequired, what));
    if request
        .required_subject
        .as_ref()
        .is_some_and(|required| required != subject)
    {
        return login_required("the request names another user");
    }
    let before_request = login
        .auth_time
        .is_some_and(|at| Timestamp::from_secs(at) < pending.requested_at);
    // OIDC Core §3.1.2.1: «The Authorization Server SHOULD prompt the End-User for reauthentication.»
    if request.prompt.contains(&Prompt::Login) && before_request {
        return login_required("the request asks for prompt=login: the user must sign in again");
    }
    match (login.auth_time, request.max_age) {
        (None, Some(_)) => {
            return usage("the request asks for max_age: the login must say its auth_time".into());
        }
        (None, None) if pending.require_auth_time => {
            return usage("the client requires auth_time: the login must say it".into());
        }
        // OIDC Core §3.1.2.1: older, and the user must be authenticated again. Who signed in for this
        // very request is never too old, however long the rest of it took.
        (Some(at), Some(max_age))
            if before_request && now.since(Timestamp::from_secs(at)) > max_age =>
        {
            return login_required("the login is older than the max_age asked for");
        }
        _ => {}
    }
    for claims in [&login.access_token_claims, &login.id_token_claims] {
        if let Some(name) = claims.keys().find(|name| RESERVED.contains(&name.as_str())) {
            return usage(format!("the login may not set the claim '{name}'"));
        }
        if serde_json::to_vec(claims).map_or(usize::MAX, |json| json.len()) > MAX_EXTRA_CLAIMS_BYTES
        {
            return usage(format!(
                "the login's claims have more than {MAX_EXTRA_CLAIMS_BYTES} bytes as JSON"
            ));
        }
        // A store has to read them again, and JSON readers go only so deep.
        if !claims
            .values()
            .all(|value| is_within(value, MAX_EXTRA_CLAIMS_DEPTH))
        {
            return usage(format!(
                "the login's claims lie more than {MAX_EXTRA_CLAIMS_DEPTH} deep in each other"
            ));
        }
    }
    Ok(())
}

/// Whether what `value` holds lies no more than so deep.
fn is_within(value: &Value, depth: usize) -> bool {
    match (value, depth.checked_sub(1)) {
        (Value::Array(items), Some(left)) => items.iter().all(|item| is_within(item, left)),
        (Value::Object(members), Some(left)) => {
            members.values().all(|member| is_within(member, left))
        }
        (Value::Array(_) | Value::Object(_), None) => false,
        _ => true,
    }
}

fn consented_scope(requested: &Scope, login: &Login) -> Result<Scope> {
    let Some(tokens) = &login.scope else {
        return Ok(requested.clone());
    };
    let consented = Scope::parse(&tokens.join(" "))?;
    match consented.first_outside(requested) {
        Some(token) => Err(Error::new(
            Status::Usage,
            format!("the login consents to '{token}', which was not asked for"),
        )),
        None => Ok(consented),
    }
}

/// Everything but RFC 3986's unreserved characters. A space becomes %20, not +: the URL parsers of
/// native platforms (`URLComponents`) do not undo a +.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn encode(answer: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in answer {
        let separator = if text.is_empty() { "" } else { "&" };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{separator}{name}={}",
            utf8_percent_encode(value, ENCODED)
        );
    }
    text
}

/// OAuth 2.0 Form Post Response Mode §2. Works without a script: then the user presses the button.
fn form_post(action: &str, answer: &[(&str, &str)]) -> String {
    let mut inputs = String::new();
    for (name, value) in answer {
        let _ = write!(
            inputs,
            "<input type=\"hidden\" name=\"{name}\" value=\"{}\"/>",
            escape(value)
        );
    }
    format!(
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"/><meta name=\"referrer\" content=\"no-referrer\"/>\
         <title>Submit This Form</title></head>\
         <body onload=\"javascript:document.forms[0].submit()\"><form method=\"post\" action=\"{}\">{inputs}\
         <noscript><button type=\"submit\">Continue</button></noscript></form></body></html>",
        escape(action)
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
