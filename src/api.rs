//! An API (resource server): what an access token can be for.
//!
//! Knows its own metadata and how to read and write it as JSON; knows no client, no key and no token.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};

use crate::error::Result;
use crate::fields::{Fields, config};
use crate::jose::Algorithm;
use crate::scope::{OPENID_SCOPES, Scope};
use crate::secret::{Secret, SecretText};

/// The shape of an API's access tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenDialect {
    /// `typ: at+jwt` with the claims of RFC 9068.
    #[default]
    Rfc9068,
    /// `typ: JWT`, `azp`, `gty`, and `/userinfo` in `aud`: what Auth0 issues by default.
    Auth0,
}

/// One scope of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiScope {
    /// The scope token.
    pub value: String,
    /// What it allows, for a consent page.
    pub description: String,
}

/// An API's metadata.
///
/// ```
/// # use grantlet::Api;
/// let api = Api::new("https://api.example.com/")
///     .scope("read:notes", "Read your notes")
///     .allow_offline_access(true);
/// ```
#[derive(Clone, Debug)]
pub struct Api {
    pub(crate) identifier: String,
    pub(crate) name: Option<String>,
    pub(crate) scopes: Vec<ApiScope>,
    pub(crate) allow_offline_access: bool,
    pub(crate) token_lifetime: Option<u32>,
    pub(crate) signing_alg: Algorithm,
    pub(crate) signing_secret: Option<Secret>,
    pub(crate) token_dialect: TokenDialect,
    pub(crate) introspection_clients: Vec<String>,
}

impl Api {
    /// An API whose access tokens carry `identifier` as their `aud`: best an absolute URI without a
    /// fragment, so that a client can also name it as `resource` (RFC 8707 §2). Never fetched.
    pub fn new(identifier: impl Into<String>) -> Self {
        Api {
            identifier: identifier.into(),
            name: None,
            scopes: Vec::new(),
            allow_offline_access: false,
            token_lifetime: None,
            signing_alg: Algorithm::ES256,
            signing_secret: None,
            token_dialect: TokenDialect::Rfc9068,
            introspection_clients: Vec::new(),
        }
    }

    /// A name for people.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds a scope that a client may ask for.
    #[must_use]
    pub fn scope(mut self, value: impl Into<String>, description: impl Into<String>) -> Self {
        self.scopes.push(ApiScope {
            value: value.into(),
            description: description.into(),
        });
        self
    }

    /// Whether a client may hold a refresh token for this API. Off unless said.
    #[must_use]
    pub fn allow_offline_access(mut self, allow: bool) -> Self {
        self.allow_offline_access = allow;
        self
    }

    /// Seconds that an access token lives.
    #[must_use]
    pub fn token_lifetime(mut self, secs: u32) -> Self {
        self.token_lifetime = Some(secs);
        self
    }

    /// The algorithm that signs the access tokens; ES256 unless said.
    #[must_use]
    pub fn signing_alg(mut self, algorithm: Algorithm) -> Self {
        self.signing_alg = algorithm;
        self
    }

    /// Signs with HS256 under a secret that this API shares: at least 32 bytes (RFC 7518 §3.2).
    #[must_use]
    pub fn signing_secret(mut self, secret: impl Into<Vec<u8>>) -> Self {
        self.signing_alg = Algorithm::HS256;
        self.signing_secret = Some(Secret::new(secret));
        self
    }

    /// The shape of the access tokens.
    #[must_use]
    pub fn token_dialect(mut self, dialect: TokenDialect) -> Self {
        self.token_dialect = dialect;
        self
    }

    /// Lets a confidential client introspect this API's access tokens (RFC 7662 §2.1): the client
    /// that the API itself authenticates as.
    #[must_use]
    pub fn introspection_client(mut self, client_id: impl Into<String>) -> Self {
        self.introspection_clients.push(client_id.into());
        self
    }

    /// The `aud` of its access tokens.
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    pub(crate) fn has_scope(&self, token: &str) -> bool {
        self.scopes.iter().any(|scope| scope.value == token)
    }

