//! What went wrong, told to three readers: the client (an OAuth `error` and `error_description`),
//! the host (a [`Status`]) and the log (a detail).
//!
//! Knows the error codes of the specifications and nothing about any endpoint. Never holds a
//! token, a secret or anything else that a log must not see.

use std::borrow::Cow;
use std::fmt;

/// The result of every fallible call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The outcome of a call. The low byte is the [`Class`] that a caller acts on, the higher bits
/// are the reason within it. Numbers are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum Status {
    /// The call did what it was asked to.
    Ok = 0,

    /// The request is malformed (RFC 6749 §4.1.2.1, §5.2).
    InvalidRequest = 1,
    /// A required parameter is missing or empty (RFC 6749 §3.1).
    InvalidRequestMissing = 1 | (1 << 8),
    /// A parameter is present more than once (RFC 6749 §3.1).
    InvalidRequestRepeated = 1 | (2 << 8),
    /// The `redirect_uri` is missing, malformed or not registered; it must not be redirected to
    /// (RFC 6749 §4.1.2.1).
    InvalidRequestRedirectUri = 1 | (3 << 8),
    /// The `code_challenge`, its method or the `code_verifier` is missing or malformed (RFC 7636).
    InvalidRequestPkce = 1 | (4 << 8),
    /// The request is larger than the engine accepts.
    InvalidRequestTooLarge = 1 | (5 << 8),
    /// The HTTP method is not one of this endpoint's.
    InvalidRequestMethod = 1 | (6 << 8),
    /// The `Content-Type` is not the one that this endpoint takes.
    InvalidRequestContentType = 1 | (7 << 8),
    /// No endpoint has this path.
    InvalidRequestPath = 1 | (8 << 8),

    /// Client authentication failed (RFC 6749 §5.2).
    InvalidClient = 2,
    /// No client has this `client_id`.
    InvalidClientUnknown = 2 | (1 << 8),
    /// The client's secret is wrong.
    InvalidClientSecret = 2 | (2 << 8),
    /// The client did not use the authentication method that it is registered for.
    InvalidClientMethod = 2 | (3 << 8),
    /// The request carries no client authentication.
    InvalidClientMissing = 2 | (4 << 8),

    /// The code or refresh token is not valid (RFC 6749 §5.2).
    InvalidGrant = 3,
    /// The text is no credential of this engine: mangled, forged or made under another key.
    InvalidGrantMalformed = 3 | (1 << 8),
    /// The store holds no such grant; it expired and was swept, or belongs to another store.
    InvalidGrantUnknown = 3 | (2 << 8),
    /// A spent code or refresh token came back outside its leeway; the grant is now revoked.
    InvalidGrantReused = 3 | (3 << 8),
    /// The code or grant is past its absolute lifetime.
    InvalidGrantExpired = 3 | (4 << 8),
    /// The grant was not used for longer than its idle lifetime.
    InvalidGrantIdle = 3 | (5 << 8),
    /// The grant was revoked.
    InvalidGrantRevoked = 3 | (6 << 8),
    /// The credential was issued to another client.
    InvalidGrantWrongClient = 3 | (7 << 8),
    /// The credential is newer than the store: the store was restored from a backup.
    InvalidGrantAhead = 3 | (8 << 8),
    /// The `redirect_uri` is not the one of the authorization request (RFC 6749 §4.1.3).
    InvalidGrantRedirectUri = 3 | (9 << 8),
    /// The `code_verifier` does not match the challenge (RFC 7636 §4.6).
    InvalidGrantVerifier = 3 | (10 << 8),

    /// The client may not use this grant or response type (RFC 6749 §5.2).
    UnauthorizedClient = 4,
    /// The `grant_type` is not supported (RFC 6749 §5.2).
    UnsupportedGrantType = 5,
    /// The scope is malformed, or more than was granted (RFC 6749 §5.2, §6).
    InvalidScope = 6,
    /// The `audience` or `resource` names no known API, or one outside the grant (RFC 8707 §2).
    InvalidTarget = 7,
    /// The user or the host refused (RFC 6749 §4.1.2.1).
    AccessDenied = 8,
    /// The `response_type` is not `code` (RFC 6749 §4.1.2.1).
    UnsupportedResponseType = 9,
    /// `prompt=none`, and the user is not signed in (OIDC Core §3.1.2.6).
    LoginRequired = 10,
    /// `prompt=none`, and the user's consent is needed (OIDC Core §3.1.2.6).
    ConsentRequired = 11,
    /// `prompt=none`, and the user must be asked something (OIDC Core §3.1.2.6).
    InteractionRequired = 12,
    /// `prompt=none`, and the user must choose an account (OIDC Core §3.1.2.6).
    AccountSelectionRequired = 13,
    /// The `acr_values` or `max_age` asked for cannot be met (OIDC Unmet Authentication
    /// Requirements 1.0).
    UnmetAuthenticationRequirements = 14,
    /// The `request` parameter is not supported (OIDC Core §6.1).
    RequestNotSupported = 15,
    /// The `request_uri` parameter is not supported (OIDC Core §6.2).
    RequestUriNotSupported = 16,
    /// The `registration` parameter is not supported (OIDC Core §7.2.1).
    RegistrationNotSupported = 17,

    /// The access token is missing, malformed, expired, revoked or for someone else (RFC 6750 §3.1).
    InvalidToken = 18,
    /// The access token is past its `exp`.
    InvalidTokenExpired = 18 | (1 << 8),
    /// The access token, or the grant that it came from, was revoked.
    InvalidTokenRevoked = 18 | (2 << 8),
    /// The access token is for another audience.
    InvalidTokenAudience = 18 | (3 << 8),
    /// The signature does not verify, or is not one of this engine's keys'.
    InvalidTokenSignature = 18 | (4 << 8),
    /// The request carries no access token (RFC 6750 §3: a challenge without an error code).
    InvalidTokenMissing = 18 | (5 << 8),
    /// The access token lacks a scope (RFC 6750 §3.1).
    InsufficientScope = 19,

    /// The engine, its store, its signer or its clock failed; nothing was issued.
    ServerError = 20,
    /// The same call may succeed later.
    TemporarilyUnavailable = 21,

    /// The configuration, or a client's or API's metadata, is not valid. Nothing was changed.
    Config = 64,
    /// A configuration key is unknown.
    ConfigUnknownKey = 64 | (1 << 8),
    /// Key material is not usable.
    ConfigKey = 64 | (2 << 8),
    /// The host called in a way that the contract rules out.
    Usage = 65,
    /// A required pointer is NULL.
    UsageNull = 65 | (1 << 8),
    /// Text is not UTF-8.
    UsageUtf8 = 65 | (2 << 8),
    /// The authorization was answered already.
    UsageAnswered = 65 | (3 << 8),
    /// A struct's `size` is not one that this library knows.
    UsageSize = 65 | (4 << 8),
    /// Nothing has this name or id.
    NotFound = 66,
    /// The buffer is too small; the needed length was written. Nothing was changed.
    BufferTooSmall = 67,
    /// The engine has a defect: it panicked, and the panic was stopped at the boundary.
    Panic = 68,

    /// The store cannot be used as it is; the host or its operator has to mend something.
    Store = 69,
    /// The disk, or what the store may use of it, is full. What was asked was not done.
    StoreFull = 69 | (1 << 8),
    /// The store's file or folder cannot be opened for writing.
    StoreReadOnly = 69 | (2 << 8),
    /// The store is damaged: restore a backup.
    StoreCorrupt = 69 | (3 << 8),
    /// The store was written by a later version of this library.
    StoreNewer = 69 | (4 << 8),
    /// The store's file is something else; it was left as it is.
    StoreForeign = 69 | (5 << 8),
    /// The store has no such operation.
    StoreUnsupported = 69 | (6 << 8),
    /// The store's keys are sealed, and the host's sealing key is not the one, or is missing.
    StoreSealed = 69 | (7 << 8),
}

