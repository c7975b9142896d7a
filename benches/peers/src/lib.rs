//! grantlet beside its Rust peers, in one process and one run.
//!
//! Each peer is one file behind [`Peer`] and is driven the way its own documentation does it. All are
//! given the same work, from the text of a form to the text of a JSON reply: the same 100 *public*
//! clients (oxide-auth checks a confidential client's secret with Argon2, 300 ms, which would hide
//! everything else), the same distinct 24-byte subjects, the same scope, and rotation at every refresh.
//!
//! A bench is allowed what the library is not: it panics when a peer refuses what it must accept.

pub mod fleet;
pub mod jsonwebtoken;
pub mod memory;
pub mod oauth_as;
pub mod ours;
pub mod oxide_auth;
pub mod race;
pub mod raw;

use std::ops::Deref;

/// A library that issues and refreshes.
pub trait Peer {
    /// The JSON of a token response.
    type Reply: Deref<Target = str>;

    /// Makes a new grant for `subject` at `client_id` and gives its first refresh token.
    fn issue(&mut self, client_id: &str, subject: &str) -> String;

    /// Answers a `grant_type=refresh_token` request. This, and nothing else, is timed.
    fn refresh(&mut self, form: &str) -> Self::Reply;

    /// Whether `access_token` is what this peer was set up to issue: a valid signature, or opaque text.
    fn accepts(&self, access_token: &str) -> bool;
}
