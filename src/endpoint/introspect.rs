//! Introspection (RFC 7662): what a token means now.
//!
//! Only a client that proves who it is may ask, and only about its own tokens, or about access tokens
//! of an API that names it among its `introspection_clients`. To everyone else, and for whatever is
//! not active, the answer is exactly `{"active":false}`: no oracle across clients (§4).

use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::clock::Timestamp;
use crate::endpoint::access_token::active;
use crate::endpoint::params::Params;
use crate::endpoint::{Context, FormRequest, client_auth};
use crate::error::{Class, Error, Result, Status};
use crate::grant::{Kind, Presented, Verdict, absolute_end, verdict};
use crate::registry::Registry;

/// See `Engine::introspect`.
pub(crate) fn introspect(ctx: &Context, request: FormRequest<'_>) -> Result<Map<String, Value>> {
    let params =
        Params::parse(request.form).map_err(|error| ctx.refused("introspect", None, error))?;
    let answer = answer(ctx, &params, request.authorization);
    answer.map_err(|error| {
        let client_id = client_auth::named(&params, request.authorization);
        ctx.refused("introspect", client_id.as_deref(), error)
    })
}

fn answer(
    ctx: &Context,
    params: &Params<'_>,
    authorization: Option<&str>,
) -> Result<Map<String, Value>> {
    params.refuse_repeated()?;
    let registry = ctx.registry()?;
    let client = client_auth::authenticate(&registry, params, authorization)?;
    // §2.1: «the authorization server MUST also require some form of authorization».
    if client.is_public() {
        return Err(Error::new(
            Status::InvalidClientMethod,
            "a public client may not introspect tokens",
        ));
    }
    let token = params.require("token")?;
    let described = match token.starts_with(Kind::RefreshToken.prefix()) {
        true => refresh_token(ctx, &registry, &client, token),
        false => access_token(ctx, &registry, &client, token),
    };
    match described {
        Ok(Some(mut claims)) => {
            claims.insert("active".into(), true.into());
            Ok(claims)
        }
        Ok(None) => Ok(inactive()),
        Err(error) if matches!(error.class(), Class::InvalidGrant | Class::InvalidToken) => {
            Ok(inactive())
        }
        Err(error) => Err(error),
    }
}

fn inactive() -> Map<String, Value> {
    Map::from_iter([("active".to_owned(), Value::Bool(false))])
}

fn access_token(
    ctx: &Context,
    registry: &Registry,
    client: &Client,
    token: &str,
) -> Result<Option<Map<String, Value>>> {
    let token = active(ctx, registry, token)?;
    let serves = |resource: &crate::registry::Resource| {
        token.is_for(&resource.api.identifier)
            && resource
                .api
                .introspection_clients
                .contains(&client.client_id)
    };
    if token.client_id() != client.client_id
        && !registry.resources().any(|resource| serves(resource))
    {
        return Ok(None);
    }
    let client_id = token.client_id().to_owned();
    let mut claims = token.into_claims();
    claims.insert("client_id".into(), client_id.into());
    claims.insert("token_type".into(), "Bearer".into());
    Ok(Some(claims))
}

fn refresh_token(
    ctx: &Context,
    registry: &Registry,
    client: &Client,
    token: &str,
) -> Result<Option<Map<String, Value>>> {
    let credential = registry.token_keys.read(Kind::RefreshToken, token)?;
    let Some((_, grant)) = ctx.load_grant(&credential.grant)? else {
        return Ok(None);
    };
    let presented = Presented {
        client_id: client.client_id(),
        generation: credential.generation,
    };
    let policy = registry.refresh_policy(client);
    // Active is what would be redeemed; to ask is not to use, so a spent token revokes nothing here.
    let (issued_at, ends) = match verdict(&grant, presented, ctx.now()?, policy) {
        Verdict::Advance | Verdict::Keep | Verdict::Replay => (
            Some(grant.issued_at),
            grant.expires_at.min(grant.idle_until),
        ),
        // What else the record says about times is older than the token.
        Verdict::CatchUp => (None, absolute_end(&grant, policy)),
        Verdict::Reuse | Verdict::Refuse(_) => return Ok(None),
    };
    let mut claims = Map::new();
    claims.insert("iss".into(), ctx.issuer.as_str().into());
    claims.insert("client_id".into(), client.client_id().into());
    claims.insert("sub".into(), (*grant.subject).into());
    claims.insert("scope".into(), grant.terms.scope.as_str().into());
    if let Some(issued_at) = issued_at {
        claims.insert("iat".into(), issued_at.as_secs().into());
    }
    if ends != Timestamp::NEVER {
        claims.insert("exp".into(), ends.as_secs().into());
    }
    if !grant.terms.audience.is_empty() {
        claims.insert("aud".into(), json!(grant.terms.audience));
    }
    Ok(Some(claims))
}
