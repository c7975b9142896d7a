//! The claims of the tokens that the engine issues: RFC 9068 access tokens, Auth0's dialect of them,
//! and ID tokens (OIDC Core §2).
//!
//! Knows which claim goes where; knows no key and no endpoint. What is the same for every token of an
//! API stands in its template, not here.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::digest;
use serde_json::{Map, Value};

use crate::api::TokenDialect;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::grant::Grant;
use crate::jose::{Algorithm, Claims};
use crate::random::Random;
use crate::store::Key;

/// The claims that only the engine sets.
pub(crate) const RESERVED: [&str; 20] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "client_id",
    "azp",
    "scope",
    "gty",
    "auth_time",
    "acr",
    "amr",
    "nonce",
    "at_hash",
    "c_hash",
    "sid",
    "cnf",
    "act",
];

/// A token's `jti`: unique; where the token has a grant, the grant's id stands in front.
pub(crate) struct Jti([u8; 32], usize);

/// What tells an engine's tokens of one grant apart: numbers from a random start, so that two engines
/// on one store do not meet. A `jti` has to be unique, not secret; and to draw random bytes for each
/// would cost a tenth of everything that a refresh does beside its signature.
pub(crate) struct Serial(AtomicU64);

impl Serial {
    pub(crate) fn new(random: &dyn Random) -> Result<Self> {
        Ok(Serial(AtomicU64::new(u64::from_be_bytes(random.bytes()?))))
    }

    fn next(&self) -> [u8; 8] {
        self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes()
    }
}

impl Jti {
    /// 24 bytes, 32 characters: the grant's id, and what tells this token from its siblings.
    pub(crate) fn of_grant(key: &Key, serial: &Serial) -> Self {
        let mut bytes = [0; 24];
        bytes[..Key::LEN].copy_from_slice(key.as_bytes());
        bytes[Key::LEN..].copy_from_slice(&serial.next());
        Jti::encode(&bytes)
    }

    /// 16 random bytes, 22 characters.
    pub(crate) fn of_client(random: [u8; 16]) -> Self {
        Jti::encode(&random)
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0[..self.1]).unwrap_or_default()
    }

    /// The grant that a `jti` names; none for one of `client_credentials`.
    pub(crate) fn grant(jti: &str) -> Option<Key> {
        let bytes: [u8; 24] = BASE64_URL_SAFE_NO_PAD.decode(jti).ok()?.try_into().ok()?;
        bytes[..Key::LEN].try_into().ok().map(Key::new)
    }

    fn encode(bytes: &[u8]) -> Self {
        let mut text = [0; 32];
        // 24 bytes are 32 characters; there is always room.
        let len = BASE64_URL_SAFE_NO_PAD
            .encode_slice(bytes, &mut text)
            .unwrap_or_default();
        Jti(text, len)
    }
}

/// What an access token says, beside what its template has said already.
pub(crate) struct AccessTokenClaims<'a> {
    pub(crate) dialect: TokenDialect,
    /// For the Auth0 dialect: the API, and `/userinfo` where `openid` was granted.
    pub(crate) audience: &'a [&'a str],
    pub(crate) subject: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) jti: &'a str,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// The user's grant; none for `client_credentials`.
    pub(crate) grant: Option<&'a Grant>,
}

impl AccessTokenClaims<'_> {
    /// RFC 9068 §2.2, or what Auth0 has in its place.
    pub(crate) fn write(&self, claims: &mut Claims<'_>) {
        let auth0 = self.dialect == TokenDialect::Auth0;
        match self.audience {
            _ if !auth0 => {}
            [one] => claims.text("aud", one),
            many => claims.texts("aud", many.iter().copied()),
        }
        match self.grant {
            None if auth0 => {
                claims.text("sub", &format!("{}@clients", self.client_id));
                claims.text("gty", "client-credentials");
            }
            _ => claims.text("sub", self.subject),
        }
        claims.text(if auth0 { "azp" } else { "client_id" }, self.client_id);
        claims.number("iat", self.issued_at.as_secs());
        claims.number("exp", self.expires_at.as_secs());
        claims.text("jti", self.jti);
        claims.text("scope", self.scope);
        if let Some(grant) = self.grant {
            write_authentication(grant, claims);
            if let Some(details) = &grant.details {
                write_extra(&details.access_token_claims, claims);
            }
        }
    }
}

/// What an ID token says, beside `iss`.
pub(crate) struct IdTokenClaims<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) grant: &'a Grant,
    /// From the request, in the first ID token only (OIDC Core §12.2).
    pub(crate) nonce: Option<&'a str>,
    pub(crate) access_token: &'a str,
    pub(crate) algorithm: Algorithm,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl IdTokenClaims<'_> {
    /// OIDC Core §2, §3.1.3.6.
    pub(crate) fn write(&self, claims: &mut Claims<'_>) {
        claims.text("aud", self.client_id);
        claims.text("sub", &self.grant.subject);
        claims.number("iat", self.issued_at.as_secs());
        claims.number("exp", self.expires_at.as_secs());
        claims.text(
            "at_hash",
            &at_hash(self.access_token, self.algorithm.digest()),
        );
        if let Some(nonce) = self.nonce {
            claims.text("nonce", nonce);
        }
        write_authentication(self.grant, claims);
        if let Some(details) = &self.grant.details {
            if let Some(sid) = &details.sid {
                claims.text("sid", sid);
            }
            write_extra(&details.id_token_claims, claims);
        }
    }
}

/// How and when the user authenticated; a refresh does not move it (OIDC Core §12.2, RFC 9470 §6.1).
fn write_authentication(grant: &Grant, claims: &mut Claims<'_>) {
    if let Some(at) = grant.auth_time() {
        claims.number("auth_time", at.as_secs());
    }
    let Some(details) = &grant.details else {
        return;
    };
    if let Some(acr) = &details.acr {
        claims.text("acr", acr);
    }
    if !details.amr.is_empty() {
        claims.texts("amr", details.amr.iter().map(|method| &**method));
    }
}

fn write_extra(extra: &Map<String, Value>, claims: &mut Claims<'_>) {
    for (name, value) in extra {
        claims.json(name, value);
    }
}

/// OIDC Core §3.1.3.6: the left half of the digest that belongs to the ID token's algorithm.
fn at_hash(access_token: &str, algorithm: &'static digest::Algorithm) -> String {
    let digest = digest::digest(algorithm, access_token.as_bytes());
    let digest = digest.as_ref();
    BASE64_URL_SAFE_NO_PAD.encode(&digest[..digest.len() / 2])
}
