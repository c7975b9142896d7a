//! An API (resource server): what an access token can be for.
//!
//! Knows its own metadata and how to read it from JSON; knows no client, no key and no token.

use serde_json::Value;

use crate::error::Result;
use crate::fields::{Fields, config};
use crate::jose::Algorithm;
use crate::scope::{OPENID_SCOPES, Scope};
use crate::secret::Secret;

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
        let secret = fields.take::<String>(&["signing_secret"])?;
        let default_alg = if secret.is_some() {
            Algorithm::HS256
        } else {
            Algorithm::ES256
        };
        api.signing_alg = fields.take(&["signing_alg"])?.unwrap_or(default_alg);
        // An exported tenant carries a secret whatever the algorithm; it means something for HS256 only.
        api.signing_secret = secret
            .filter(|_| api.signing_alg == Algorithm::HS256)
            .map(Secret::new);
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
