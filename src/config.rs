//! The configuration: one JSON object, or the same thing built in Rust.
//!
//! Knows the shape of the whole and its limits; what a client or an API may say is known by
//! `client` and `api`. Reads no file and no environment: the host hands the text over.

use std::path::PathBuf;

use fluent_uri::Uri;
use serde_json::Value;

use crate::api::Api;
use crate::client::{Client, ClientGrant, RefreshPolicy, policy_from_json, validate_policy};
use crate::error::{Error, Result, Status};
use crate::fields::{Fields, config};
use crate::jose::{Algorithm, SigningKey};
use crate::scope::Scope;
use crate::secret::Secret;

/// The sizes that the engine accepts. What is larger gets a clear error and changes nothing.
pub mod limits {
    /// Bytes of a query string or a form.
    pub const MAX_REQUEST_BYTES: usize = 32 * 1024;
    /// Parameters of a query or a form.
    pub const MAX_PARAMETERS: usize = 64;
    /// Bytes of an `Authorization` header.
    pub const MAX_AUTHORIZATION_BYTES: usize = 18 * 1024;
    /// Bytes of `state`.
    pub const MAX_STATE_BYTES: usize = 4 * 1024;
    /// Bytes of `nonce`.
    pub const MAX_NONCE_BYTES: usize = 1024;
    /// Bytes of `scope`.
    pub const MAX_SCOPE_BYTES: usize = 4 * 1024;
    /// APIs that one authorization may name.
    pub const MAX_RESOURCES: usize = 16;
    /// Bytes of a subject.
    pub const MAX_SUBJECT_BYTES: usize = 255;
    /// Bytes of a login's `acr`, `amr` and `sid` together.
    pub const MAX_LOGIN_BYTES: usize = 1024;
    /// Bytes of the claims that a login adds to each token, as JSON.
    pub const MAX_EXTRA_CLAIMS_BYTES: usize = 4 * 1024;
    /// How deep objects and lists may lie in each other there.
    pub const MAX_EXTRA_CLAIMS_DEPTH: usize = 32;
    /// Seconds that a code may live (RFC 6749 §4.1.2 recommends ten minutes at most).
    pub const MAX_CODE_LIFETIME: u32 = 600;
}

/// The issuer identifier: `https` (or `http`, for the loopback and tests), no query, no fragment
/// (RFC 8414 §2). Compared byte for byte everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    /// Where the path starts; what precedes it is the origin.
    path_at: usize,
}

impl Issuer {
    /// Reads an issuer identifier.
    pub fn parse(text: &str) -> Result<Self> {
        let fail = |what| Err(config("issuer", what));
        let Ok(uri) = Uri::parse(text) else {
            return fail("must be an absolute URL");
        };
        if !matches!(uri.scheme().as_str(), "https" | "http") {
            return fail("must be an https URL (or http at the loopback)");
        }
        let Some(authority) = uri
            .authority()
            .filter(|authority| !authority.host().is_empty())
        else {
            return fail("must name a host");
        };
        if authority.userinfo().is_some() || uri.has_query() || uri.has_fragment() {
            return fail("must have no user information, query or fragment (RFC 8414 §2)");
        }
        let path_at = text.len() - uri.path().as_str().len();
        Ok(Issuer {
            text: text.to_owned(),
            path_at,
        })
    }

    /// The identifier, byte for byte.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path below which the endpoints lie: empty, or `/…` without a trailing slash.
    pub fn base_path(&self) -> &str {
        self.text[self.path_at..].trim_end_matches('/')
    }

    /// The URL of a path of this issuer's.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.text.trim_end_matches('/'))
    }

    /// Whether what is said to it stays between the two: https, or this machine alone.
    fn is_secure(&self) -> bool {
        let host = Uri::parse(self.text.as_str())
            .ok()
            .and_then(|uri| uri.authority())
            .map(|a| a.host());
        let loopback = matches!(host, Some("127.0.0.1" | "[::1]" | "localhost"));
        self.text.starts_with("https:") || loopback
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.text[..self.path_at]
    }
}

