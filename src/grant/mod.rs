//! The grant: what one approval of a user's created, from its code to its last refresh.
//!
//! Knows the record, the text of the credentials that name it, and the rule that decides what a
//! presented credential means. Pure: no store, no clock, no signature of a JWT.

mod credential;
mod record;
mod verdict;

pub(crate) use credential::{Credential, Kind, TokenKeys};
pub use record::{Code, Details, Grant, Revocation, Subject, Terms};
pub use verdict::{Presented, Refusal, Verdict, verdict};
pub(crate) use verdict::{absolute_end, end_after};