    /// Reads the metadata; Auth0's names are taken for the same things.
    pub(crate) fn from_json(path: String, value: Value) -> Result<Self> {
        let mut fields = Fields::new(path, value)?;
        let mut api = Api::new(fields.require::<String>(&["identifier"])?);
        api.name = fields.take(&["name"])?;
        for (path, scope) in fields.list(&["scopes"])? {
            api.scopes.push(scope_from_json(path, scope)?);
        }
        api.allow_offline_access = fields.take(&["allow_offline_access"])?.unwrap_or(false);
        api.token_lifetime = fields.take(&["token_lifetime"])?;
        let secret = signing_secret(&mut fields)?;
        let default_alg = if secret.is_some() {
            Algorithm::HS256
        } else {
            Algorithm::ES256
        };
        api.signing_alg = fields.take(&["signing_alg"])?.unwrap_or(default_alg);
        // An exported tenant carries a secret whatever the algorithm; it means something for HS256 only.
        api.signing_secret = secret.filter(|_| api.signing_alg == Algorithm::HS256);
        api.token_dialect = match fields.take::<String>(&["token_dialect"])?.as_deref() {
            None | Some("rfc9068_profile" | "rfc9068_profile_authz") => TokenDialect::Rfc9068,
            Some("access_token" | "access_token_authz") => TokenDialect::Auth0,
            Some(_) => {
                return Err(config(
                    fields.path(),
                    "token_dialect must be 'rfc9068_profile' or 'access_token' (either may end in '_authz')",
                ));
            }
        };
        api.introspection_clients = fields.take(&["introspection_clients"])?.unwrap_or_default();
        // To pass it over would weaken the API in silence.
        if fields
            .take::<Value>(&["proof_of_possession"])?
            .is_some_and(|proof| proof["required"] == true)
        {
            let what = "requires proof_of_possession, which is not supported";
            return Err(config(fields.path(), what));
        }
        if fields.take::<Value>(&["token_encryption"])?.is_some() {
            return Err(config(
                fields.path(),
                "has token_encryption, which is not supported",
            ));
        }
        fields.ignore(&AUTH0_ONLY);
        api.validate(fields.path())?;
        fields.finish()?;
        Ok(api)
    }

    /// Writes the metadata: what [`Api::from_json`] reads again as an equal API, if this one is valid.
    ///
    /// Holds the `signing_secret` in clear, for the caller to seal: always as `signing_secret_base64url`,
    /// because from Rust it may be any bytes, and JSON text would take UTF-8 only.
    pub(crate) fn to_json(&self) -> Value {
        // Without `..`: a field that is not written does not compile.
        let Api {
            identifier,
            name,
            scopes,
            allow_offline_access,
            token_lifetime,
            signing_alg,
            signing_secret,
            token_dialect,
            introspection_clients,
        } = self;
        let scope = |scope: &ApiScope| {
            let ApiScope { value, description } = scope;
            json!({ "value": value, "description": description })
        };
        let mut json = json!({
            "identifier": identifier,
            "name": name,
            "scopes": scopes.iter().map(scope).collect::<Vec<_>>(),
            "allow_offline_access": allow_offline_access,
            "token_lifetime": token_lifetime,
            "signing_alg": signing_alg,
            "token_dialect": match token_dialect {
                TokenDialect::Rfc9068 => "rfc9068_profile",
                TokenDialect::Auth0 => "access_token",
            },
            "introspection_clients": introspection_clients,
        });
        if let Some(secret) = signing_secret {
            // Moved in: `json!` would leave a copy of it behind.
            json["signing_secret_base64url"] =
                Value::String(BASE64_URL_SAFE_NO_PAD.encode(secret.expose()));
        }
        json
    }

    /// What has to hold before an engine takes it.
    pub(crate) fn validate(&self, path: &str) -> Result<()> {
        // RFC 8707 wants a URI of a `resource`; an `audience` may be any name (Auth0).
        if self.identifier.is_empty() || !self.identifier.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(config(
                path,
                "identifier must be visible ASCII without spaces, best an absolute URI",
            ));
        }
        if self.token_lifetime == Some(0) {
            return Err(config(path, "token_lifetime must be at least one second"));
        }
        for scope in &self.scopes {
            if scope.value.contains(' ') || Scope::parse(&scope.value)?.is_empty() {
                return Err(config(
                    path,
                    "scopes must each be one scope token (RFC 6749 §3.3)",
                ));
            }
            if OPENID_SCOPES.contains(&scope.value.as_str()) {
                return Err(config(
                    path,
                    format!("scopes must not redefine '{}'", scope.value),
                ));
            }
        }
        if self.signing_secret.is_some() && self.signing_alg != Algorithm::HS256 {
            return Err(config(
                path,
                "signing_secret goes with signing_alg HS256 only",
            ));
        }
        Ok(())
    }
}

/// The secret: as text, which is what Auth0 exports, or as bytes in base64url.
fn signing_secret(fields: &mut Fields) -> Result<Option<Secret>> {
    let text = fields.take::<String>(&["signing_secret"])?.map(Secret::new);
    let Some(encoded) = fields
        .take::<String>(&["signing_secret_base64url"])?
        .map(SecretText::new)
    else {
        return Ok(text);
    };
    if text.is_some() {
        let what = "has signing_secret and signing_secret_base64url: give one";
        return Err(config(fields.path(), what));
    }
    match BASE64_URL_SAFE_NO_PAD.decode(encoded.as_bytes()) {
        Ok(bytes) => Ok(Some(Secret::new(bytes))),
        Err(_) => Err(config(
            fields.path(),
            "signing_secret_base64url must be base64url without padding",
        )),
    }
}

fn scope_from_json(path: String, value: Value) -> Result<ApiScope> {
    if let Value::String(value) = value {
        return Ok(ApiScope {
            value,
            description: String::new(),
        });
    }
    let mut fields = Fields::new(path, value)?;
    let scope = ApiScope {
        value: fields.require(&["value"])?,
        description: fields.take(&["description"])?.unwrap_or_default(),
    };
    fields.finish()?;
    Ok(scope)
}