/// The paths of the endpoints, below the issuer's own path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Endpoints {
    pub authorization: String,
    pub token: String,
    pub revocation: String,
    pub introspection: String,
    pub userinfo: String,
    pub jwks: String,
}

impl Default for Endpoints {
    fn default() -> Self {
        Endpoints {
            authorization: "/authorize".into(),
            token: "/oauth/token".into(),
            revocation: "/oauth/revoke".into(),
            introspection: "/oauth/introspect".into(),
            userinfo: "/userinfo".into(),
            jwks: "/.well-known/jwks.json".into(),
        }
    }
}

/// What a client or an API gets that says nothing of its own. Lifetimes are seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Of access tokens.
    pub access_token_lifetime: u32,
    /// Of ID tokens.
    pub id_token_lifetime: u32,
    /// Of codes; 60 at most under FAPI 2.0.
    pub authorization_code_lifetime: u32,
    /// Of refresh tokens.
    pub refresh_token: RefreshPolicy,
}

impl Default for Defaults {
    fn default() -> Self {
        Defaults {
            access_token_lifetime: 3600,
            id_token_lifetime: 3600,
            authorization_code_lifetime: 60,
            refresh_token: RefreshPolicy::default(),
        }
    }
}

/// A configuration. [`Config::from_json`] reads one, [`Config::new`] starts one in Rust.
///
/// ```
/// use grantlet::{Api, Client, Config};
///
/// let config = Config::new("http://127.0.0.1:8080/")
///     .api(Api::new("https://api.example.com/").scope("read:notes", "").allow_offline_access(true))
///     .client(Client::public("notes-app").redirect_uri("http://127.0.0.1/callback").build()?);
/// # Ok::<(), grantlet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) issuer: String,
    pub(crate) dangerous_http_issuer: bool,
    pub(crate) apis: Vec<Api>,
    pub(crate) clients: Vec<Client>,
    pub(crate) default_audience: Option<String>,
    pub(crate) signing_keys: Vec<std::sync::Arc<SigningKey>>,
    pub(crate) token_keys: Vec<Secret>,
    pub(crate) sealing_key: Option<Secret>,
    pub(crate) dangerous_plaintext_keys: bool,
    pub(crate) sqlite: Option<PathBuf>,
    pub(crate) endpoints: Endpoints,
    pub(crate) defaults: Defaults,
    pub(crate) acr_values_supported: Vec<String>,
    pub(crate) ui_locales_supported: Vec<String>,
    pub(crate) service_documentation: Option<String>,
}

impl Config {
    /// A configuration without APIs and clients yet.
    pub fn new(issuer: impl Into<String>) -> Self {
        Config {
            issuer: issuer.into(),
            dangerous_http_issuer: false,
            apis: Vec::new(),
            clients: Vec::new(),
            default_audience: None,
            signing_keys: Vec::new(),
            token_keys: Vec::new(),
            sealing_key: None,
            dangerous_plaintext_keys: false,
            sqlite: None,
            endpoints: Endpoints::default(),
            defaults: Defaults::default(),
            acr_values_supported: Vec::new(),
            ui_locales_supported: Vec::new(),
            service_documentation: None,
        }
    }

    /// Lets the issuer be `http` at a host other than the loopback: for tests between machines. Codes,
    /// secrets and tokens cross the network in clear.
    #[must_use]
    pub fn dangerous_http_issuer(mut self, allow: bool) -> Self {
        self.dangerous_http_issuer = allow;
        self
    }

    /// Adds an API.
    #[must_use]
    pub fn api(mut self, api: Api) -> Self {
        self.apis.push(api);
        self
    }

