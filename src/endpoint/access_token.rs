//! An access token that came back: is it ours, valid now, for this API and scope, and not revoked?
//!
//! What a resource server asks (RFC 9068 §4, RFC 6750 §3.1), and what `/userinfo`, introspection and
//! revocation ask too. In the engine's own process the answer also knows of revocations.

use ring::digest;
use serde_json::{Map, Value};

use crate::api::TokenDialect;
use crate::clock::Timestamp;
use crate::endpoint::Context;
use crate::error::{Error, Result, Status};
use crate::jose::claims::Jti;
use crate::jose::{self, Algorithm, Template};
use crate::registry::{Registry, Resource};
use crate::store::{Key, Loaded, Record};

/// The claims of an access token that was verified.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessToken {
    claims: Map<String, Value>,
    kid: String,
    /// Whether an API that shares its secret could have made it.
    shares_a_secret: bool,
}

impl AccessToken {
    /// All of them.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The user, or the client itself: `sub`.
    pub fn subject(&self) -> &str {
        self.text("sub")
    }

    /// The client that the token was issued to: `client_id` (`azp` in Auth0's dialect).
    pub fn client_id(&self) -> &str {
        match self.text("client_id") {
            "" => self.text("azp"),
            client_id => client_id,
        }
    }

    /// The scope, as its tokens separated by spaces.
    pub fn scope(&self) -> &str {
        self.text("scope")
    }

    /// Whether the scope holds `token`.
    pub fn has_scope(&self, token: &str) -> bool {
        self.scope().split(' ').any(|other| other == token)
    }

    /// The token's own id.
    pub fn jti(&self) -> &str {
        self.text("jti")
    }

    /// When it ends, in seconds since 1970.
    pub fn expires_at(&self) -> u64 {
        self.number("exp")
    }

    /// The id of the grant that it was issued under; none for `client_credentials`.
    pub fn grant_id(&self) -> Option<String> {
        Jti::grant(self.jti()).map(|key| key.to_string())
    }

    /// Whether `audience` is one of those that it is for.
    pub fn is_for(&self, audience: &str) -> bool {
        match self.claims.get("aud") {
            Some(Value::String(one)) => one == audience,
            Some(Value::Array(many)) => many.iter().any(|one| one == audience),
            _ => false,
        }
    }

    /// Whether `audience` is the only one that it is for.
    fn is_for_only(&self, audience: &str) -> bool {
        match self.claims.get("aud") {
            Some(Value::Array(many)) => many.len() == 1 && self.is_for(audience),
            _ => self.is_for(audience),
        }
    }

    /// Whether an API that shares its secret could have made it, for any user.
    pub(crate) fn shares_a_secret(&self) -> bool {
        self.shares_a_secret
    }

    pub(crate) fn into_claims(self) -> Map<String, Value> {
        self.claims
    }

