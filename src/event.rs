//! Events: what an audit log wants to know, handed to the host's sink as it happens.
//!
//! Knows names and numbers only. No event holds a token, a code, a secret or a claim's value: who
//! reads the log cannot sign in with it.

use serde::Serialize;

use crate::clock::Timestamp;

/// Something happened.
#[derive(Clone, Debug, Serialize)]
pub struct Event<'a> {
    /// When, in seconds since 1970.
    #[serde(serialize_with = "as_secs")]
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind<'a>,
}

/// What happened. As JSON: `{"at": …, "event": "rotated", …}`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind<'a> {
    /// A user approved a request, and a code went out.
    CodeIssued {
        /// The new grant.
        grant_id: String,
        /// Who may redeem it.
        client_id: &'a str,
        /// The user.
        subject: &'a str,
        /// What the user consented to.
        scope: &'a str,
    },
    /// An access token went out.
    TokenIssued {
        /// The grant; none for `client_credentials`.
        grant_id: Option<String>,
        /// The client.
        client_id: &'a str,
        /// The user, or the client itself.
        subject: &'a str,
        /// The API; none for `/userinfo`.
        audience: Option<String>,
        /// The token's scope.
        scope: &'a str,
        /// By which grant type.
        grant_type: &'a str,
        /// Whether an ID token went with it.
        id_token: bool,
        /// Whether a refresh token went with it.
        refresh_token: bool,
    },
    /// A grant moved to its next refresh token.
    Rotated {
        /// The grant.
        grant_id: String,
        /// The client.
        client_id: &'a str,
        /// The user.
        subject: &'a str,
        /// The generation that is now out.
        generation: u32,
    },
    /// A spent credential came back.
    Replayed {
        /// The grant.
        grant_id: String,
        /// The client.
        client_id: &'a str,
        /// The user.
        subject: &'a str,
        /// The generation presented; 0 is the code.
        presented: u32,
        /// The generation that is out.
        current: u32,
        /// How many generations lie between them.
        distance: u32,
        /// What it looks like.
        looks_like: Replay,
    },
    /// The store is older than a refresh token that came back: it was restored from a backup.
    StoreBehind {
        /// The grant.
        grant_id: String,
        /// The client.
        client_id: &'a str,
        /// The user.
        subject: &'a str,
        /// The generation presented.
        presented: u32,
        /// The generation that the store knew.
        current: u32,
        /// Whether the client's policy let it be redeemed all the same.
        accepted: bool,
    },
    /// A request was refused.
    Refused {
        /// The endpoint.
        endpoint: &'a str,
        /// The client that the request named, if any; unproven.
        client_id: Option<&'a str>,
        /// The [`Status`](crate::Status) as a number.
        status: i32,
        /// The OAuth error code.
        error: &'a str,
        /// What the client was told.
        description: &'a str,
        /// What it was not.
        detail: Option<&'a str>,
    },
    /// A grant was revoked, and everything under it.
    GrantRevoked {
        /// The grant.
        grant_id: String,
        /// The client.
        client_id: &'a str,
        /// The user.
        subject: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// One access token was revoked, and nothing else.
    AccessTokenRevoked {
        /// The client.
        client_id: &'a str,
        /// The token's `jti`.
        jti: &'a str,
    },
    /// The signing and token keys moved on.
    KeysRotated {},
}

/// What a spent credential that came back looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Replay {
    /// The client asks again for what it was already given: an answer got lost, or it raced itself.
    LostResponse,
    /// Somebody holds a credential that the client has long replaced.
    Theft,
}

/// Where events go. Called on the thread that works, after the change is stored and never under a
/// lock; it may call the engine. What it does delays the answer.
pub trait EventSink: Send + Sync {
    /// Takes one.
    fn record(&self, event: &Event<'_>);
}

impl<F: Fn(&Event<'_>) + Send + Sync> EventSink for F {
    fn record(&self, event: &Event<'_>) {
        self(event);
    }
}

fn as_secs<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(at.as_secs())
}