    /// Adds a client.
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.clients.push(client);
        self
    }

    /// The API that a request means that names none.
    #[must_use]
    pub fn default_audience(mut self, identifier: impl Into<String>) -> Self {
        self.default_audience = Some(identifier.into());
        self
    }

    /// Adds a signing key of any algorithm but HS256 (a shared secret is an API's,
    /// [`Api::signing_secret`]): the first of an algorithm signs, the second is published as the next.
    /// Without one of an algorithm that is needed, a fresh key is made when the engine opens. On a durable
    /// store a key takes over once: rotated out, it stays out, though it is still configured.
    #[must_use]
    pub fn signing_key(mut self, key: SigningKey) -> Self {
        self.signing_keys.push(std::sync::Arc::new(key));
        self
    }

    /// Adds a 32-byte key under which codes and refresh tokens are authenticated: the first makes
    /// them, the others still verify. Without one a fresh key is made when the engine opens, and
    /// what earlier engines handed out is refused.
    #[must_use]
    pub fn token_key(mut self, key: Secret) -> Self {
        self.token_keys.push(key);
        self
    }

    /// Keeps grants, keys, and what is changed of clients and APIs, in this SQLite file. It needs a
    /// [sealing key](Config::sealing_key).
    #[must_use]
    pub fn sqlite(mut self, path: impl Into<PathBuf>) -> Self {
        self.sqlite = Some(path.into());
        self
    }

    /// The 32 bytes under which a durable store keeps the engine's own keys: from the Keychain, DPAPI,
    /// the Secret Service, a KMS. Without it nothing that the store holds can be read again but grants.
    #[must_use]
    pub fn sealing_key(mut self, key: Secret) -> Self {
        self.sealing_key = Some(key);
        self
    }

    /// Lets a durable store keep the engine's keys in clear: whoever can read the file can sign tokens.
    /// With a sealing key beside it, keys that lie there in clear are taken once more, and sealed.
    #[must_use]
    pub fn dangerous_plaintext_keys(mut self, allow: bool) -> Self {
        self.dangerous_plaintext_keys = allow;
        self
    }

    /// Changes the endpoints' paths.
    #[must_use]
    pub fn endpoints(mut self, endpoints: Endpoints) -> Self {
        self.endpoints = endpoints;
        self
    }

    /// Changes lifetimes and the refresh policy of those who say nothing of their own.
    #[must_use]
    pub fn defaults(mut self, defaults: Defaults) -> Self {
        self.defaults = defaults;
        self
    }

    /// Reads a configuration. Every key that is not known is refused by name.
    ///
    /// # Errors
    /// [`Status::Config`] and its reasons; the description names the place.
    pub fn from_json(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Error::new(
                Status::Config,
                format!("the configuration is not JSON at line {line}, column {column}"),
            )
        })?;
        Config::from_value(value)
    }

    /// Reads a configuration that is parsed already.
    pub fn from_value(value: Value) -> Result<Self> {
        let mut fields = Fields::new("", value)?;
        let mut this = Config::new(fields.require::<String>(&["issuer"])?);
        this.dangerous_http_issuer = fields.take(&["dangerous_http_issuer"])?.unwrap_or(false);
        this.default_audience = fields.take(&["default_audience"])?;
        this.acr_values_supported = fields.take(&["acr_values_supported"])?.unwrap_or_default();
        this.ui_locales_supported = fields.take(&["ui_locales_supported"])?.unwrap_or_default();
        this.service_documentation = fields.take(&["service_documentation"])?;
        if let Some(defaults) = fields.object(&["defaults"])? {
            this.defaults = defaults_from_json(defaults)?;
        }
        if let Some(endpoints) = fields.object(&["endpoints"])? {
            this.endpoints = endpoints_from_json(endpoints)?;
        }
        if let Some(keys) = fields.object(&["keys"])? {
            this.read_keys(keys)?;
        }
        this.read_store(&mut fields)?;
        for (path, api) in fields.list(&["apis", "resource_servers"])? {
            this.apis.push(Api::from_json(path, api)?);
        }
        for (path, client) in fields.list(&["clients"])? {
            this.clients.push(Client::from_json(
                path,
                client,
                &this.defaults.refresh_token,
            )?);
        }
        this.read_client_grants(&mut fields)?;
        fields.finish()?;
        Ok(this)
    }

    fn read_keys(&mut self, mut fields: Fields) -> Result<()> {
        for (path, key) in fields.list(&["signing"])? {
            self.signing_keys
                .push(std::sync::Arc::new(signing_key_from_json(path, key)?));
        }
        for (path, key) in fields.list(&["token"])? {
            self.token_keys.push(key_from_json(&path, &key)?);
        }
        if let Some(key) = fields.take::<Value>(&["sealing"])? {
            self.sealing_key = Some(key_from_json("keys.sealing", &key)?);
        }
        fields.finish()
    }

    /// `"memory"`, or `{"sqlite": "path"}`, or what goes with a store that the host brings.
    fn read_store(&mut self, fields: &mut Fields) -> Result<()> {
        let mut store = match fields.take::<Value>(&["store"])? {
            None => return Ok(()),
            Some(Value::String(name)) if name == "memory" => return Ok(()),
            // A store's address may hold a password: it is not shown.
            Some(Value::String(_)) => {
                return Err(config(
                    "store",
                    "must be 'memory' or an object: {sqlite: path}",
                ));
            }
            Some(value) => Fields::new("store", value)?,
        };
        self.sqlite = store.take::<String>(&["sqlite"])?.map(PathBuf::from);
        self.dangerous_plaintext_keys = store.take(&["dangerous_plaintext_keys"])?.unwrap_or(false);
        store.finish()
    }

    /// Auth0 keeps what a client may do in its own name in a list beside the clients.
    fn read_client_grants(&mut self, fields: &mut Fields) -> Result<()> {
        for (path, grant) in fields.list(&["client_grants"])? {
            let mut grant = Fields::new(path, grant)?;
            let client_id: String = grant.require(&["client_id"])?;
            let audience: String = grant.require(&["audience"])?;
            let scope: Vec<String> = grant.take(&["scope"])?.unwrap_or_default();
            grant.ignore(&[
                "id",
                "organization_usage",
                "allow_any_organization",
                "is_system",
                "authorization_details_types",
            ]);
            // What a user may delegate to the client is not the client's own.
            let delegated = grant.take::<String>(&["subject_type"])?.as_deref() == Some("user");
            let client = self
                .clients
                .iter_mut()
                .find(|client| client.client_id == client_id)
                .ok_or_else(|| {
                    config(
                        grant.path(),
                        format!("names the unknown client '{client_id}'"),
                    )
                })?;
            if !delegated {
                client.client_grants.push(ClientGrant {
                    audience,
                    scope: Scope::parse(&scope.join(" "))?,
                });
            }
            grant.finish()?;
        }
        Ok(())
    }

    /// What has to hold of the whole, beyond what each part has already promised.
    pub(crate) fn validate(&self) -> Result<Issuer> {
        let issuer = Issuer::parse(&self.issuer)?;
        if !(issuer.is_secure() || self.dangerous_http_issuer) {
            let what = "must be https at a host other than the loopback (RFC 8414 §2), or \
                        dangerous_http_issuer must be true";
            return Err(config("issuer", what));
        }
        for (index, api) in self.apis.iter().enumerate() {
            api.validate(&format!("apis[{index}]"))?;
        }
        if let Some(audience) = &self.default_audience
            && !self.apis.iter().any(|api| api.identifier == *audience)
        {
            return Err(config("default_audience", "names no API"));
        }
        validate_policy(&self.defaults.refresh_token, false)
            .map_err(|what| config("defaults", what))?;
        let lifetime = self.defaults.authorization_code_lifetime;
        if lifetime == 0 || lifetime > limits::MAX_CODE_LIFETIME {
            let what = format!("must be 1 to {} seconds", limits::MAX_CODE_LIFETIME);
            return Err(config("defaults.authorization_code_lifetime", what));
        }
        if self.defaults.access_token_lifetime == 0 || self.defaults.id_token_lifetime == 0 {
            return Err(config("defaults", "lifetimes must be at least one second"));
        }
        self.endpoints.validate()?;
        Ok(issuer)
    }
}

