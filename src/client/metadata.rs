//! A client's metadata as JSON: RFC 7591 §2 with Auth0's names as aliases, in; the former alone, out.
//!
//! Knows the names and the shapes; what has to hold of the values is for [`ClientBuilder::build`], so
//! that what is read back was validated like everything else.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ApplicationType, AuthMethod, Client, ClientBuilder, ClientGrant, GrantType, Leeway,
    RefreshPolicy,
};
use crate::error::Result;
use crate::fields::{Fields, config};
use crate::redirect_uri::RedirectUri;
use crate::secret::{Secret, SecretHash};

impl Client {
    /// Reads the metadata; Auth0's names are taken for the same things. `defaults` is the refresh
    /// policy that the object's own keys start from.
    pub(crate) fn from_json(path: String, value: Value, defaults: &RefreshPolicy) -> Result<Self> {
        let mut fields = Fields::new(path, value)?;
        let mut client = ClientBuilder::new(fields.require(&["client_id"])?);
        client.path = fields.path().to_owned();
        client.client_name = fields.take(&["client_name", "name"])?;
        client.secrets = fields
            .take::<String>(&["client_secret"])?
            .map(Secret::new)
            .into_iter()
            .collect();
        for hash in fields
            .take::<OneOrMany>(&["client_secret_hash"])?
            .map_or(Vec::new(), OneOrMany::into_vec)
        {
            let hash = SecretHash::parse(&hash).ok_or_else(|| {
                config(
                    fields.path(),
                    "client_secret_hash must be 'sha256$<salt>$<hash>'",
                )
            })?;
            client.secret_hashes.push(hash);
        }
        client.auth_method = fields
            .take::<String>(&["token_endpoint_auth_method"])?
            .map(|name| {
                AuthMethod::ALL
                    .into_iter()
                    .find(|method| method.name() == name)
                    .ok_or_else(|| {
                        config(
                            fields.path(),
                            format!("token_endpoint_auth_method '{name}' is not supported"),
                        )
                    })
            })
            .transpose()?;
        client.application_type = application_type(&mut fields)?;
        client.redirect_uris = fields
            .take(&["redirect_uris", "callbacks"])?
            .unwrap_or_default();
        client.dangerous_http_redirect_uris = fields
            .take(&["dangerous_http_redirect_uris"])?
            .unwrap_or(false);
        client.grant_types = grant_types(&mut fields)?;
        client.scope = fields.take(&["scope"])?;
        for (path, grant) in fields.list(&["client_grants"])? {
            let mut grant = Fields::new(path, grant)?;
            client.client_grants.push((
                grant.require(&["audience"])?,
                grant.take(&["scope"])?.unwrap_or_default(),
            ));
            grant.finish()?;
        }
        client.require_pkce = fields.take(&["require_pkce"])?;
        client.require_auth_time = fields.take(&["require_auth_time"])?.unwrap_or(false);
        client.default_max_age = fields.take(&["default_max_age"])?;
        client.id_token_lifetime = fields.take(&["id_token_lifetime"])?;
        let mut algorithm = fields.take(&["id_token_signed_response_alg"])?;
        if let Some(mut jwt) = fields.object(&["jwt_configuration"])? {
            algorithm = algorithm.or(jwt.take(&["alg"])?);
            client.id_token_lifetime = client
                .id_token_lifetime
                .or(jwt.take(&["lifetime_in_seconds"])?);
            jwt.ignore(&["secret_encoded", "scopes"]);
            jwt.finish()?;
        }
        client.id_token_signed_response_alg = algorithm.unwrap_or_default();
        client.refresh_token = match fields.object(&["refresh_token"])? {
            Some(fields) => Some(policy_from_json(fields, defaults)?),
            None => None,
        };
        // To pass these over would weaken the client in silence.
        for name in [
            "require_proof_of_possession",
            "require_pushed_authorization_requests",
        ] {
            if fields.take(&[name])?.unwrap_or(false) {
                return Err(config(fields.path(), format!("{name} is not supported")));
            }
        }
        if fields
            .take::<Value>(&["client_authentication_methods"])?
            .is_some()
        {
            let what = "client_authentication_methods (private_key_jwt, tls_client_auth) are not supported";
            return Err(config(fields.path(), what));
        }
        fields.ignore(&AUTH0_ONLY);
        fields.finish()?;
        client.build()
    }

