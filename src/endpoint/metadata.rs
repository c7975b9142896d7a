//! The server's metadata (OIDC Discovery §3, RFC 8414 §2): one document for both, made from what the
//! engine can do at this moment.

use serde_json::{Map, Value};

use crate::client::{AuthMethod, GrantType};
use crate::endpoint::Context;
use crate::jose::Algorithm;
use crate::registry::Registry;
use crate::scope::OPENID_SCOPES;

/// See `Engine::metadata`.
pub(crate) fn metadata(ctx: &Context) -> Value {
    let registry = ctx.registry_or_last();
    let endpoints = &ctx.endpoints;
    let methods = AuthMethod::ALL.map(AuthMethod::name);
    let secret_methods =
        [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost].map(AuthMethod::name);
    let algorithms: Vec<&str> = registry
        .id_token_algorithms()
        .map(Algorithm::name)
        .collect();
    let urls = [
        ("authorization_endpoint", &endpoints.authorization),
        ("token_endpoint", &endpoints.token),
        ("revocation_endpoint", &endpoints.revocation),
        ("introspection_endpoint", &endpoints.introspection),
        ("userinfo_endpoint", &endpoints.userinfo),
        ("jwks_uri", &endpoints.jwks),
    ];
    let lists: [(&str, &[&str]); 14] = [
        ("scopes_supported", &scopes(&registry)),
        ("response_types_supported", &["code"]),
        (
            "response_modes_supported",
            &["query", "fragment", "form_post"],
        ),
        (
            "grant_types_supported",
            &GrantType::ALL.map(GrantType::name),
        ),
        ("subject_types_supported", &["public"]),
        ("id_token_signing_alg_values_supported", &algorithms),
        ("token_endpoint_auth_methods_supported", &methods),
        ("revocation_endpoint_auth_methods_supported", &methods),
        (
            "introspection_endpoint_auth_methods_supported",
            &secret_methods,
        ),
        ("code_challenge_methods_supported", &["S256"]),
        (
            "prompt_values_supported",
            &["none", "login", "consent", "select_account"],
        ),
        (
            "claims_supported",
            &[
                "iss",
                "sub",
                "aud",
                "exp",
                "iat",
                "auth_time",
                "nonce",
                "acr",
                "amr",
                "at_hash",
                "sid",
            ],
        ),
        ("acr_values_supported", &texts(&ctx.acr_values_supported)),
        ("ui_locales_supported", &texts(&ctx.ui_locales_supported)),
    ];
    let flags = [
        ("claims_parameter_supported", true),
        ("request_parameter_supported", false),
        ("request_uri_parameter_supported", false),
        ("authorization_response_iss_parameter_supported", true),
    ];

    let mut document = Map::new();
    document.insert("issuer".into(), ctx.issuer.as_str().into());
    for (name, path) in urls {
        document.insert(name.into(), ctx.issuer.url(path).into());
    }
    for (name, values) in lists {
        if !values.is_empty() {
            document.insert(name.into(), values.into());
        }
    }
    for (name, value) in flags {
        document.insert(name.into(), value.into());
    }
    if let Some(documentation) = &ctx.service_documentation {
        document.insert(
            "service_documentation".into(),
            documentation.as_str().into(),
        );
    }
    document.into()
}

/// OpenID Connect's scopes, and those of the APIs.
fn scopes(registry: &Registry) -> Vec<&str> {
    let of_apis = registry
        .resources()
        .flat_map(|resource| &resource.api.scopes);
    let mut of_apis: Vec<&str> = of_apis.map(|scope| scope.value.as_str()).collect();
    of_apis.sort_unstable();
    of_apis.dedup();
    OPENID_SCOPES.into_iter().chain(of_apis).collect()
}

fn texts(values: &[String]) -> Vec<&str> {
    values.iter().map(String::as_str).collect()
}