impl std::str::FromStr for Config {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Config::from_json(text)
    }
}

impl Endpoints {
    fn all(&self) -> [&str; 6] {
        [
            &self.authorization,
            &self.token,
            &self.revocation,
            &self.introspection,
            &self.userinfo,
            &self.jwks,
        ]
    }

    fn validate(&self) -> Result<()> {
        let all = self.all();
        for (index, path) in all.iter().enumerate() {
            let clean = path.starts_with('/')
                && path.len() > 1
                && path
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"/-._~".contains(&b));
            if !clean {
                return Err(config(
                    "endpoints",
                    format!("'{path}' must be a path such as /oauth/token"),
                ));
            }
            if path.starts_with("/.well-known/o") {
                return Err(config(
                    "endpoints",
                    format!("'{path}' is where the metadata lie"),
                ));
            }
            if all[..index].contains(path) {
                return Err(config("endpoints", format!("'{path}' is given twice")));
            }
        }
        Ok(())
    }
}

fn defaults_from_json(mut fields: Fields) -> Result<Defaults> {
    let mut defaults = Defaults::default();
    if let Some(secs) = fields.take(&["access_token_lifetime", "token_lifetime"])? {
        defaults.access_token_lifetime = secs;
    }
    if let Some(secs) = fields.take(&["id_token_lifetime"])? {
        defaults.id_token_lifetime = secs;
    }
    if let Some(secs) = fields.take(&["authorization_code_lifetime"])? {
        defaults.authorization_code_lifetime = secs;
    }
    if let Some(policy) = fields.object(&["refresh_token"])? {
        defaults.refresh_token = policy_from_json(policy, &defaults.refresh_token)?;
    }
    fields.finish()?;
    Ok(defaults)
}

