//! `grant_type=refresh_token` (RFC 6749 §6): new tokens from what was granted, and no more than that.

use crate::endpoint::token::{BeforeCommit, Redemption, Request, TokenResponse, end_after};
use crate::error::Result;
use crate::grant::{Grant, Kind, Verdict};
use crate::store::Key;

pub(super) fn refresh(
    request: &Request<'_>,
    before_commit: BeforeCommit<'_>,
) -> Result<TokenResponse> {
    let text = request.params.require("refresh_token")?;
    let credential = request.registry.token_keys.read(Kind::RefreshToken, text)?;
    request.redeem(
        credential,
        &Refresh {
            request,
            key: credential.grant,
        },
        before_commit,
    )
}

struct Refresh<'r> {
    request: &'r Request<'r>,
    key: Key,
}

impl Redemption for Refresh<'_> {
    /// The absolute end stays where the approval put it; only the idle one moves.
    fn advance(&self, grant: &mut Grant, verdict: Verdict) -> Result<()> {
        let request = self.request;
        grant.idle_until = end_after(request.now, request.policy().idle_token_lifetime);
        if verdict == Verdict::Advance {
            // One rotation a second takes 136 years to get there.
            grant.generation = grant.generation.saturating_add(1);
            grant.issued_at = request.now;
        }
        Ok(())
    }

    fn sign(&self, grant: &mut Grant) -> Result<TokenResponse> {
        let request = self.request;
        let target = request.target(&grant.terms)?;
        let access_token =
            request.access_token(&target, &grant.subject, Some((&self.key, grant)))?;
        let access_until = grant.access_until.max(access_token.expires_at);
        // OIDC Core §12.2: a refreshed ID token SHOULD NOT have a nonce.
        let response = request.respond(access_token, &target, grant, &self.key, None)?;
        grant.access_until = access_until;
        Ok(response)
    }
}