/// What Auth0's Management API exports beside, and what has no counterpart here.
const AUTH0_ONLY: [&str; 9] = [
    "id",
    "is_system",
    "token_lifetime_for_web",
    "skip_consent_for_verifiable_first_party_clients",
    "enforce_policies",
    "client",
    "consent_policy",
    "authorization_details",
    "subject_type_authorization",
];

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn read(json: Value) -> Result<Api> {
        Api::from_json("api".into(), json)
    }

    /// Writes it, as text, and reads it again.
    fn again(api: &Api) -> Api {
        let text = api.to_json().to_string();
        read(serde_json::from_str(&text).unwrap()).unwrap()
    }

    /// `Debug` shows every field, but for the secret.
    fn shown(api: &Api) -> (String, Option<&[u8]>) {
        let secret = api.signing_secret.as_ref().map(Secret::expose);
        (format!("{api:?}"), secret)
    }

    const ALGORITHMS: [Algorithm; 6] = [
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
        Algorithm::RS256,
        Algorithm::PS256,
        Algorithm::HS256,
    ];

    prop_compose! {
        /// Any API that the builder makes and an engine takes.
        fn api()(
            (identifier, name) in ("[!-~]{1,30}", option::of(".{0,20}")),
            scopes in vec(("[!#-Z]{1,10}", ".{0,20}"), 0..5),
            allow_offline_access in any::<bool>(),
            token_lifetime in option::of(1..=u32::MAX),
            algorithm in select(&ALGORITHMS[..]),
            secret in option::of(vec(any::<u8>(), 0..70)),
            dialect in select(&[TokenDialect::Rfc9068, TokenDialect::Auth0][..]),
            introspection_clients in vec(".{0,20}", 0..3),
        ) -> Api {
            let mut api = Api::new(identifier)
                .allow_offline_access(allow_offline_access)
                .signing_alg(algorithm)
                .token_dialect(dialect);
            api.name = name;
            api.token_lifetime = token_lifetime;
            for (value, description) in scopes {
                api = api.scope(value, description);
            }
            if let Some(secret) = secret {
                api = api.signing_secret(secret);
            }
            for client_id in introspection_clients {
                api = api.introspection_client(client_id);
            }
            api.validate("api").unwrap();
            api
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again_as_it_was(api in api()) {
            let read = again(&api);
            prop_assert_eq!(shown(&read), shown(&api));
            prop_assert_eq!(read.to_json(), api.to_json());
        }
    }

    #[test]
    fn what_auth0_exported_is_read_again_as_it_was() {
        let tenant = include_str!("../tests/vectors/auth0_tenant.json");
        let tenant: Value = serde_json::from_str(tenant).unwrap();
        let apis: Vec<_> = tenant["resource_servers"]
            .as_array()
            .unwrap()
            .iter()
            .collect();
        for json in &apis {
            let api = read((*json).clone()).unwrap();
            assert_eq!(shown(&again(&api)), shown(&api));
        }
        // Scopes as texts, which the export has not.
        let api = read(json!({ "identifier": "urn:a", "scopes": ["b", "a", "b"] })).unwrap();
        assert_eq!(shown(&again(&api)), shown(&api));
        // Of a secret that signs nothing nothing is kept; of one that does, every byte.
        let secrets = |json: &Value| read(json.clone()).unwrap().signing_secret;
        assert_eq!(secrets(apis[1]), None);
        let secret = again(&read(apis[2].clone()).unwrap())
            .signing_secret
            .unwrap();
        assert_eq!(secret.expose(), b"a-signing-secret-of-at-least-32-bytes");
    }

    #[test]
    fn a_secret_is_text_or_base64url_and_never_both() {
        let with = |name: &str, value: Value| read(json!({ "identifier": "urn:a", name: value }));
        let text = with("signing_secret", json!("so")).unwrap();
        let encoded = with("signing_secret_base64url", json!("c28")).unwrap();
        assert_eq!(shown(&text), shown(&encoded));
        assert_eq!(encoded.signing_alg, Algorithm::HS256);
        for bad in ["c28=", "c2_9!", "c29", "+w"] {
            let error = with("signing_secret_base64url", json!(bad)).unwrap_err();
            assert!(error.description().contains("base64url"), "{error:?}");
            assert!(!format!("{error:?}").contains(bad), "{error:?}");
        }
        let both = json!({
            "identifier": "urn:a", "signing_secret": "so", "signing_secret_base64url": "c28",
        });
        assert!(read(both).unwrap_err().description().contains("give one"));
    }

    #[test]
    fn debug_hides_the_secret() {
        let api = Api::new("urn:a").signing_secret(*b"0123456789abcdef0123456789abcdef");
        for api in [&api, &again(&api)] {
            let shown = format!("{api:?}");
            assert!(
                shown.contains("Secret(..)")
                    && !shown.contains("0123")
                    && !shown.contains("48, 49")
            );
        }
    }
}
