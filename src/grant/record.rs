//! The grant record: the one thing that is stored of a user's approval (DESIGN §1).
//!
//! Small on purpose: a million of them are held in memory. What many grants share (client, APIs,
//! scope) is one shared [`Terms`]; what few grants have is behind one pointer, [`Details`]. Holds no
//! credential, no hash of one, and nothing from which one could be made.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::scope::Scope;

/// What was agreed, and with whom: the same for many grants, so stores share it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Terms {
    /// The client that holds the grant.
    pub client_id: Box<str>,
    /// The APIs that access tokens may be for, the default one first; none: `/userinfo` only.
    pub audience: Box<[Box<str>]>,
    /// The scope that the user consented to.
    pub scope: Scope,
}

/// What only some grants carry. As JSON, for stores: members that say nothing are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Details {
    /// How strongly the user authenticated (OIDC Core §2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<Box<str>>,
    /// By which methods (RFC 8176).
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub amr: Box<[Box<str>]>,
    /// The host's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<Box<str>>,
    /// What the host adds to each access token.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub access_token_claims: Map<String, Value>,
    /// What the host adds to each ID token.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub id_token_claims: Map<String, Value>,
    /// What the code is bound to, until it is redeemed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
}

/// What an authorization code is bound to (RFC 6749 §4.1.3, RFC 7636 §4.4, OIDC Core §3.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// Where the code was sent.
    pub redirect_uri: Box<str>,
    /// Whether the request named it.
    pub redirect_uri_was_sent: bool,
    /// SHA-256 of the `code_verifier`.
    #[serde(
        with = "challenge_text",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub code_challenge: Option<[u8; 32]>,
    /// For the first ID token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Box<str>>,
}

/// A challenge as the request brought it: base64url.
mod challenge_text {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(
        challenge: &Option<[u8; 32]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match challenge {
            Some(hash) => serializer.serialize_some(&BASE64_URL_SAFE_NO_PAD.encode(hash)),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<[u8; 32]>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let hash = BASE64_URL_SAFE_NO_PAD
            .decode(text)
            .map_err(D::Error::custom)?;
        let hash = hash
            .try_into()
            .map_err(|_| D::Error::custom("no SHA-256"))?;
        Ok(Some(hash))
    }
}

/// Why a grant ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Revocation {
    /// A spent code or refresh token was presented again.
    Reused = 1,
    /// The client asked (RFC 7009).
    ByClient = 2,
    /// The host asked.
    ByHost = 3,
    /// The user has more grants with this client than the client's policy allows.
    Displaced = 4,
}

impl Revocation {
    const ALL: [Revocation; 4] = [
        Revocation::Reused,
        Revocation::ByClient,
        Revocation::ByHost,
        Revocation::Displaced,
    ];

    /// The number that stores keep.
    #[allow(clippy::as_conversions)] // The discriminant of a `repr(u8)` enum has no other way out.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The reason of this number.
    pub fn from_code(code: u8) -> Option<Self> {
        Revocation::ALL.into_iter().find(|why| why.code() == code)
    }

    /// Its name in events.
    pub const fn name(self) -> &'static str {
        match self {
            Revocation::Reused => "reused",
            Revocation::ByClient => "by_client",
            Revocation::ByHost => "by_host",
            Revocation::Displaced => "displaced",
        }
    }
}

/// A user's `sub`. Up to 24 bytes, as most are, it lies in the record itself: a refresh copies it
/// without a trip to the heap.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject(CompactString);

impl From<&str> for Subject {
    fn from(text: &str) -> Self {
        Subject(text.into())
    }
}

impl Deref for Subject {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// The record of one grant.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// Client, APIs and scope.
    pub terms: Arc<Terms>,
    /// The user: `sub`.
    pub subject: Subject,
    /// What only some grants carry.
    pub details: Option<Arc<Details>>,
    /// When the user approved.
    pub approved_at: Timestamp,
    /// When the present generation was issued: the leeway for its predecessor counts from here.
    pub issued_at: Timestamp,
    /// The end, however much it is used.
    pub expires_at: Timestamp,
    /// The end, if it is not used before.
    pub idle_until: Timestamp,
    /// When the last access token under it expires; it is kept until then.
    pub access_until: Timestamp,
    /// When the user authenticated, or the epoch where the host did not say.
    auth_time: Timestamp,
    /// 0: the code is out. n: refresh token n is out.
    pub generation: u32,
    /// Whether there are refresh tokens at all.
    pub refreshable: bool,
    /// Set once, for good.
    pub revoked: Option<Revocation>,
}

impl Grant {
    /// A grant whose code is out until `code_expires_at`.
    pub fn approved(
        terms: Arc<Terms>,
        subject: Subject,
        auth_time: Option<Timestamp>,
        details: Details,
        refreshable: bool,
        now: Timestamp,
        code_expires_at: Timestamp,
    ) -> Self {
        Grant {
            terms,
            subject,
            details: Some(Arc::new(details)),
            approved_at: now,
            issued_at: now,
            expires_at: code_expires_at,
            idle_until: Timestamp::NEVER,
            access_until: now,
            auth_time: auth_time.unwrap_or_default(),
            generation: 0,
            refreshable,
            revoked: None,
        }
    }

    /// When the user authenticated, if the host said.
    pub fn auth_time(&self) -> Option<Timestamp> {
        Some(self.auth_time).filter(|&at| at != Timestamp::default())
    }

    /// What the code is bound to, before it is redeemed.
    pub fn code(&self) -> Option<&Code> {
        self.details.as_ref()?.code.as_ref()
    }

    /// Forgets what only the code needed; details that hold nothing else go altogether.
    pub fn forget_code(&mut self) {
        if let Some(details) = &mut self.details {
            Arc::make_mut(details).code = None;
            if **details == Details::default() {
                self.details = None;
            }
        }
    }

    /// This grant, revoked. The first reason stays.
    #[must_use]
    pub fn revoke(mut self, why: Revocation) -> Self {
        self.revoked = self.revoked.or(Some(why));
        self.forget_code();
        self
    }

    /// Whether a code or a refresh token of it can still be used.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires_at && now < self.idle_until
    }

    /// From when on nobody can tell whether the record is still there.
    pub fn keep_until(&self) -> Timestamp {
        let ends = self.expires_at.min(self.idle_until);
        Grant::kept_until(self.revoked.is_some(), self.access_until, ends)
    }

    /// The same, for who has no more of the record than this.
    pub(crate) fn kept_until(revoked: bool, access_until: Timestamp, ends: Timestamp) -> Timestamp {
        match revoked {
            true => access_until,
            false => access_until.max(ends),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_stays_small() {
        assert!(size_of::<Grant>() <= 72, "{}", size_of::<Grant>());
    }
}