    /// Writes the metadata: what [`Client::from_json`] reads again as an equal client, whatever the
    /// defaults that it is read with. Holds hashes of the secrets, not the secrets.
    pub(crate) fn to_json(&self) -> Value {
        // Without `..`: a field that is not written does not compile.
        let Client {
            client_id,
            client_name,
            secrets,
            auth_method,
            application_type,
            redirect_uris,
            grant_types,
            scope,
            client_grants,
            require_pkce,
            require_auth_time,
            default_max_age,
            id_token_signed_response_alg,
            id_token_lifetime,
            refresh_token,
        } = self;
        let needs_http = |uri: &RedirectUri| {
            RedirectUri::register(uri.as_str(), *application_type, false).is_err()
        };
        let client_grant = |grant: &ClientGrant| {
            let ClientGrant { audience, scope } = grant;
            json!({ "audience": audience, "scope": scope.iter().collect::<Vec<_>>() })
        };
        json!({
            "client_id": client_id,
            "client_name": client_name,
            "client_secret_hash": secrets.iter().map(SecretHash::to_string).collect::<Vec<_>>(),
            "token_endpoint_auth_method": auth_method,
            "application_type": application_type,
            "redirect_uris": redirect_uris.iter().map(RedirectUri::as_str).collect::<Vec<_>>(),
            "dangerous_http_redirect_uris": redirect_uris.iter().any(needs_http),
            "grant_types": grant_types,
            "scope": scope,
            "client_grants": client_grants.iter().map(client_grant).collect::<Vec<_>>(),
            "require_pkce": require_pkce,
            "require_auth_time": require_auth_time,
            "default_max_age": default_max_age,
            "id_token_signed_response_alg": id_token_signed_response_alg,
            "id_token_lifetime": id_token_lifetime,
            "refresh_token": refresh_token.as_ref().map(policy_to_json),
        })
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn into_vec(self) -> Vec<String> {
        match self {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        }
    }
}

fn application_type(fields: &mut Fields) -> Result<Option<ApplicationType>> {
    let name = fields.take::<String>(&["application_type", "app_type"])?;
    Ok(Some(match name.as_deref() {
        None => return Ok(None),
        Some("web" | "regular_web") => ApplicationType::Web,
        Some("native") => ApplicationType::Native,
        Some("spa") => ApplicationType::Spa,
        Some("service" | "non_interactive") => ApplicationType::Service,
        Some(other) => {
            let what =
                format!("application_type '{other}' is not one of web, native, spa, service");
            return Err(config(fields.path(), what));
        }
    }))
}

/// The grant types; those that an exported tenant may list and that nobody should use any more, or
/// that belong to parts which are not here, are passed over.
fn grant_types(fields: &mut Fields) -> Result<Option<Vec<GrantType>>> {
    let Some(names) = fields.take::<Vec<String>>(&["grant_types"])? else {
        return Ok(None);
    };
    let mut grant_types = Vec::new();
    for name in names {
        match GrantType::from_name(&name) {
            Some(grant_type) => grant_types.push(grant_type),
            None if matches!(name.as_str(), "implicit" | "password") || name.contains(':') => {}
            None => {
                return Err(config(
                    fields.path(),
                    format!("grant_types holds '{name}', which is unknown"),
                ));
            }
        }
    }
    Ok(Some(grant_types))
}

/// Reads a refresh policy; what is not said stays as in `defaults`.
pub(crate) fn policy_from_json(
    mut fields: Fields,
    defaults: &RefreshPolicy,
) -> Result<RefreshPolicy> {
    let mut policy = *defaults;
    match fields.take::<String>(&["rotation_type"])?.as_deref() {
        None => {}
        Some("rotating") => policy.rotation = true,
        Some("non-rotating") => policy.rotation = false,
        Some(_) => {
            return Err(config(
                fields.path(),
                "rotation_type must be 'rotating' or 'non-rotating'",
            ));
        }
    }
    match fields.take::<Value>(&["leeway"])? {
        None => {}
        Some(Value::String(text)) if text == "until_used" => policy.leeway = Leeway::UntilUsed,
        Some(value) => {
            let secs = value.as_u64().and_then(|secs| u32::try_from(secs).ok());
            policy.leeway =
                Leeway::Seconds(secs.ok_or_else(|| {
                    config(fields.path(), "leeway must be seconds or 'until_used'")
                })?);
        }
    }
    if let Some(secs) = fields.take(&["token_lifetime"])? {
        policy.token_lifetime = Some(secs);
    }
    if let Some(secs) = fields.take(&["idle_token_lifetime"])? {
        policy.idle_token_lifetime = Some(secs);
    }
    if fields.take(&["infinite_token_lifetime"])?.unwrap_or(false) {
        policy.token_lifetime = None;
    }
    if fields
        .take(&["infinite_idle_token_lifetime"])?
        .unwrap_or(false)
    {
        policy.idle_token_lifetime = None;
    }
    match fields.take::<String>(&["expiration_type"])?.as_deref() {
        None | Some("expiring") => {}
        Some("non-expiring") => {
            policy.token_lifetime = None;
            policy.idle_token_lifetime = None;
        }
        Some(_) => {
            return Err(config(
                fields.path(),
                "expiration_type must be 'expiring' or 'non-expiring'",
            ));
        }
    }
    if let Some(count) = fields.take(&["max_live_grants"])? {
        policy.max_live_grants = count;
    }
    if let Some(allow) = fields.take(&["dangerous_public_without_rotation"])? {
        policy.dangerous_public_without_rotation = allow;
    }
    if let Some(accept) = fields.take(&["dangerous_accept_ahead"])? {
        policy.dangerous_accept_ahead = accept;
    }
    fields.ignore(&["policies"]);
    fields.finish()?;
    Ok(policy)
}

/// Writes a refresh policy with every key that a default could stand in for.
fn policy_to_json(policy: &RefreshPolicy) -> Value {
    let RefreshPolicy {
        rotation,
        leeway,
        token_lifetime,
        idle_token_lifetime,
        max_live_grants,
        dangerous_public_without_rotation,
        dangerous_accept_ahead,
    } = policy;
    json!({
        "rotation_type": if *rotation { "rotating" } else { "non-rotating" },
        "leeway": match leeway {
            Leeway::Seconds(secs) => json!(secs),
            Leeway::UntilUsed => json!("until_used"),
        },
        "token_lifetime": token_lifetime,
        "infinite_token_lifetime": token_lifetime.is_none(),
        "idle_token_lifetime": idle_token_lifetime,
        "infinite_idle_token_lifetime": idle_token_lifetime.is_none(),
        "max_live_grants": max_live_grants,
        "dangerous_public_without_rotation": dangerous_public_without_rotation,
        "dangerous_accept_ahead": dangerous_accept_ahead,
    })
}

/// What Auth0's Management API exports beside, and what has no counterpart here.
const AUTH0_ONLY: [&str; 40] = [
    "addons",
    "allow_all_scopes",
    "allowed_clients",
    "allowed_logout_urls",
    "allowed_origins",
    "async_approval_notification_channels",
    "callback_url_template",
    "client_aliases",
    "client_metadata",
    "client_uri",
    "compliance_level",
    "cross_origin_auth",
    "cross_origin_authentication",
    "cross_origin_loc",
    "custom_login_page",
    "custom_login_page_on",
    "custom_login_page_preview",
    "default_organization",
    "description",
    "encryption_key",
    "form_template",
    "global",
    "initiate_login_uri",
    "is_first_party",
    "is_token_endpoint_ip_header_trusted",
    "logo_uri",
    "mobile",
    "native_social_login",
    "oidc_backchannel_logout",
    "oidc_conformant",
    "oidc_logout",
    "organization_require_behavior",
    "organization_usage",
    "par_request_expiry",
    "signed_request_object",
    "signing_keys",
    "sso",
    "sso_disabled",
    "tenant",
    "web_origins",
];

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    use super::*;
    use crate::jose::Algorithm;

