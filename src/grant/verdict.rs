//! The verdict: what a presented credential means for its grant. The table of DESIGN §1, as a pure
//! function of (record, presented generation, now, policy), and nothing else.
//!
//! | presented `g` against current `n` | verdict |
//! | --- | --- |
//! | `g == n` | [`Verdict::Advance`] to `n + 1`, or [`Verdict::Keep`] where the policy does not rotate |
//! | `g == n - 1`, `g > 0`, inside the leeway since `n` was issued | [`Verdict::Replay`]: the same `n` again |
//! | `g < n` otherwise | [`Verdict::Reuse`]: the grant is to be revoked |
//! | `g > n` | [`Refusal::Ahead`]: the store is older than the token (restored from a backup) |
//! | `g > n`, where the policy accepts that | [`Verdict::CatchUp`] to `g + 1`, or to `g` where it does not rotate |
//! | another client's, revoked, expired, idle too long | refused, each with its own [`Refusal`] |
//!
//! Ownership is asked first: what another client presents changes nothing.
//!
//! A grant can go on from a record that a backup brought back: what it would have handed out since is
//! computed, not drawn, and the MAC says that it did (DESIGN §1). But the times in the record are as old
//! as it is. Of a token that is ahead only the absolute end is asked: no rotation moves that one.

use std::cmp::Ordering;

use crate::client::{Leeway, RefreshPolicy};
use crate::clock::Timestamp;
use crate::error::Status;
use crate::grant::Grant;

/// What was presented, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    /// The authenticated client.
    pub client_id: &'a str,
    /// The credential's generation; 0 is the code.
    pub generation: u32,
}

/// What it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The grant moves to the next generation, whose credential goes out.
    Advance,
    /// The policy does not rotate: the same credential goes out again.
    Keep,
    /// The client lost the answer or raced itself: the present generation goes out again.
    Replay,
    /// The store was restored from a backup, and the policy accepts what it has lost: the grant moves
    /// to where it would be, and goes on from there as by [`Verdict::Advance`] or [`Verdict::Keep`].
    CatchUp,
    /// A spent credential came back: the grant is to be revoked.
    Reuse,
    /// Nothing goes out and nothing changes.
    Refuse(Refusal),
}

/// Why nothing goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The credential is another client's.
    WrongClient,
    /// The grant was revoked.
    Revoked,
    /// It is past its absolute lifetime.
    Expired,
    /// It was not used for too long.
    Idle,
    /// The credential is newer than the record.
    Ahead,
}

impl Refusal {
    /// The status that says so.
    pub fn status(self) -> Status {
        match self {
            Refusal::WrongClient => Status::InvalidGrantWrongClient,
            Refusal::Revoked => Status::InvalidGrantRevoked,
            Refusal::Expired => Status::InvalidGrantExpired,
            Refusal::Idle => Status::InvalidGrantIdle,
            Refusal::Ahead => Status::InvalidGrantAhead,
        }
    }
}

/// The rule.
pub fn verdict(
    grant: &Grant,
    presented: Presented<'_>,
    now: Timestamp,
    policy: &RefreshPolicy,
) -> Verdict {
    if *presented.client_id != *grant.terms.client_id {
        return Verdict::Refuse(Refusal::WrongClient);
    }
    if grant.revoked.is_some() {
        return Verdict::Refuse(Refusal::Revoked);
    }
    let (g, n) = (presented.generation, grant.generation);
    match g.cmp(&n) {
        Ordering::Greater => ahead(grant, now, policy),
        _ if now >= grant.expires_at => Verdict::Refuse(Refusal::Expired),
        _ if now >= grant.idle_until => Verdict::Refuse(Refusal::Idle),
        Ordering::Equal if g == 0 || policy.rotation => Verdict::Advance,
        Ordering::Equal => Verdict::Keep,
        Ordering::Less if g > 0 && n - g == 1 && in_leeway(grant, now, policy) => Verdict::Replay,
        Ordering::Less => Verdict::Reuse,
    }
}

/// The token is newer than the record. `idle_until` says nothing: each use that is lost moved it. A
/// grant without refresh tokens cannot have made this one, whatever was lost of it.
fn ahead(grant: &Grant, now: Timestamp, policy: &RefreshPolicy) -> Verdict {
    if now >= absolute_end(grant, policy) {
        return Verdict::Refuse(Refusal::Expired);
    }
    match grant.refreshable && policy.dangerous_accept_ahead {
        true => Verdict::CatchUp,
        false => Verdict::Refuse(Refusal::Ahead),
    }
}

/// The end of a refreshable grant, however much it is used. While the code is out, the record has the
/// code's end instead.
pub(crate) fn absolute_end(grant: &Grant, policy: &RefreshPolicy) -> Timestamp {
    match grant.generation {
        0 => end_after(grant.approved_at, policy.token_lifetime),
        _ => grant.expires_at,
    }
}

/// The end of a lifetime that starts then; without one, never.
pub(crate) fn end_after(start: Timestamp, lifetime: Option<u32>) -> Timestamp {
    lifetime.map_or(Timestamp::NEVER, |secs| start.plus(secs))
}

fn in_leeway(grant: &Grant, now: Timestamp, policy: &RefreshPolicy) -> bool {
    match policy.leeway {
        Leeway::Seconds(secs) => now.since(grant.issued_at) < secs,
        // Without rotation no use of the successor is recorded: nothing would ever end the window.
        Leeway::UntilUsed => policy.rotation,
    }
}
