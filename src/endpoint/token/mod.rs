//! The token endpoint (RFC 6749 §3.2): one file per grant type, and the step that all redeemed
//! credentials take.
//!
//! The order of work: MAC, load, verdict, sign, compare-and-swap, reply. Signing comes before the
//! commit, so a signer that fails leaves the grant as it was; the commit comes before the reply, so
//! nothing goes out that a crash could forget. Nothing is signed under a lock.

mod authorization_code;
mod client_credentials;
mod issue;
mod refresh_token;

use serde::Serialize;

use crate::client::{Client, GrantType, RefreshPolicy};
use crate::clock::Timestamp;
use crate::endpoint::params::Params;
use crate::endpoint::{
    Context, FormRequest, MAX_ATTEMPTS, busy, client_auth, grant_revoked, replayed,
};
use crate::error::{Error, Result, Status};
use crate::event::{EventKind, Replay};
use crate::grant::{Credential, Grant, Presented, Refusal, Revocation, Verdict, verdict};
use crate::registry::Registry;
use crate::secret::SecretText;
use crate::store::{Key, Record};

/// The tokens (RFC 6749 §5.1, OIDC Core §3.1.3.3).
#[derive(Clone, Debug)]
pub struct TokenResponse {
    /// The access token, a JWT; `token_type` is `Bearer`.
    pub access_token: SecretText,
    /// Seconds that it lives.
    pub expires_in: u32,
    /// The refresh token, where offline access was granted.
    pub refresh_token: Option<SecretText>,
    /// The ID token, where `openid` was granted.
    pub id_token: Option<SecretText>,
    /// The access token's scope.
    pub scope: String,
}

impl TokenResponse {
    /// The JSON that goes over the wire.
    pub fn to_json(&self) -> SecretText {
        #[derive(Serialize)]
        struct Wire<'a> {
            access_token: &'a str,
            token_type: &'static str,
            expires_in: u32,
            #[serde(skip_serializing_if = "Option::is_none")]
            refresh_token: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            id_token: Option<&'a str>,
            scope: &'a str,
        }
        let wire = Wire {
            access_token: &self.access_token,
            token_type: "Bearer",
            expires_in: self.expires_in,
            refresh_token: self.refresh_token.as_deref(),
            id_token: self.id_token.as_deref(),
            scope: &self.scope,
        };
        // Text and numbers always serialise.
        SecretText::new(serde_json::to_string(&wire).unwrap_or_default())
    }
}

/// What a grant type works with.
struct Request<'a> {
    ctx: &'a Context,
    registry: &'a Registry,
    client: &'a Client,
    params: &'a Params<'a>,
    now: Timestamp,
}

/// Looks at a response before the grant is committed to it; an error leaves the grant as it was.
pub(crate) type BeforeCommit<'a> = &'a dyn Fn(&TokenResponse) -> Result<()>;

/// Answers a token request. See `Engine::token`.
pub(crate) fn token(
    ctx: &Context,
    request: FormRequest<'_>,
    before_commit: BeforeCommit<'_>,
) -> Result<TokenResponse> {
    let params = Params::parse(request.form).map_err(|error| ctx.refused("token", None, error))?;
    let answer = answer(ctx, &params, request.authorization, before_commit);
    answer.map_err(|error| ctx.refused("token", client_auth::named(&params), error))
}

fn answer(
    ctx: &Context,
    params: &Params<'_>,
    authorization: Option<&str>,
    before_commit: BeforeCommit<'_>,
) -> Result<TokenResponse> {
    params.refuse_repeated()?;
    let registry = ctx.registry();
    let client = client_auth::authenticate(&registry, params, authorization)?;
    let name = params.require("grant_type")?;
    let grant_type = GrantType::from_name(name).ok_or_else(|| {
        Error::new(
            Status::UnsupportedGrantType,
            "grant_type must be one that the server's metadata names",
        )
    })?;
    if !client.may_use(grant_type) {
        let what = format!(
            "the client is not registered for the grant type {}",
            grant_type.name()
        );
        return Err(Error::new(Status::UnauthorizedClient, what));
    }
    let request = Request {
        ctx,
        registry: &registry,
        client: &client,
        params,
        now: ctx.now(),
    };
    match grant_type {
        GrantType::AuthorizationCode => authorization_code::redeem(&request, before_commit),
        GrantType::RefreshToken => refresh_token::refresh(&request, before_commit),
        GrantType::ClientCredentials => client_credentials::issue(&request, before_commit),
    }
}

/// What a grant type makes of a credential that may be used.
trait Redemption {
    /// The grant as it is to be after [`Verdict::Advance`] or [`Verdict::Keep`]. An error changes
    /// nothing.
    fn next(&self, grant: &Grant, verdict: Verdict) -> Result<Grant>;

    /// Signs what goes out under `next`, and notes in it until when its access token lives; `grant`
    /// is what was loaded.
    fn sign(&self, grant: &Grant, next: &mut Grant) -> Result<TokenResponse>;
}