    fn read(json: Value, defaults: &RefreshPolicy) -> Client {
        Client::from_json("client".into(), json, defaults).unwrap()
    }

    /// Writes it, as text, and reads it again.
    fn again(client: &Client, defaults: &RefreshPolicy) -> Client {
        let text = client.to_json().to_string();
        read(serde_json::from_str(&text).unwrap(), defaults)
    }

    /// `Debug` shows every field, and of the secrets their number; the rest of them is their text form.
    fn shown(client: &Client) -> (String, Vec<String>) {
        let hashes = client.secrets.iter().map(ToString::to_string).collect();
        (format!("{client:?}"), hashes)
    }

    const REDIRECT_URIS: [&str; 7] = [
        "https://app.example.com/cb?x=1",
        "http://127.0.0.1/cb",
        "http://[::1]:8080",
        "http://localhost:3000/",
        "http://idp:8080/cb",
        "com.example.app:/cb",
        "https://app.example.com/cb?x=1",
    ];
    const APPLICATION_TYPES: [ApplicationType; 4] = [
        ApplicationType::Web,
        ApplicationType::Native,
        ApplicationType::Spa,
        ApplicationType::Service,
    ];
    const ID_TOKEN_ALGS: [Algorithm; 5] = [
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
        Algorithm::RS256,
        Algorithm::PS256,
    ];

