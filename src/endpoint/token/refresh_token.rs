//! `grant_type=refresh_token` (RFC 6749 §6): new tokens from what was granted, and no more than that.

use crate::endpoint::token::{BeforeCommit, Redemption, Request, TokenResponse};
use crate::error::Result;
use crate::grant::{Credential, Grant, Kind, Verdict, absolute_end, end_after};

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
            credential,
        },
        before_commit,
    )
}

struct Refresh<'r> {
    request: &'r Request<'r>,
    credential: Credential,
}

impl Refresh<'_> {
    /// Makes of a record that a backup brought back what it was when the token presented was issued.
    /// When that was is lost: the older `issued_at` stays, which opens no leeway that would be shut.
    fn catch_up(&self, grant: &mut Grant) {
        if grant.generation == 0 {
            // The backup was made while the code was out; the token shows that it was redeemed.
            grant.expires_at = absolute_end(grant, self.request.policy());
            grant.forget_code();
        }
        grant.generation = self.credential.generation;
    }
}

impl Redemption for Refresh<'_> {
    /// The absolute end stays where the approval put it; only the idle one moves.
    fn advance(&self, grant: &mut Grant, verdict: Verdict) -> Result<()> {
        let (now, policy) = (self.request.now, self.request.policy());
        let rotates = match verdict {
            Verdict::CatchUp => {
                self.catch_up(grant);
                policy.rotation
            }
            verdict => verdict == Verdict::Advance,
        };
        grant.idle_until = end_after(now, policy.idle_token_lifetime);
        if rotates {
            // One rotation a second takes 136 years to get there.
            grant.generation = grant.generation.saturating_add(1);
            grant.issued_at = now;
        }
        Ok(())
    }

    fn sign(&self, grant: &mut Grant) -> Result<TokenResponse> {
        let (request, key) = (self.request, &self.credential.grant);
        let target = request.target(&grant.terms)?;
        let access_token = request.access_token(&target, &grant.subject, Some((key, grant)))?;
        let access_until = grant.access_until.max(access_token.expires_at);
        // OIDC Core §12.2: a refreshed ID token SHOULD NOT have a nonce.
        let response = request.respond(access_token, &target, grant, key, None)?;
        grant.access_until = access_until;
        Ok(response)
    }
}
