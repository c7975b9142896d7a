//! UserInfo (OIDC Core §5.3): who the user of an access token is.
//!
//! The host knows the users; it says what it knows, and what each scope may see goes out.

use serde_json::{Map, Value};

use crate::endpoint::Context;
use crate::endpoint::access_token::active;
use crate::error::{Error, Result, Status};
use crate::scope::OPENID;

/// What the host knows of its users.
pub trait UserClaims: Send + Sync {
    /// The claims of a user; `None`: there is no such user any more. Those that OIDC Core §5.4 binds to
    /// a scope go out only where that scope was granted, all others always. `sub` is the engine's.
    ///
    /// # Errors
    /// Whatever the host has: the request fails with `server_error`.
    fn claims(&self, request: &UserClaimsRequest<'_>) -> Result<Option<Map<String, Value>>>;
}

impl<F> UserClaims for F
where
    F: Fn(&UserClaimsRequest<'_>) -> Result<Option<Map<String, Value>>> + Send + Sync,
{
    fn claims(&self, request: &UserClaimsRequest<'_>) -> Result<Option<Map<String, Value>>> {
        self(request)
    }
}

/// Whose claims are wanted, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct UserClaimsRequest<'a> {
    /// The user.
    pub subject: &'a str,
    /// The client that asks.
    pub client_id: &'a str,
    /// The access token's scope, as its tokens separated by spaces.
    pub scope: &'a str,
}

/// See `Engine::userinfo`.
pub(crate) fn userinfo(ctx: &Context, access_token: &str) -> Result<Map<String, Value>> {
    answer(ctx, access_token).map_err(|error| ctx.refused("userinfo", None, error))
}

fn answer(ctx: &Context, access_token: &str) -> Result<Map<String, Value>> {
    let registry = ctx.registry()?;
    let token = active(ctx, &registry, access_token)?;
    // Whoever shares the secret could have made it, for any user.
    if token.shares_a_secret() {
        return Err(Error::new(
            Status::InvalidTokenAudience,
            "the access token is for an API with a secret of its own, and for that alone",
        ));
    }
    // The issuer is its own resource server here: any access token of its own will do, if it was
    // granted `openid`.
    if !token.has_scope(OPENID) {
        return Err(Error::new(
            Status::InsufficientScope,
            "the access token lacks the scope 'openid'",
        ));
    }
    let request = UserClaimsRequest {
        subject: token.subject(),
        client_id: token.client_id(),
        scope: token.scope(),
    };
    let known = match &ctx.user_claims {
        None => Some(Map::new()),
        Some(source) => source.claims(&request)?,
    };
    let mut claims = known
        .ok_or_else(|| Error::new(Status::InvalidToken, "the user of the access token is gone"))?;
    claims.retain(|name, value| {
        !value.is_null() && scope_of(name).is_none_or(|scope| token.has_scope(scope))
    });
    claims.insert("sub".into(), token.subject().into());
    Ok(claims)
}

/// The scope that a claim needs (OIDC Core §5.4).
fn scope_of(claim: &str) -> Option<&'static str> {
    match claim {
        "name" | "family_name" | "given_name" | "middle_name" | "nickname"
        | "preferred_username" | "profile" | "picture" | "website" | "gender" | "birthdate"
        | "zoneinfo" | "locale" | "updated_at" => Some("profile"),
        "email" | "email_verified" => Some("email"),
        "address" => Some("address"),
        "phone_number" | "phone_number_verified" => Some("phone"),
        _ => None,
    }
}
