//! Grants for the host's own eyes: which there are, and how to end them. Not an endpoint of any
//! specification; what a page «apps with access to your account» needs.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::endpoint::Context;
use crate::error::{Error, Result, Status};
use crate::grant::{Grant, Revocation};
use crate::store::{Key, Owner};

/// Whose grants are meant; a `None` means anybody's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrantFilter<'a> {
    /// The client.
    pub client_id: Option<&'a str>,
    /// The user.
    pub subject: Option<&'a str>,
}

/// What a grant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// Its code is out and was not redeemed yet.
    CodeIssued,
    /// It can be used.
    Active,
    /// It is past its end.
    Expired,
    /// It was revoked.
    Revoked,
}

/// One grant. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantInfo {
    /// Its id.
    pub grant_id: String,
    /// The client that holds it.
    pub client_id: String,
    /// The user who gave it.
    pub subject: String,
    /// What the user consented to.
    pub scope: String,
    /// The APIs that it is for.
    pub audience: Vec<String>,
    /// What it is now.
    pub state: GrantState,
    /// Whether it has refresh tokens.
    pub refreshable: bool,
    /// 0 while the code is out; then 1, and one more with each rotation.
    pub generation: u32,
    /// When the user approved.
    pub approved_at: u64,
    /// When the present code or refresh token was issued.
    pub issued_at: u64,
    /// When it ends if nobody uses it; `None`: never.
    pub expires_at: Option<u64>,
    /// When the user authenticated.
    pub auth_time: Option<u64>,
    /// The host's session.
    pub sid: Option<String>,
}

/// See `Engine::grants`.
pub(crate) fn grants(ctx: &Context, filter: GrantFilter<'_>) -> Result<Vec<GrantInfo>> {
    let now = ctx.now()?;
    let owned = ctx.owned_grants(owner(filter))?;
    let mut found: Vec<_> = owned
        .iter()
        .map(|(key, grant)| describe(key, grant, now))
        .collect();
    found.sort_by(|a, b| (a.approved_at, &a.grant_id).cmp(&(b.approved_at, &b.grant_id)));
    Ok(found)
}

/// See `Engine::grant`.
pub(crate) fn grant(ctx: &Context, id: &str) -> Result<Option<GrantInfo>> {
    let Some(key) = Key::parse(id) else {
        return Ok(None);
    };
    let now = ctx.now()?;
    let loaded = ctx.load_grant(&key)?;
    Ok(loaded.map(|(_, grant)| describe(&key, &grant, now)))
}

/// See `Engine::revoke_grant`.
pub(crate) fn revoke_grant(ctx: &Context, id: &str) -> Result<bool> {
    match Key::parse(id) {
        Some(key) => ctx.revoke_grant(&key, Revocation::ByHost, |_| Ok(())),
        None => Err(Error::new(Status::NotFound, "the grant id is malformed")),
    }
}

/// See `Engine::revoke_grants`.
pub(crate) fn revoke_grants(ctx: &Context, filter: GrantFilter<'_>) -> Result<usize> {
    let mut revoked = 0;
    for (key, _) in ctx.owned_grants(owner(filter))? {
        revoked += usize::from(ctx.revoke_grant(&key, Revocation::ByHost, |_| Ok(()))?);
    }
    Ok(revoked)
}

fn owner(filter: GrantFilter<'_>) -> Owner<'_> {
    Owner {
        client_id: filter.client_id,
        subject: filter.subject,
    }
}

fn describe(key: &Key, grant: &Grant, now: Timestamp) -> GrantInfo {
    let state = match grant {
        grant if grant.revoked.is_some() => GrantState::Revoked,
        grant if !grant.is_live(now) => GrantState::Expired,
        grant if grant.generation == 0 => GrantState::CodeIssued,
        _ => GrantState::Active,
    };
    let ends = grant.expires_at.min(grant.idle_until);
    GrantInfo {
        grant_id: key.to_string(),
        client_id: grant.terms.client_id.to_string(),
        subject: grant.subject.to_string(),
        scope: grant.terms.scope.to_string(),
        audience: grant
            .terms
            .audience
            .iter()
            .map(|audience| audience.to_string())
            .collect(),
        state,
        refreshable: grant.refreshable,
        generation: grant.generation,
        approved_at: grant.approved_at.as_secs(),
        issued_at: grant.issued_at.as_secs(),
        expires_at: Some(ends)
            .filter(|&at| at != Timestamp::NEVER)
            .map(Timestamp::as_secs),
        auth_time: grant.auth_time().map(Timestamp::as_secs),
        sid: grant
            .details
            .as_ref()
            .and_then(|details| details.sid.as_deref())
            .map(str::to_owned),
    }
}