    fn policy() -> impl Strategy<Value = RefreshPolicy> {
        let lifetime = || option::of(1..=u32::MAX);
        let leeway = option::of(any::<u32>())
            .prop_map(|secs| secs.map_or(Leeway::UntilUsed, Leeway::Seconds));
        let flags = any::<[bool; 3]>();
        (flags, leeway, lifetime(), lifetime(), 1..=u32::MAX).prop_map(
            |(flags, leeway, token_lifetime, idle_token_lifetime, max_live_grants)| RefreshPolicy {
                rotation: flags[0],
                leeway,
                token_lifetime,
                idle_token_lifetime,
                max_live_grants,
                dangerous_public_without_rotation: flags[1],
                dangerous_accept_ahead: flags[2],
            },
        )
    }

    /// How a client proves itself: no secret, or up to as many as there may be.
    fn credentials() -> impl Strategy<Value = (Vec<Secret>, Option<AuthMethod>)> {
        let secret = vec(any::<u8>(), 1..40).prop_map(Secret::new);
        (
            vec(secret, 0..=super::super::MAX_SECRETS),
            option::of(select(&AuthMethod::ALL[..])),
        )
            .prop_map(|(secrets, method)| match secrets.is_empty() {
                true => (secrets, Some(AuthMethod::None)),
                false => (secrets, method),
            })
    }