/// What a caller acts on: the OAuth error code, or the side that has to mend something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
#[non_exhaustive]
pub enum Class {
    Ok,
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    InvalidScope,
    InvalidTarget,
    AccessDenied,
    UnsupportedResponseType,
    LoginRequired,
    ConsentRequired,
    InteractionRequired,
    AccountSelectionRequired,
    UnmetAuthenticationRequirements,
    RequestNotSupported,
    RequestUriNotSupported,
    RegistrationNotSupported,
    InvalidToken,
    InsufficientScope,
    ServerError,
    TemporarilyUnavailable,
    /// The host's configuration.
    Config,
    /// The host's call.
    Usage,
    /// Nothing has this name.
    NotFound,
    /// The host's buffer.
    BufferTooSmall,
    /// The engine itself.
    Panic,
    /// The host's store.
    Store,
}

impl Status {
    /// The number that crosses the C ABI.
    #[allow(clippy::as_conversions)] // The discriminant of a `repr(i32)` enum has no other way out.
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// The class, as the low byte of [`Status::code`] says.
    pub const fn class(self) -> Class {
        match self.code() & 0xff {
            0 => Class::Ok,
            1 => Class::InvalidRequest,
            2 => Class::InvalidClient,
            3 => Class::InvalidGrant,
            4 => Class::UnauthorizedClient,
            5 => Class::UnsupportedGrantType,
            6 => Class::InvalidScope,
            7 => Class::InvalidTarget,
            8 => Class::AccessDenied,
            9 => Class::UnsupportedResponseType,
            10 => Class::LoginRequired,
            11 => Class::ConsentRequired,
            12 => Class::InteractionRequired,
            13 => Class::AccountSelectionRequired,
            14 => Class::UnmetAuthenticationRequirements,
            15 => Class::RequestNotSupported,
            16 => Class::RequestUriNotSupported,
            17 => Class::RegistrationNotSupported,
            18 => Class::InvalidToken,
            19 => Class::InsufficientScope,
            21 => Class::TemporarilyUnavailable,
            64 => Class::Config,
            65 => Class::Usage,
            66 => Class::NotFound,
            67 => Class::BufferTooSmall,
            68 => Class::Panic,
            69 => Class::Store,
            _ => Class::ServerError,
        }
    }
}