    fn text(&self, name: &str) -> &str {
        self.claims
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// RFC 7519 §2: a NumericDate may have a fraction, which is cut off.
    fn number(&self, name: &str) -> u64 {
        let Some(Value::Number(number)) = self.claims.get(name) else {
            return 0;
        };
        let text = number.to_string();
        let whole = text.split('.').next().unwrap_or_default();
        whole.parse().unwrap_or_default()
    }
}

/// Verifies for a resource server. See `Engine::verify`.
pub(crate) fn verify(
    ctx: &Context,
    token: &str,
    audience: &str,
    scopes: &[&str],
) -> Result<AccessToken> {
    let registry = ctx.registry()?;
    let verified = active(ctx, &registry, token)?;
    // RFC 9068 §4: «The resource server MUST validate that the aud claim contains a resource indicator
    // value corresponding to an identifier the resource server expects for itself.»
    if !verified.is_for(audience) {
        return Err(Error::new(
            Status::InvalidTokenAudience,
            "the access token is for another audience",
        ));
    }
    if let Some(missing) = scopes.iter().find(|scope| !verified.has_scope(scope)) {
        return Err(Error::new(
            Status::InsufficientScope,
            format!("the access token lacks the scope '{missing}'"),
        ));
    }
    Ok(verified)
}

/// An access token of this issuer's that is valid now and not revoked, whatever it is for.
pub(crate) fn active(ctx: &Context, registry: &Registry, token: &str) -> Result<AccessToken> {
    let verified = issued_here(ctx, registry, token)?;
    // RFC 7519 §4.1.4: not accepted «on or after» exp.
    if Timestamp::from_secs(verified.expires_at()) <= ctx.now()? {
        return Err(Error::new(
            Status::InvalidTokenExpired,
            "the access token has expired",
        ));
    }
    // RFC 7519 §4.1.5. The engine sets none; an API that shares a secret may.
    if Timestamp::from_secs(verified.number("nbf")) > ctx.now()? {
        return Err(Error::new(
            Status::InvalidToken,
            "the access token is not valid yet",
        ));
    }
    // RFC 7592 §2.3: what a client was given ends with the client.
    let client_is_gone = registry.client(verified.client_id()).is_none();
    if client_is_gone || is_revoked(ctx, &verified)? {
        return Err(Error::new(
            Status::InvalidTokenRevoked,
            "the access token was revoked",
        ));
    }
    Ok(verified)
}

/// An access token that this issuer signed, expired or revoked perhaps.
pub(crate) fn issued_here(ctx: &Context, registry: &Registry, token: &str) -> Result<AccessToken> {
    if token.is_empty() {
        return Err(Error::new(
            Status::InvalidTokenMissing,
            "the request has no access token",
        ));
    }
    let verified = jose::verify_with(token, |kid| registry.verification_key(kid))?;
    let kid = verified.key.kid();
    let token = AccessToken {
        claims: verified.claims,
        kid: kid.to_owned(),
        shares_a_secret: registry.keyring.find(kid).is_none(),
    };
    let invalid = |why: &str| {
        Error::new(
            Status::InvalidToken,
            "the token is not an access token of this server's",
        )
        .with_detail(why)
    };
    if token.text("iss") != ctx.issuer.as_str() {
        return Err(invalid("iss"));
    }
    if token.jti().is_empty() || token.subject().is_empty() || token.client_id().is_empty() {
        return Err(invalid("jti, sub or client_id is missing"));
    }
    // RFC 8725 §3.11: the type is explicit, so that no ID token passes for an access token.
    let typ = verified.typ.unwrap_or_default();
    let dialect = match typ.strip_prefix("application/").unwrap_or(&typ) {
        typ if typ.eq_ignore_ascii_case("at+jwt") => TokenDialect::Rfc9068,
        typ if typ.eq_ignore_ascii_case("jwt") => TokenDialect::Auth0,
        _ => return Err(invalid("typ")),
    };
    // A key speaks only for what it signs: an API that shares a secret signs for itself alone.
    let signs = |template: &Template| template.key().algorithm() == verified.key.algorithm();
    let is_own = |resource: &Resource| match resource.api.signing_secret {
        Some(_) => {
            resource.template.key().kid() == kid && token.is_for_only(&resource.api.identifier)
        }
        None => !token.shares_a_secret,
    };
    let fits = |resource: &Resource| {
        token.is_for(&resource.api.identifier)
            && resource.api.token_dialect == dialect
            && signs(&resource.template)
            && is_own(resource)
    };
    let for_userinfo = token.is_for(registry.userinfo_url())
        && dialect == TokenDialect::Rfc9068
        && signs(registry.userinfo());
    match for_userinfo || registry.resources().any(|resource| fits(resource)) {
        true => Ok(token),
        false => Err(invalid("aud, typ and key do not belong together")),
    }
}

/// The claims of an ID token that one of this issuer's own keys signed, however old. An access token
/// is refused: it has another `typ`, or in Auth0's dialect no `at_hash`, which every ID token has.
pub(crate) fn id_token_claims(registry: &Registry, token: &str) -> Result<Map<String, Value>> {
    let verified = jose::verify(token, &registry.keyring)?;
    let asymmetric = verified.key.algorithm() != Algorithm::HS256;
    match verified.typ.as_deref() {
        Some("JWT") if asymmetric && verified.claims.contains_key("at_hash") => Ok(verified.claims),
        _ => Err(Error::new(Status::InvalidToken, "the token is no ID token")),
    }
}

/// Whether the token was revoked, or the grant that it was issued under.
fn is_revoked(ctx: &Context, token: &AccessToken) -> Result<bool> {
    if ctx.store.load(&revocation_mark(token))?.is_some() {
        return Ok(true);
    }
    let Some(key) = Jti::grant(token.jti()) else {
        return Ok(false);
    };
    Ok(match ctx.store.load(&key)? {
        Some(Loaded {
            record: Record::Grant(grant),
            ..
        }) => grant.revoked.is_some(),
        // The record is kept until its last access token ends: where there is none, nothing lives.
        _ => true,
    })
}

/// Where the store remembers that one token was revoked. The key is part of it: who can sign with one
/// key cannot revoke what another has signed.
pub(crate) fn revocation_mark(token: &AccessToken) -> Key {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in ["grantlet revoked access token", &token.kid, token.jti()] {
        context.update(part.as_bytes());
        context.update(b"\0");
    }
    let mut key = [0; Key::LEN];
    key.copy_from_slice(&context.finish().as_ref()[..Key::LEN]);
    Key::new(key)
}
