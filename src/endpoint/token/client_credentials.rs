//! `grant_type=client_credentials` (RFC 6749 §4.4): a token for the client itself. No grant, no
//! refresh token, nothing stored.

use std::borrow::Cow;

use crate::endpoint::authorize::find_resource;
use crate::endpoint::token::issue::Target;
use crate::endpoint::token::{BeforeCommit, Request, TokenResponse};
use crate::error::{Error, Result, Status};
use crate::scope::Scope;

pub(super) fn issue(
    request: &Request<'_>,
    before_commit: BeforeCommit<'_>,
) -> Result<TokenResponse> {
    let named = request
        .named_audience()?
        .or(request.ctx.default_audience.as_deref());
    let audience = named.ok_or_else(|| {
        Error::new(
            Status::InvalidTarget,
            "the parameter 'audience' (or 'resource') must name an API",
        )
    })?;
    let resource = find_resource(request.registry, audience)?;
    let allowed = request
        .client
        .client_grants
        .iter()
        .find(|grant| grant.audience == audience);
    let allowed = allowed.ok_or_else(|| {
        Error::new(
            Status::InvalidTarget,
            "the client may not use this API in its own name: it has no client_grant",
        )
    })?;
    let known = allowed.scope.filter(|token| resource.api.has_scope(token));
    let scope = match request.params.get("scope") {
        None => known,
        Some(text) => {
            let asked = Scope::parse(text)?;
            if let Some(token) = asked.first_outside(&known) {
                return Err(Error::new(
                    Status::InvalidScope,
                    format!("the scope '{token}' is not the client's"),
                ));
            }
            asked
        }
    };
    let target = Target {
        resource: Some(resource),
        scope: Cow::Owned(scope),
    };
    let access_token = request.access_token(&target, &request.client.client_id, None)?;
    let response = TokenResponse {
        access_token: access_token.text,
        expires_in: access_token.lifetime,
        refresh_token: None,
        id_token: None,
        scope: target.scope.as_str().to_owned(),
    };
    before_commit(&response)?;
    request.issued(&response, None, &request.client.client_id, || {
        Some(audience.to_owned())
    });
    Ok(response)
}
