//! `grant_type=authorization_code` (RFC 6749 §4.1.3): a code becomes tokens, once.

use ring::digest;

use crate::endpoint::token::{BeforeCommit, Redemption, Request, TokenResponse};
use crate::error::{Error, Result, Status};
use crate::grant::{Code, Grant, Kind, Revocation, Verdict, absolute_end, end_after};
use crate::store::{Key, Owner};

pub(super) fn redeem(
    request: &Request<'_>,
    before_commit: BeforeCommit<'_>,
) -> Result<TokenResponse> {
    let text = request.params.require("code")?;
    let credential = request.registry.token_keys.read(Kind::Code, text)?;
    let response = request.redeem(
        credential,
        &CodeRedemption {
            request,
            key: credential.grant,
        },
        before_commit,
    )?;
    if response.refresh_token.is_some()
        && let Err(error) = keep_to_the_cap(request, &credential.grant)
    {
        // The code is spent: to keep the answer back would end the grant. The next sign-in makes up
        // for it; the log knows.
        let client_id = Some(request.client.client_id());
        request.ctx.refused("token", client_id, error);
    }
    Ok(response)
}

struct CodeRedemption<'r> {
    request: &'r Request<'r>,
    key: Key,
}

impl Redemption for CodeRedemption<'_> {
    /// RFC 6749 §4.1.3, RFC 7636 §4.6. What fails here leaves the code as it was: a wrong attempt
    /// does not burn it.
    fn advance(&self, grant: &mut Grant, _: Verdict) -> Result<()> {
        let request = self.request;
        let code = grant
            .code()
            .ok_or_else(|| Error::server("a grant of generation 0 has no code"))?;
        check_redirect_uri(code, request.params.get("redirect_uri"))?;
        check_verifier(code, request.params.get("code_verifier"))?;
        if grant.refreshable {
            let policy = request.policy();
            // Asked of the record while it still shows the code out.
            grant.expires_at = absolute_end(grant, policy);
            grant.idle_until = end_after(request.now, policy.idle_token_lifetime);
        }
        grant.generation = 1;
        grant.issued_at = request.now;
        Ok(())
    }

    fn sign(&self, grant: &mut Grant) -> Result<TokenResponse> {
        let request = self.request;
        let target = request.target(&grant.terms)?;
        let access_token =
            request.access_token(&target, &grant.subject, Some((&self.key, grant)))?;
        let access_until = access_token.expires_at;
        let nonce = grant.code().and_then(|code| code.nonce.as_deref());
        let response = request.respond(access_token, &target, grant, &self.key, nonce)?;
        grant.access_until = access_until;
        if !grant.refreshable {
            // Kept until its access token ends, so that a replayed code can still revoke it.
            grant.expires_at = access_until;
        }
        grant.forget_code();
        Ok(response)
    }
}

/// RFC 6749 §4.1.3: REQUIRED and identical, if the authorization request named it. OAuth 2.1 §10.2
/// leaves it out where PKCE ties the code to its client.
fn check_redirect_uri(code: &Code, sent: Option<&str>) -> Result<()> {
    let matches = match sent {
        Some(sent) => *sent == *code.redirect_uri,
        None => !code.redirect_uri_was_sent || code.code_challenge.is_some(),
    };
    match matches {
        true => Ok(()),
        false => Err(Error::new(
            Status::InvalidGrantRedirectUri,
            "the redirect_uri is not the one of the authorization request",
        )),
    }
}

fn check_verifier(code: &Code, verifier: Option<&str>) -> Result<()> {
    let (challenge, verifier) = match (&code.code_challenge, verifier) {
        (None, None) => return Ok(()),
        // OAuth 2.1 §4.1.3: a verifier without a challenge is somebody's downgrade.
        (None, Some(_)) => {
            return Err(Error::new(
                Status::InvalidGrantVerifier,
                "a code_verifier was sent, but the authorization request had no code_challenge",
            ));
        }
        (Some(_), None) => {
            return Err(Error::new(
                Status::InvalidRequestPkce,
                "the parameter 'code_verifier' is missing",
            ));
        }
        (Some(challenge), Some(verifier)) => (challenge, verifier),
    };
    // RFC 7636 §4.1: 43 to 128 unreserved characters.
    let well_formed = (43..=128).contains(&verifier.len())
        && verifier
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    if !well_formed {
        return Err(Error::new(
            Status::InvalidRequestPkce,
            "code_verifier must have 43 to 128 letters, digits, '-', '.', '_' or '~'",
        ));
    }
    let digest = digest::digest(&digest::SHA256, verifier.as_bytes());
    // Both sides are hashes of what an attacker would have to know: how long a comparison takes says nothing.
    match digest.as_ref() == challenge {
        true => Ok(()),
        false => Err(Error::new(
            Status::InvalidGrantVerifier,
            "the code_verifier does not match the code_challenge",
        )),
    }
}

/// A user has at most so many live refreshable grants with a client; the oldest go.
fn keep_to_the_cap(request: &Request<'_>, newest: &Key) -> Result<()> {
    let (ctx, now) = (request.ctx, request.now);
    let Some((_, grant)) = ctx.load_grant(newest)? else {
        return Ok(());
    };
    let owner = Owner {
        client_id: Some(&request.client.client_id),
        subject: Some(&grant.subject),
    };
    let cap = usize::try_from(request.policy().max_live_grants).unwrap_or(usize::MAX);
    if ctx.store.owned_by(owner)?.len() <= cap {
        return Ok(());
    }
    let owned = ctx.owned_grants(owner)?;
    let is_live = |grant: &Grant| grant.refreshable && grant.generation > 0 && grant.is_live(now);
    let live = owned.iter().filter(|(_, grant)| is_live(grant));
    let mut live: Vec<_> = live
        .map(|(key, grant)| (grant.approved_at, key == newest, *key))
        .collect();
    live.sort_unstable();
    let surplus = live.len().saturating_sub(cap);
    for (_, _, key) in &live[..surplus] {
        ctx.revoke_grant(key, Revocation::Displaced, |_| Ok(()))?;
    }
    Ok(())
}