fn endpoints_from_json(mut fields: Fields) -> Result<Endpoints> {
    let default = Endpoints::default();
    let endpoints = Endpoints {
        authorization: fields
            .take(&["authorization"])?
            .unwrap_or(default.authorization),
        token: fields.take(&["token"])?.unwrap_or(default.token),
        revocation: fields.take(&["revocation"])?.unwrap_or(default.revocation),
        introspection: fields
            .take(&["introspection"])?
            .unwrap_or(default.introspection),
        userinfo: fields.take(&["userinfo"])?.unwrap_or(default.userinfo),
        jwks: fields.take(&["jwks"])?.unwrap_or(default.jwks),
    };
    fields.finish()?;
    Ok(endpoints)
}

/// A private JWK, or `{"pem": "…", "alg": "RS256"}`.
fn signing_key_from_json(path: String, value: Value) -> Result<SigningKey> {
    let at = |error: Error| {
        let what = format!("{path}: {}", error.description());
        Error::new(error.status(), what)
    };
    if value.get("kty").is_some() {
        return SigningKey::from_jwk(&value).map_err(at);
    }
    let mut fields = Fields::new(path.clone(), value)?;
    let pem = Secret::new(fields.require::<String>(&["pem"])?);
    let algorithm: Option<Algorithm> = fields.take(&["alg"])?;
    fields.finish()?;
    let pem = std::str::from_utf8(pem.expose()).map_err(|_| config(&path, "is not UTF-8"))?;
    SigningKey::from_pem(algorithm, pem).map_err(at)
}

/// 32 bytes, base64url without padding.
fn key_from_json(path: &str, value: &Value) -> Result<Secret> {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
    value
        .as_str()
        .and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok())
        .filter(|bytes| bytes.len() == 32)
        .map(Secret::new)
        .ok_or_else(|| {
            Error::new(
                Status::ConfigKey,
                format!("{path} must be 32 bytes in base64url without padding"),
            )
        })
}
