//! Issuing: the tokens that go out under a grant, signed.
//!
//! Knows which API a request means and what of the scope belongs there; decides nothing about the
//! grant, and stores nothing.

use std::borrow::Cow;

use crate::api::TokenDialect;
use crate::client::GrantType;
use crate::clock::Timestamp;
use crate::endpoint::authorize::{find_resource, require_absolute_uri};
use crate::endpoint::token::{Request, TokenResponse};
use crate::error::{Error, Result, Status};
use crate::grant::{Credential, Grant, Kind, Terms};
use crate::jose::claims::{AccessTokenClaims, IdTokenClaims, Jti};
use crate::registry::Resource;
use crate::scope::{OPENID, OPENID_SCOPES, Scope};
use crate::secret::SecretText;
use crate::store::Key;

/// What an access token is for: one API (or `/userinfo`), and a scope that it knows.
pub(super) struct Target<'a> {
    pub(super) resource: Option<&'a Resource>,
    pub(super) scope: Cow<'a, Scope>,
}

/// An access token and when it ends.
pub(super) struct AccessToken {
    pub(super) text: SecretText,
    pub(super) expires_at: Timestamp,
    pub(super) lifetime: u32,
}

impl<'r> Request<'r> {
    /// What the request's `audience` or `resource` and `scope` make of what was agreed. Absent, they
    /// mean the grant's first API and all of its scope; a request may only narrow (RFC 6749 §6,
    /// RFC 8707 §2.2).
    pub(super) fn target<'a>(&self, terms: &'a Terms) -> Result<Target<'a>>
    where
        'r: 'a,
    {
        let named = self.named_audience()?;
        let userinfo = self.registry.userinfo_url();
        let audience = match named {
            None => terms.audience.first().map(|audience| &**audience),
            Some(named) if named == userinfo => None,
            Some(named) => match terms.audience.iter().find(|audience| ***audience == *named) {
                Some(granted) => Some(&**granted),
                None => {
                    return Err(Error::new(
                        Status::InvalidTarget,
                        "the audience or resource is not one that was granted",
                    ));
                }
            },
        };
        let resource = audience
            .map(|audience| find_resource(self.registry, audience))
            .transpose()?;
        Ok(Target {
            resource: resource.map(|resource| &**resource),
            scope: self.narrowed(terms, resource.map(|r| &**r))?,
        })
    }

    /// The one API that the request names.
    pub(super) fn named_audience(&self) -> Result<Option<&'r str>> {
        let mut named = self.params.all("resource");
        let (resource, more) = (named.next(), named.next());
        if let Some(resource) = resource {
            require_absolute_uri(resource)?;
        }
        match (self.params.get("audience"), resource, more) {
            (_, _, Some(_)) => Err(Error::new(
                Status::InvalidTarget,
                "an access token is for one resource; name one",
            )),
            (Some(audience), Some(resource), _) if audience != resource => Err(Error::new(
                Status::InvalidTarget,
                "audience and resource name different APIs",
            )),
            (audience, resource, _) => Ok(audience.or(resource)),
        }
    }

    fn narrowed<'a>(
        &self,
        terms: &'a Terms,
        resource: Option<&Resource>,
    ) -> Result<Cow<'a, Scope>> {
        // RFC 6749 §4.1.3 has no `scope` with a code, and §3.2 ignores what has no meaning.
        let refreshes = self.params.get("grant_type") == Some(GrantType::RefreshToken.name());
        let scope = match self.params.get("scope").filter(|_| refreshes) {
            None => Cow::Borrowed(&terms.scope),
            Some(text) => {
                let asked = Scope::parse(text)?;
                // RFC 6749 §6: «MUST NOT include any scope not originally granted».
                if let Some(token) = asked.first_outside(&terms.scope) {
                    return Err(Error::new(
                        Status::InvalidScope,
                        format!("the scope '{token}' was not granted"),
                    ));
                }
                Cow::Owned(asked)
            }
        };
        // Each API sees its own scopes only, and of those the ones that it still has.
        let known = |token: &str| {
            OPENID_SCOPES.contains(&token) || resource.is_some_and(|r| r.api.has_scope(token))
        };
        let all_known = scope.iter().all(known);
        match all_known {
            true => Ok(scope),
            false => Ok(Cow::Owned(scope.filter(known))),
        }
    }

    /// Signs an access token.
    pub(super) fn access_token(
        &self,
        target: &Target<'_>,
        subject: &str,
        under: Option<(&Key, &Grant)>,
    ) -> Result<AccessToken> {
        let jti = match under {
            Some((key, _)) => Jti::of_grant(key, &self.ctx.serial),
            None => Jti::of_client(self.ctx.random.bytes()?),
        };
        let (template, api) = match target.resource {
            Some(resource) => (&resource.template, Some(&resource.api)),
            None => (self.registry.userinfo(), None),
        };
        let lifetime = api
            .and_then(|api| api.token_lifetime)
            .unwrap_or(self.ctx.defaults.access_token_lifetime);
        let expires_at = self.now.plus(lifetime);
        let both = [
            api.map_or("", |api| &api.identifier),
            self.registry.userinfo_url(),
        ];
        let claims = AccessTokenClaims {
            dialect: api.map_or(TokenDialect::Rfc9068, |api| api.token_dialect),
            // Under a secret that the API shares, a token is for that API alone.
            audience: if target.scope.contains(OPENID)
                && api.is_none_or(|api| api.signing_secret.is_none())
            {
                &both
            } else {
                &both[..1]
            },
            subject,
            client_id: &self.client.client_id,
            scope: target.scope.as_str(),
            jti: jti.as_str(),
            issued_at: self.now,
            expires_at,
            grant: under.map(|(_, grant)| grant),
        };
        let text = template.sign(|rest| claims.write(rest))?;
        Ok(AccessToken {
            text,
            expires_at,
            lifetime,
        })
    }

    /// What goes out with an access token under a grant: an ID token where `openid` was granted, and
    /// the refresh token of its generation.
    pub(super) fn respond(
        &self,
        access_token: AccessToken,
        target: &Target<'_>,
        grant: &Grant,
        key: &Key,
        nonce: Option<&str>,
    ) -> Result<TokenResponse> {
        let id_token = match target.scope.contains(OPENID) {
            true => Some(self.id_token(grant, nonce, &access_token.text)?),
            false => None,
        };
        let refresh_token = grant.refreshable.then(|| {
            let credential = Credential {
                kind: Kind::RefreshToken,
                grant: *key,
                generation: grant.generation,
            };
            self.registry.token_keys.write(credential)
        });
        Ok(TokenResponse {
            access_token: access_token.text,
            expires_in: access_token.lifetime,
            refresh_token,
            id_token,
            scope: target.scope.as_str().to_owned(),
        })
    }

    /// Signs an ID token to go with an access token.
    fn id_token(
        &self,
        grant: &Grant,
        nonce: Option<&str>,
        access_token: &str,
    ) -> Result<SecretText> {
        let algorithm = self.client.id_token_signed_response_alg;
        let lifetime = self
            .client
            .id_token_lifetime
            .unwrap_or(self.ctx.defaults.id_token_lifetime);
        let claims = IdTokenClaims {
            client_id: &self.client.client_id,
            grant,
            nonce,
            access_token,
            algorithm,
            issued_at: self.now,
            expires_at: self.now.plus(lifetime),
        };
        self.registry
            .id_token(algorithm)?
            .sign(|rest| claims.write(rest))
    }
}
