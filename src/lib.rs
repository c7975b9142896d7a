//! **grantlet** is an OAuth 2.1 / OpenID Connect token engine that runs inside the host's own process.
//!
//! A host (an app, a local server, a test suite) links one library and has what a hosted identity
//! provider does at `/authorize` and `/oauth/token`. No network, no daemon, no thread of its own: the
//! host owns the listener, the sign-in page and the users; grantlet owns the protocol.
//!
//! Start at [`Engine`]. A configuration comes from JSON ([`Config::from_json`]) or from Rust
//! ([`Config::new`]). From C, Swift, Objective-C and C# the same engine is behind `grantlet.h`.
//!
//! Imports go downward only:
//!
//! ```text
//! ffi → engine, http → endpoint → registry → grant, jose, store → client, api, scope, config
//!     → error, clock, random, secret, event
//! ```

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::as_conversions
    )
)]

mod api;
mod client;
mod clock;
mod config;
mod endpoint;
mod engine;
mod error;
mod event;
mod fields;
mod grant;
mod jose;
mod random;
mod redirect_uri;
mod registry;
mod scope;
mod seal;
mod secret;
mod state;

/// The functions of `grantlet.h`: for C and for benches, not for Rust programs.
#[doc(hidden)]
pub mod ffi;
pub mod http;
pub mod store;

pub use api::{Api, ApiScope, TokenDialect};
pub use client::{
    ApplicationType, AuthMethod, Client, ClientBuilder, ClientGrant, GrantType, Leeway,
    RefreshPolicy,
};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use config::{Config, Defaults, Endpoints, Issuer, limits};
pub use endpoint::FormRequest;
pub use endpoint::access_token::AccessToken;
pub use endpoint::approve::{AuthorizationResponse, Denial, Login};
pub use endpoint::authorize::{
    AuthorizationRequest, AuthorizeError, PendingAuthorization, Prompt, RequestedScope,
    ResponseMode,
};
pub use endpoint::grants::{GrantFilter, GrantInfo, GrantState};
pub use endpoint::token::TokenResponse;
pub use endpoint::userinfo::{UserClaims, UserClaimsRequest};
pub use engine::{Engine, EngineBuilder};
pub use error::{Class, Error, Result, Status};
pub use event::{Event, EventKind, EventSink, Replay};
pub use grant::{
    Code, Details, Grant, Presented, Refusal, Revocation, Subject, Terms, Verdict, verdict,
};
pub use jose::{Algorithm, Signer, SigningKey};
pub use random::{Random, ScriptedRandom, SystemRandom};
pub use redirect_uri::RedirectUri;
pub use scope::Scope;
pub use secret::{Secret, SecretHash, SecretText};
