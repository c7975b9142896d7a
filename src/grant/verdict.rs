//! The verdict: what a presented credential means for its grant. The table of DESIGN §1, as a pure
//! function of (record, presented generation, now, policy), and nothing else.
//!
//! | presented `g` against current `n` | verdict |
//! | --- | --- |
//! | `g == n` | [`Verdict::Advance`] to `n + 1`, or [`Verdict::Keep`] where the policy does not rotate |
//! | `g == n - 1`, `g > 0`, inside the leeway since `n` was issued | [`Verdict::Replay`]: the same `n` again |
//! | `g < n` otherwise | [`Verdict::Reuse`]: the grant is to be revoked |
//! | `g > n` | [`Refusal::Ahead`]: the store is older than the token |
//! | another client's, revoked, expired, idle too long | refused, each with its own [`Refusal`] |
//!
//! Ownership is asked first: what another client presents changes nothing.

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
    if now >= grant.expires_at {
        return Verdict::Refuse(Refusal::Expired);
    }
    if now >= grant.idle_until {
        return Verdict::Refuse(Refusal::Idle);
    }
    let (g, n) = (presented.generation, grant.generation);
    match g.cmp(&n) {
        Ordering::Greater => Verdict::Refuse(Refusal::Ahead),
        Ordering::Equal if g == 0 || policy.rotation => Verdict::Advance,
        Ordering::Equal => Verdict::Keep,
        Ordering::Less if g > 0 && n - g == 1 && in_leeway(grant, now, policy) => Verdict::Replay,
        Ordering::Less => Verdict::Reuse,
    }
}

fn in_leeway(grant: &Grant, now: Timestamp, policy: &RefreshPolicy) -> bool {
    match policy.leeway {
        Leeway::Seconds(secs) => now.since(grant.issued_at) < secs,
        // Without rotation no use of the successor is recorded: nothing would ever end the window.
        Leeway::UntilUsed => policy.rotation,
    }
}