    prop_compose! {
        /// Any client that the builder makes, with the secrets that it was made of.
        fn client()(
            (client_id, client_name) in ("[ -~]{1,20}", option::of(".{0,20}")),
            (secrets, auth_method) in credentials(),
            application_type in option::of(select(&APPLICATION_TYPES[..])),
            (uris, http) in (subsequence(&REDIRECT_URIS[..], 0..=7), any::<bool>()),
            grant_types in option::of(vec(select(&GrantType::ALL[..]), 0..5)),
            scope in option::of("([!#-Z]{1,4} {0,2}){0,5}"),
            client_grants in vec((".{0,20}", vec("[!#-Z]{1,4}", 0..4)), 0..3),
            (require_pkce, require_auth_time) in (option::of(any::<bool>()), any::<bool>()),
            default_max_age in option::of(any::<u32>()),
            algorithm in select(&ID_TOKEN_ALGS[..]),
            id_token_lifetime in option::of(1..=u32::MAX),
            refresh_token in option::of(policy()),
        ) -> (Client, Vec<Secret>) {
            let public = auth_method == Some(AuthMethod::None);
            let mut client = ClientBuilder::new(client_id)
                .dangerous_http_redirect_uris(http)
                .require_auth_time(require_auth_time)
                .id_token_signed_response_alg(algorithm);
            client.client_name = client_name;
            client.secrets = secrets.clone();
            client.auth_method = auth_method;
            client.application_type = application_type;
            // What the builder makes of a client that says nothing.
            let platform = application_type.unwrap_or(match public {
                true => ApplicationType::Native,
                false => ApplicationType::Web,
            });
            for uri in uris {
                if RedirectUri::register(uri, platform, http).is_ok() {
                    client = client.redirect_uri(uri);
                }
            }
            client.grant_types = grant_types;
            client.scope = scope;
            client.client_grants = client_grants;
            client.require_pkce = require_pkce;
            client.default_max_age = default_max_age;
            client.id_token_lifetime = id_token_lifetime;
            client.refresh_token = refresh_token;
            if public {
                // What a public client may not.
                let mut named = client.grant_types.unwrap_or(vec![GrantType::RefreshToken]);
                named.retain(|grant_type| *grant_type != GrantType::ClientCredentials);
                client.grant_types = Some(named);
                if let Some(policy) = &mut client.refresh_token {
                    policy.dangerous_public_without_rotation |= !policy.rotation;
                }
            }
            (client.build().unwrap(), if public { Vec::new() } else { secrets })
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again_as_it_was((client, secrets) in client(), defaults in policy()) {
            let read = again(&client, &defaults);
            prop_assert_eq!(shown(&read), shown(&client));
            prop_assert_eq!(read.to_json(), client.to_json());
            for secret in secrets {
                prop_assert!(read.has_secret(secret.expose()));
            }
        }
    }

    #[test]
    fn what_was_read_under_auth0s_names_is_written_under_ours() {
        let tenant = include_str!("../../tests/vectors/auth0_tenant.json");
        let tenant: Value = serde_json::from_str(tenant).unwrap();
        let policy = RefreshPolicy {
            token_lifetime: None,
            ..RefreshPolicy::default()
        };
        for json in tenant["clients"].as_array().unwrap() {
            // The export of the phone app breaks RFC 9700: it is the tests of the configuration that say so.
            let mut json = json.clone();
            json["refresh_token"]["dangerous_public_without_rotation"] = true.into();
            let client = read(json.clone(), &policy);
            let written = client.to_json();
            assert_eq!(
                shown(&again(&client, &RefreshPolicy::default())),
                shown(&client)
            );
            for (ours, auth0s) in [
                ("client_name", "/name"),
                ("redirect_uris", "/callbacks"),
                ("token_endpoint_auth_method", "/token_endpoint_auth_method"),
                ("id_token_signed_response_alg", "/jwt_configuration/alg"),
                (
                    "id_token_lifetime",
                    "/jwt_configuration/lifetime_in_seconds",
                ),
            ] {
                assert_eq!(Some(&written[ours]), json.pointer(auth0s), "{ours}");
            }
            for (name, value) in written["refresh_token"].as_object().unwrap() {
                let said = &json["refresh_token"][name];
                // An infinite lifetime leaves nothing of the finite one beside it.
                assert!(said.is_null() || value.is_null() || said == value, "{name}");
            }
        }
    }

    #[test]
    fn every_platform_auth_method_and_grant_type_has_a_name_that_is_read() {
        for application_type in APPLICATION_TYPES {
            for method in [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost] {
                for grant_type in GrantType::ALL {
                    let client = Client::confidential("c", "s")
                        .application_type(application_type)
                        .token_endpoint_auth_method(method)
                        .grant_types([grant_type, grant_type])
                        .build()
                        .unwrap();
                    let read = again(&client, &RefreshPolicy::default());
                    assert_eq!(shown(&read), shown(&client));
                    assert_eq!(read.application_type, application_type);
                    assert_eq!(read.auth_method, method);
                    assert_eq!(read.grant_types, [grant_type]);
                }
            }
        }
    }

    #[test]
    fn a_client_is_written_with_the_flag_that_its_redirect_uris_need_and_no_other() {
        for uri in REDIRECT_URIS {
            let client = Client::public("app")
                .dangerous_http_redirect_uris(true)
                .redirect_uri(uri)
                .build()
                .unwrap();
            let flag = &client.to_json()["dangerous_http_redirect_uris"];
            assert_eq!(flag, uri.contains("idp"), "{uri}");
            assert!(again(&client, &RefreshPolicy::default()).redirect_uris[0].matches(uri));
        }
    }

    #[test]
    fn no_policy_stays_none_and_a_written_one_asks_no_default() {
        let none = Client::public("app").build().unwrap();
        let policy = RefreshPolicy::default();
        assert_eq!(again(&none, &policy).refresh_token, None);
        let other = RefreshPolicy {
            rotation: false,
            leeway: Leeway::UntilUsed,
            token_lifetime: None,
            idle_token_lifetime: None,
            max_live_grants: 1,
            dangerous_public_without_rotation: true,
            dangerous_accept_ahead: true,
        };
        for (policy, defaults) in [(policy, other), (other, policy)] {
            let client = Client::public("app").refresh_token(policy).build().unwrap();
            assert_eq!(again(&client, &defaults).refresh_token, Some(policy));
        }
    }

    #[test]
    fn the_secret_itself_is_not_written() {
        let client = Client::confidential("web", "correct horse")
            .build()
            .unwrap();
        assert!(!client.to_json().to_string().contains("horse"));
        assert!(again(&client, &RefreshPolicy::default()).has_secret(b"correct horse"));
    }

    #[test]
    fn dangerous_accept_ahead_is_off_unless_said() {
        for (json, accepts) in [
            (json!({}), false),
            (json!({ "dangerous_accept_ahead": true }), true),
            (json!({ "dangerous_accept_ahead": false }), false),
        ] {
            let fields = Fields::new("", json).unwrap();
            let policy = policy_from_json(fields, &RefreshPolicy::default()).unwrap();
            assert_eq!(policy.dangerous_accept_ahead, accepts);
        }
    }
}
