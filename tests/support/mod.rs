//! What tests and benches share: an engine with a clock that stands still, and a client's side of the
//! protocol in a few words. Works through the public interface only.
#![allow(dead_code, unreachable_pub)] // Each binary uses its own part.

pub mod abi;
pub mod board;
pub mod child;
#[cfg(target_os = "linux")]
pub mod disk;
pub mod folder;
pub mod history;
pub mod store_contract;
pub mod stores;

use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use grantlet::{
    Algorithm, AuthorizationResponse, Config, Engine, Error, FormRequest, Login, ManualClock,
    SigningKey, Status, SystemRandom, Timestamp, TokenResponse, http,
};
use serde_json::{Map, Value, json};

pub const ISSUER: &str = "https://id.example.com/";
pub const API: &str = "https://api.example.com/";
pub const WEB_SECRET: &str = "web-secret-of-many-random-bits";
pub const WEB_CALLBACK: &str = "https://notes.example.com/callback";
pub const APP_CALLBACK: &str = "http://127.0.0.1/callback";
/// RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// The moment at which every test starts: 2026-01-01T00:00:00Z.
pub const START: u64 = 1_767_225_600;

/// A tenant with an API of each kind and a client of each kind, as a configuration.
pub fn tenant() -> Value {
    json!({
        "issuer": ISSUER,
        "apis": [
            {"identifier": API, "scopes": ["read:notes", {"value": "write:notes", "description": "Change your notes"}],
             "allow_offline_access": true, "introspection_clients": ["notes-api"]},
            {"identifier": "https://online.example.com/", "scopes": ["read:stars"]},
            {"identifier": "https://other.example.com/", "scopes": ["read:files"], "allow_offline_access": true},
        ],
        "clients": [
            {"client_id": "notes-web", "client_secret": WEB_SECRET, "redirect_uris": [WEB_CALLBACK],
             "token_endpoint_auth_method": "client_secret_post"},
            {"client_id": "notes-basic", "client_secret": WEB_SECRET, "redirect_uris": [WEB_CALLBACK]},
            {"client_id": "notes-app", "redirect_uris": [APP_CALLBACK, "com.example.notes:/callback"]},
            {"client_id": "notes-spa", "application_type": "spa", "redirect_uris": ["https://spa.example.com/"]},
            {"client_id": "notes-service", "client_secret": WEB_SECRET, "application_type": "service",
             "token_endpoint_auth_method": "client_secret_post",
             "client_grants": [{"audience": API, "scope": ["read:notes"]}]},
            {"client_id": "notes-api", "client_secret": WEB_SECRET, "application_type": "service",
             "token_endpoint_auth_method": "client_secret_post"},
        ],
    })
}

/// An engine and the clock that it reads.
pub struct Fixture {
    pub engine: Engine,
    pub clock: Arc<ManualClock>,
}

impl Fixture {
    /// An engine on [`tenant`].
    pub fn new() -> Self {
        Fixture::with(|_| {})
    }

    /// An engine on [`tenant`], changed.
    pub fn with(change: impl FnOnce(&mut Value)) -> Self {
        let mut tenant = tenant();
        change(&mut tenant);
        Fixture::of(Config::from_value(tenant).unwrap(), |builder| builder)
    }

    /// An engine on a configuration, with parts of the test's own.
    pub fn of(
        config: Config,
        parts: impl FnOnce(grantlet::EngineBuilder) -> grantlet::EngineBuilder,
    ) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(START)));
        let engine = parts(Engine::builder(config).clock(clock.clone()))
            .build()
            .unwrap();
        Fixture { engine, clock }
    }

    /// The authorization response for `query`, approved for alice.
    pub fn approve(&self, query: &str) -> AuthorizationResponse {
        self.approve_as(query, &Login::new("alice").auth_time(START))
    }

    /// The authorization response for `query`, approved for this login.
    pub fn approve_as(&self, query: &str, login: &Login) -> AuthorizationResponse {
        let pending = self.engine.authorize(query).unwrap();
        self.engine.approve(&pending, login).unwrap()
    }

    /// A code for notes-app with PKCE, for alice.
    pub fn app_code(&self, scope: &str) -> String {
        code(&self.approve(&app_query(scope)))
    }

    /// Posts to the token endpoint.
    pub fn token(&self, form: &[(&str, &str)]) -> Result<TokenResponse, Error> {
        self.engine.token(FormRequest {
            form: &encode(form),
            authorization: None,
        })
    }

    /// Redeems a code of notes-app's.
    pub fn redeem(&self, code: &str) -> Result<TokenResponse, Error> {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("client_id", "notes-app"),
            ("code", code),
            ("redirect_uri", APP_CALLBACK),
            ("code_verifier", VERIFIER),
        ])
    }

    /// Refreshes as notes-app.
    pub fn refresh(&self, refresh_token: &str) -> Result<TokenResponse, Error> {
        self.token(&[
            ("grant_type", "refresh_token"),
            ("client_id", "notes-app"),
            ("refresh_token", refresh_token),
        ])
    }

    /// Tokens of notes-app's with `openid`, an API scope and a refresh token, for alice.
    pub fn sign_in(&self) -> TokenResponse {
        self.redeem(&self.app_code("openid read:notes offline_access"))
            .unwrap()
    }
}