impl Class {
    /// The `error` code that goes over the wire. What only a host can cause is `server_error`.
    pub const fn oauth_code(self) -> &'static str {
        match self {
            Class::InvalidRequest => "invalid_request",
            Class::InvalidClient => "invalid_client",
            Class::InvalidGrant => "invalid_grant",
            Class::UnauthorizedClient => "unauthorized_client",
            Class::UnsupportedGrantType => "unsupported_grant_type",
            Class::InvalidScope => "invalid_scope",
            Class::InvalidTarget => "invalid_target",
            Class::AccessDenied => "access_denied",
            Class::UnsupportedResponseType => "unsupported_response_type",
            Class::LoginRequired => "login_required",
            Class::ConsentRequired => "consent_required",
            Class::InteractionRequired => "interaction_required",
            Class::AccountSelectionRequired => "account_selection_required",
            Class::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Class::RequestNotSupported => "request_not_supported",
            Class::RequestUriNotSupported => "request_uri_not_supported",
            Class::RegistrationNotSupported => "registration_not_supported",
            Class::InvalidToken => "invalid_token",
            Class::InsufficientScope => "insufficient_scope",
            Class::TemporarilyUnavailable => "temporarily_unavailable",
            Class::Ok
            | Class::ServerError
            | Class::Config
            | Class::Usage
            | Class::NotFound
            | Class::BufferTooSmall
            | Class::Panic
            | Class::Store => "server_error",
        }
    }

    /// The HTTP status of a direct (not redirected) error response.
    pub const fn http_status(self) -> u16 {
        match self {
            Class::Ok => 200,
            Class::InvalidClient | Class::InvalidToken => 401,
            Class::InsufficientScope => 403,
            Class::TemporarilyUnavailable => 503,
            Class::ServerError
            | Class::Config
            | Class::Usage
            | Class::NotFound
            | Class::BufferTooSmall
            | Class::Panic
            | Class::Store => 500,
            _ => 400,
        }
    }
}

/// An error, safe to show to each of its three readers.
///
/// One pointer wide: it is on the way back from nearly every function.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    status: Status,
    description: Cow<'static, str>,
    detail: Option<Box<str>>,
}

impl Error {
    /// An error whose `description` tells a client's developer what to mend. Characters that
    /// RFC 6749 §5.2 keeps out of `error_description` are replaced.
    pub fn new(status: Status, description: impl Into<Cow<'static, str>>) -> Self {
        Error::cold(status, description.into())
    }

    /// Kept out of line: there are many places where something can be wrong, and none is hurried.
    #[cold]
    #[inline(never)]
    fn cold(status: Status, description: Cow<'static, str>) -> Self {
        let description = match description {
            text if text.chars().all(allowed_in_description) => text,
            text => text
                .chars()
                .map(|c| if allowed_in_description(c) { c } else { '\'' })
                .collect::<String>()
                .into(),
        };
        Error(Box::new(Inner {
            status,
            description,
            detail: None,
        }))
    }

    /// Adds what only the log should read. Never pass a token or a secret.
    #[must_use]
    pub fn with_detail(mut self, detail: impl fmt::Display) -> Self {
        self.0.detail = Some(detail.to_string().into());
        self
    }

    /// Something of the engine's own failed; the client learns no more than that.
    pub fn server(detail: impl fmt::Display) -> Self {
        Error::new(
            Status::ServerError,
            "the server failed to process the request",
        )
        .with_detail(detail)
    }

    /// What happened, for the host.
    pub fn status(&self) -> Status {
        self.0.status
    }

    /// The class that a caller acts on.
    pub fn class(&self) -> Class {
        self.0.status.class()
    }

    /// The OAuth `error`.
    pub fn oauth_code(&self) -> &'static str {
        self.class().oauth_code()
    }

    /// The OAuth `error_description`; safe to send.
    pub fn description(&self) -> &str {
        &self.0.description
    }

    /// What the log should know beyond the description.
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The HTTP status of the direct error response.
    pub fn http_status(&self) -> u16 {
        match self.0.status {
            Status::InvalidRequestTooLarge => 413,
            Status::InvalidRequestMethod => 405,
            Status::InvalidRequestPath => 404,
            Status::InvalidRequestContentType => 415,
            status => status.class().http_status(),
        }
    }

    /// The JSON body of the direct error response (RFC 6749 §5.2).
    pub fn to_json(&self) -> String {
        serde_json::json!({ "error": self.oauth_code(), "error_description": self.description() })
            .to_string()
    }
}

/// RFC 6749 §5.2: `error_description` holds %x20-21 / %x23-5B / %x5D-7E.
fn allowed_in_description(c: char) -> bool {
    matches!(c, '\x20'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e')
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.class() {
            // Nobody but the host sees these: an OAuth code would mislead.
            Class::Config
            | Class::Usage
            | Class::NotFound
            | Class::BufferTooSmall
            | Class::Store => {}
            class => write!(f, "{}: ", class.oauth_code())?,
        }
        f.write_str(&self.0.description)?;
        match &self.0.detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.status)
    }
}