impl Request<'_> {
    /// What the client's refresh tokens may do.
    fn policy(&self) -> &RefreshPolicy {
        self.registry.refresh_policy(self.client)
    }

    /// Redeems a credential: load, verdict, sign, swap; and again from the start where another call
    /// got in between, so that a revocation that lands meanwhile wins.
    fn redeem(
        &self,
        credential: Credential,
        redemption: &impl Redemption,
        before_commit: BeforeCommit<'_>,
    ) -> Result<TokenResponse> {
        let presented = Presented {
            client_id: &self.client.client_id,
            generation: credential.generation,
        };
        for _ in 0..MAX_ATTEMPTS {
            let Some((version, grant)) = self.ctx.load_grant(&credential.grant)? else {
                return Err(Error::new(Status::InvalidGrantUnknown, "the grant has ended").with_detail(
                    "the store holds no such grant: swept, or made by another store under the same token key",
                ));
            };
            let verdict = verdict(&grant, presented, self.now, self.policy());
            let mut next = match verdict {
                Verdict::Refuse(refusal) => return Err(refused(refusal)),
                Verdict::Reuse => {
                    if self.revoke_reused(credential, version, &grant)? {
                        return Err(Error::new(
                            Status::InvalidGrantReused,
                            "the code or refresh token was used already; the grant is now revoked",
                        ));
                    }
                    continue;
                }
                Verdict::Replay => grant.clone(),
                Verdict::Advance | Verdict::Keep => redemption.next(&grant, verdict)?,
            };
            let response = redemption.sign(&grant, &mut next)?;
            before_commit(&response)?;
            if self.commit(credential, version, &grant, next, verdict)? {
                let audience = || {
                    self.target(&grant.terms)
                        .ok()?
                        .resource
                        .map(|r| r.api.identifier.clone())
                };
                self.issued(&response, Some(&credential.grant), &grant.subject, audience);
                return Ok(response);
            }
        }
        Err(busy())
    }

    /// Makes the verdict last, unless another call changed the record since it was loaded.
    fn commit(
        &self,
        credential: Credential,
        version: u64,
        grant: &Grant,
        next: Grant,
        verdict: Verdict,
    ) -> Result<bool> {
        let key = &credential.grant;
        if verdict == Verdict::Replay {
            // Nothing moves; but a grant revoked meanwhile issues nothing.
            let holds = self
                .ctx
                .load_grant(key)?
                .is_some_and(|(now, _)| now == version);
            if holds {
                self.ctx
                    .event(|| replayed(key, grant, credential.generation, Replay::LostResponse));
            }
            return Ok(holds);
        }
        let generation = next.generation;
        if !self.ctx.store.swap(key, version, Record::Grant(next))? {
            return Ok(false);
        }
        if verdict == Verdict::Advance && generation > 1 {
            self.ctx.event(|| EventKind::Rotated {
                grant_id: key.to_string(),
                client_id: &grant.terms.client_id,
                subject: &grant.subject,
                generation,
            });
        }
        Ok(true)
    }

    /// Tells the sink what went out.
    fn issued(
        &self,
        response: &TokenResponse,
        grant: Option<&Key>,
        subject: &str,
        audience: impl FnOnce() -> Option<String>,
    ) {
        self.ctx.event(|| EventKind::TokenIssued {
            grant_id: grant.map(Key::to_string),
            client_id: &self.client.client_id,
            subject,
            audience: audience(),
            scope: &response.scope,
            grant_type: self.params.get("grant_type").unwrap_or_default(),
            id_token: response.id_token.is_some(),
            refresh_token: response.refresh_token.is_some(),
        });
    }

    /// Revokes what a spent credential belongs to; false where the record changed meanwhile.
    fn revoke_reused(&self, credential: Credential, version: u64, grant: &Grant) -> Result<bool> {
        let revoked = grant.clone().revoke(Revocation::Reused);
        let done = self
            .ctx
            .store
            .swap(&credential.grant, version, Record::Grant(revoked))?;
        if done {
            self.ctx.event(|| {
                replayed(
                    &credential.grant,
                    grant,
                    credential.generation,
                    Replay::Theft,
                )
            });
            self.ctx
                .event(|| grant_revoked(&credential.grant, grant, Revocation::Reused));
        }
        Ok(done)
    }
}

/// The end of a lifetime that starts now; without one, never.
fn end_after(start: Timestamp, lifetime: Option<u32>) -> Timestamp {
    lifetime.map_or(Timestamp::NEVER, |secs| start.plus(secs))
}

fn refused(refusal: Refusal) -> Error {
    let what = match refusal {
        Refusal::WrongClient => "the code or refresh token was issued to another client",
        Refusal::Revoked => "the grant was revoked",
        Refusal::Expired => "the code or grant has expired",
        Refusal::Idle => "the grant was not used for too long",
        Refusal::Ahead => "the refresh token is newer than the server's records; sign in again",
    };
    Error::new(refusal.status(), what)
}