/// The authorization request of notes-app, with PKCE and the first API as audience.
pub fn app_query(scope: &str) -> String {
    encode(&[
        ("response_type", "code"),
        ("client_id", "notes-app"),
        ("redirect_uri", APP_CALLBACK),
        ("scope", scope),
        ("audience", API),
        ("state", "xyz"),
        ("nonce", "n-0S6_WzA2Mj"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ])
}

/// Pairs as a query or a form.
pub fn encode(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// A parameter of a redirect.
pub fn param(response: &AuthorizationResponse, name: &str) -> Option<String> {
    let (_, query) = response.location()?.split_once(['?', '#'])?;
    let found = form_urlencoded::parse(query.as_bytes()).find(|(other, _)| other == name);
    found.map(|(_, value)| value.into_owned())
}

/// The code of a redirect.
pub fn code(response: &AuthorizationResponse) -> String {
    param(response, "code").unwrap()
}

/// The header and the claims of a JWT, unverified.
pub fn decode(jwt: &str) -> (Map<String, Value>, Map<String, Value>) {
    let mut parts = jwt
        .split('.')
        .map(|part| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut object = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (object(), object())
}

/// An `Authorization` header of the Basic scheme.
pub fn basic(client_id: &str, secret: &str) -> String {
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{client_id}:{secret}"))
    )
}

impl Fixture {
    /// The answer to an HTTP request; a pending authorization is a failure.
    pub fn http(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> http::Response {
        match self.reply(method, target, headers, body) {
            http::Reply::Response(response) => response,
            http::Reply::Authorize(_) => panic!("{method} {target} waits for the host"),
        }
    }

    /// What comes of an HTTP request.
    pub fn reply(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> http::Reply {
        self.engine.handle(&http::Request {
            method,
            target,
            headers,
            body: body.as_bytes(),
        })
    }

    /// Posts a form over HTTP.
    pub fn post(&self, target: &str, form: &[(&str, &str)]) -> http::Response {
        self.http("POST", target, &[FORM], &encode(form))
    }

    /// `GET /userinfo` with a bearer token.
    pub fn userinfo(&self, token: &str) -> http::Response {
        let bearer = format!("Bearer {token}");
        self.http("GET", "/userinfo", &[("Authorization", &bearer)], "")
    }

    /// Posts to the token endpoint as notes-web.
    pub fn token_as_web(&self, form: &[(&str, &str)]) -> Result<TokenResponse, Error> {
        self.token(
            &[
                form,
                &[("client_id", "notes-web"), ("client_secret", WEB_SECRET)],
            ]
            .concat(),
        )
    }

    /// A token of notes-service's own.
    pub fn service_token(&self) -> TokenResponse {
        self.token(&[
            ("grant_type", "client_credentials"),
            ("client_id", "notes-service"),
            ("client_secret", WEB_SECRET),
            ("audience", API),
        ])
        .unwrap()
    }

    /// The error of an authorization request, and where it was redirected to, if it was.
    pub fn refused(&self, query: &str) -> (Status, Option<AuthorizationResponse>) {
        let refused = self.engine.authorize(query).unwrap_err();
        (refused.error.status(), refused.response)
    }
}

/// The content type of a form.
pub const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// The authorization request of notes-web: no PKCE, the first API as audience.
pub fn web_query(scope: &str) -> String {
    encode(&[
        ("response_type", "code"),
        ("client_id", "notes-web"),
        ("redirect_uri", WEB_CALLBACK),
        ("scope", scope),
        ("audience", API),
        ("state", "xyz"),
    ])
}

/// `query` without the parameters named, and with these instead.
pub fn changed(query: &str, change: &[(&str, &str)]) -> String {
    let kept = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| change.iter().all(|(other, _)| other != name));
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .extend_pairs(change)
        .finish()
}

/// The JSON of a response.
pub fn json_of(response: &http::Response) -> Value {
    assert_eq!(response.header("content-type"), Some("application/json"));
    serde_json::from_slice(&response.body).unwrap()
}

/// A signing key, twice: one for the engine, one for a test that signs what an engine never would.
pub fn key_twins(algorithm: Algorithm) -> (SigningKey, SigningKey) {
    let key = SigningKey::generate(algorithm, &SystemRandom::default()).unwrap();
    let jwk: Value = serde_json::from_slice(key.to_private_jwk().unwrap().expose()).unwrap();
    (SigningKey::from_jwk(&jwk).unwrap(), key)
}

/// A JWS of any header and claims, well signed.
pub fn signed(key: &SigningKey, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", part(header), part(claims));
    let mut signature = Vec::new();
    key.sign(input.as_bytes(), &mut signature).unwrap();
    format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}
