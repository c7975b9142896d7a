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

use std::fmt;

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
        // Room for all of it at once: a buffer that grows would leave tokens behind.
        let mut json = String::with_capacity(self.json_len());
        // Writing to a String cannot fail.
        let _ = self.write_json(&mut json);
        SecretText::new(json)
    }

    /// How long that JSON is.
    pub(crate) fn json_len(&self) -> usize {
        let mut length = Length(0);
        let _ = self.write_json(&mut length);
        length.0
    }

    /// Writes it, without a buffer of its own. Tokens and scope tokens have nothing to escape: letters,
    /// digits, and what base64url and RFC 6749 §3.3 allow beside.
    pub(crate) fn write_json(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let texts = [
            ("{\"access_token\":\"", Some(&*self.access_token)),
            ("\",\"refresh_token\":\"", self.refresh_token.as_deref()),
            ("\",\"id_token\":\"", self.id_token.as_deref()),
            ("\",\"scope\":\"", Some(&*self.scope)),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                out.write_str(name)?;
                out.write_str(text)?;
            }
        }
        write!(
            out,
            "\",\"token_type\":\"Bearer\",\"expires_in\":{}}}",
            self.expires_in
        )
    }
}

/// Counts what is written.
struct Length(usize);

impl fmt::Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
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
    answer.map_err(|error| match error.status() {
        // The host's own doing, and nothing that the client asked was refused.
        Status::BufferTooSmall => error,
        _ => {
            let client_id = client_auth::named(&params, request.authorization);
            ctx.refused("token", client_id.as_deref(), error)
        }
    })
}

fn answer(
    ctx: &Context,
    params: &Params<'_>,
    authorization: Option<&str>,
    before_commit: BeforeCommit<'_>,
) -> Result<TokenResponse> {
    params.refuse_repeated()?;
    let registry = ctx.registry()?;
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
        now: ctx.now()?,
    };
    match grant_type {
        GrantType::AuthorizationCode => authorization_code::redeem(&request, before_commit),
        GrantType::RefreshToken => refresh_token::refresh(&request, before_commit),
        GrantType::ClientCredentials => client_credentials::issue(&request, before_commit),
    }
}

/// What a grant type makes of a credential that may be used.
trait Redemption {
    /// Makes the grant what it is to be after [`Verdict::Advance`], [`Verdict::Keep`] or
    /// [`Verdict::CatchUp`]. An error changes nothing that is stored.
    fn advance(&self, grant: &mut Grant, verdict: Verdict) -> Result<()>;

    /// Signs what goes out under the grant, and notes in it until when its access token lives.
    fn sign(&self, grant: &mut Grant) -> Result<TokenResponse>;
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
        let Credential {
            grant: key,
            generation,
            ..
        } = credential;
        let presented = Presented {
            client_id: &self.client.client_id,
            generation,
        };
        for _ in 0..MAX_ATTEMPTS {
            let Some((version, mut grant)) = self.ctx.load_grant(&key)? else {
                return Err(unknown());
            };
            let verdict = verdict(&grant, presented, self.now, self.policy());
            let current = grant.generation;
            match verdict {
                Verdict::Refuse(refusal) => {
                    if refusal == Refusal::Ahead {
                        self.ctx
                            .event(|| store_behind(credential, &grant, current, false));
                    }
                    return Err(refused(refusal));
                }
                Verdict::Reuse if self.revoke_reused(credential, version, &grant)? => {
                    return Err(reused());
                }
                Verdict::Reuse => continue,
                Verdict::Replay => {}
                Verdict::Advance | Verdict::Keep | Verdict::CatchUp => {
                    redemption.advance(&mut grant, verdict)?;
                }
            }
            let access_until = grant.access_until;
            let response = redemption.sign(&mut grant)?;
            before_commit(&response)?;
            let told = self.ctx.has_sink().then(|| grant.clone());
            let committed = match verdict {
                // Nothing moves, unless the record has to be kept for longer; but a grant revoked
                // meanwhile issues nothing.
                Verdict::Replay if grant.access_until == access_until => self
                    .ctx
                    .load_grant(&key)?
                    .is_some_and(|(now, _)| now == version),
                _ => self.ctx.store.swap(&key, version, Record::Grant(grant))?,
            };
            if committed {
                if let Some(grant) = told {
                    self.tell(credential, current, verdict, &grant, &response);
                }
                return Ok(response);
            }
        }
        Err(busy())
    }

    /// Tells the sink what a redemption did to a grant that stood at `current`.
    fn tell(
        &self,
        credential: Credential,
        current: u32,
        verdict: Verdict,
        grant: &Grant,
        response: &TokenResponse,
    ) {
        let Credential {
            grant: key,
            generation,
            ..
        } = credential;
        let rotated = || EventKind::Rotated {
            grant_id: key.to_string(),
            client_id: &grant.terms.client_id,
            subject: &grant.subject,
            generation: grant.generation,
        };
        match verdict {
            Verdict::Advance if generation > 0 => self.ctx.event(rotated),
            Verdict::CatchUp => {
                self.ctx
                    .event(|| store_behind(credential, grant, current, true));
                if self.policy().rotation {
                    self.ctx.event(rotated);
                }
            }
            Verdict::Replay => {
                self.ctx
                    .event(|| replayed(&key, grant, generation, Replay::LostResponse));
            }
            _ => {}
        }
        let audience = || {
            Some(
                self.target(&grant.terms)
                    .ok()?
                    .resource?
                    .api
                    .identifier
                    .clone(),
            )
        };
        self.issued(response, Some(&key), &grant.subject, audience);
    }

    /// Revokes what a spent credential belongs to; false where the record changed meanwhile.
    fn revoke_reused(&self, credential: Credential, version: u64, grant: &Grant) -> Result<bool> {
        let Credential {
            grant: key,
            generation,
            ..
        } = credential;
        let revoked = grant.clone().revoke(Revocation::Reused);
        let done = self.ctx.store.swap(&key, version, Record::Grant(revoked))?;
        if done {
            self.ctx
                .event(|| replayed(&key, grant, generation, Replay::Theft));
            self.ctx
                .event(|| grant_revoked(&key, grant, Revocation::Reused));
        }
        Ok(done)
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
}

/// The event of a token that is newer than the record, which stands at `current`.
fn store_behind(
    credential: Credential,
    grant: &Grant,
    current: u32,
    accepted: bool,
) -> EventKind<'_> {
    EventKind::StoreBehind {
        grant_id: credential.grant.to_string(),
        client_id: &grant.terms.client_id,
        subject: &grant.subject,
        presented: credential.generation,
        current,
        accepted,
    }
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

fn reused() -> Error {
    Error::new(
        Status::InvalidGrantReused,
        "the code or refresh token was used already; the grant is now revoked",
    )
}

fn unknown() -> Error {
    Error::new(Status::InvalidGrantUnknown, "the grant has ended").with_detail(
        "the store holds no such grant: swept, or made by another store under the same token key",
    )
}
