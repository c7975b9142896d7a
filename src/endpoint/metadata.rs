//! The server's metadata (OIDC Discovery §3, RFC 8414 §2): one document for both, made from what the
//! engine can do at this moment.

use serde_json::{Value, json};

use crate::client::{AuthMethod, GrantType};
use crate::endpoint::Context;
use crate::scope::OPENID_SCOPES;

/// See `Engine::metadata`.
pub(crate) fn metadata(ctx: &Context) -> Value {
    let registry = ctx.registry();
    let url = |path: &str| ctx.issuer.url(path);
    let endpoints = &ctx.endpoints;
    let mut scopes: Vec<&str> = OPENID_SCOPES.to_vec();
    let mut of_apis: Vec<&str> = registry
        .resources()
        .flat_map(|r| &r.api.scopes)
        .map(|s| s.value.as_str())
        .collect();
    of_apis.sort_unstable();
    of_apis.dedup();
    scopes.append(&mut of_apis);
    let methods = AuthMethod::ALL.map(AuthMethod::name);
    let secret_methods = [
        AuthMethod::ClientSecretBasic.name(),
        AuthMethod::ClientSecretPost.name(),
    ];
    let algorithms: Vec<&str> = registry
        .id_token_algorithms()
        .map(|algorithm| algorithm.name())
        .collect();
    let mut document = json!({
        "issuer": ctx.issuer.as_str(),
        "authorization_endpoint": url(&endpoints.authorization),
        "token_endpoint": url(&endpoints.token),
        "revocation_endpoint": url(&endpoints.revocation),
        "introspection_endpoint": url(&endpoints.introspection),
        "userinfo_endpoint": url(&endpoints.userinfo),
        "jwks_uri": url(&endpoints.jwks),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": GrantType::ALL.map(GrantType::name),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": secret_methods,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid"],
        "claims_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
    });
    if !ctx.acr_values_supported.is_empty() {
        document["acr_values_supported"] = json!(ctx.acr_values_supported);
    }
    if !ctx.ui_locales_supported.is_empty() {
        document["ui_locales_supported"] = json!(ctx.ui_locales_supported);
    }
    if let Some(documentation) = &ctx.service_documentation {
        document["service_documentation"] = json!(documentation);
    }
    document
}
