//! Revocation (RFC 7009): a client gives a token back.
//!
//! A refresh token takes its grant with it, and every access token under it; an access token goes
//! alone. What is no token at all, or another client's, is answered like a success (§2.2), and nothing changes: to say
//! more would tell a client whose token it found.

use crate::clock::Timestamp;
use crate::endpoint::access_token::{issued_here, revocation_mark};
use crate::endpoint::params::Params;
use crate::endpoint::{Context, FormRequest, client_auth};
use crate::error::{Class, Error, Result, Status};
use crate::event::EventKind;
use crate::grant::{Kind, Revocation};
use crate::registry::Registry;
use crate::store::Record;

/// See `Engine::revoke`.
pub(crate) fn revoke(ctx: &Context, request: FormRequest<'_>) -> Result<()> {
    let params = Params::parse(request.form).map_err(|error| ctx.refused("revoke", None, error))?;
    let answer = answer(ctx, &params, request.authorization);
    answer.map_err(|error| {
        let client_id = client_auth::named(&params, request.authorization);
        ctx.refused("revoke", client_id.as_deref(), error)
    })
}

fn answer(ctx: &Context, params: &Params<'_>, authorization: Option<&str>) -> Result<()> {
    params.refuse_repeated()?;
    let registry = ctx.registry()?;
    // §2.1: «The authorization server first validates the client credentials … and then verifies
    // whether the token was issued to the client making the revocation request.»
    let client = client_auth::authenticate(&registry, params, authorization)?;
    let token = params.require("token")?;
    let client_id = client.client_id();
    // token_type_hint is not needed: a token shows what it is.
    let done = match token.starts_with(Kind::RefreshToken.prefix()) {
        true => revoke_refresh_token(ctx, &registry, client_id, token),
        false => revoke_access_token(ctx, &registry, client_id, token),
    };
    match done {
        // §2.2: «invalid tokens do not cause an error response».
        Err(error) if matches!(error.class(), Class::InvalidGrant | Class::InvalidToken) => {
            ctx.refused("revoke", Some(client_id), error);
            Ok(())
        }
        done => done,
    }
}

fn revoke_refresh_token(
    ctx: &Context,
    registry: &Registry,
    client_id: &str,
    token: &str,
) -> Result<()> {
    let credential = registry.token_keys.read(Kind::RefreshToken, token)?;
    ctx.revoke_grant(&credential.grant, Revocation::ByClient, |grant| {
        own(client_id, &grant.terms.client_id)
    })?;
    Ok(())
}

fn revoke_access_token(
    ctx: &Context,
    registry: &Registry,
    client_id: &str,
    token: &str,
) -> Result<()> {
    let token = issued_here(ctx, registry, token)?;
    own(client_id, token.client_id())?;
    let mut until = Timestamp::from_secs(token.expires_at());
    if token.shares_a_secret() {
        // Its `exp` is the API's word, not ours.
        until = until.min(ctx.now()?.plus(registry.longest_token_lifetime()));
    }
    if until > ctx.now()?
        && ctx
            .store
            .insert(&revocation_mark(&token), Record::Mark { until })?
    {
        ctx.event(|| EventKind::AccessTokenRevoked {
            client_id,
            jti: token.jti(),
        });
    }
    Ok(())
}

fn own(client_id: &str, issued_to: &str) -> Result<()> {
    match client_id == issued_to {
        true => Ok(()),
        false => Err(Error::new(
            Status::InvalidGrantWrongClient,
            "the token was issued to another client",
        )),
    }
}
