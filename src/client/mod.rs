//! A client: who may ask for tokens, how it proves who it is, and what its refresh tokens may do.
//!
//! Knows the metadata of RFC 7591 §2 and what has to hold of them; `metadata` knows their JSON. Knows
//! no API beyond its name, no key and no grant. A client's secret is kept as a hash only.

mod metadata;

use serde::Serialize;

pub(crate) use self::metadata::policy_from_json;
use crate::error::Result;
use crate::fields::config;
use crate::jose::Algorithm;
use crate::random::SystemRandom;
use crate::redirect_uri::RedirectUri;
use crate::scope::Scope;
use crate::secret::{Secret, SecretHash};

/// A client holds at most this many secrets: the present one, the one it is moving to, some to spare.
const MAX_SECRETS: usize = 4;
const MAX_REDIRECT_URIS: usize = 256;

/// The platform that a client runs on (RFC 7591 and OIDC Registration: `application_type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationType {
    /// A web server.
    #[default]
    Web,
    /// An app on a phone or a desktop (RFC 8252).
    Native,
    /// A page that runs in the browser.
    Spa,
    /// A service without a user.
    Service,
}

/// How a client proves who it is at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// A secret in the `Authorization` header (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// A secret in the form (RFC 6749 §2.3.1).
    ClientSecretPost,
    /// Not at all: a public client.
    None,
}

impl AuthMethod {
    /// Every method, for metadata.
    pub const ALL: [AuthMethod; 3] = [
        AuthMethod::ClientSecretBasic,
        AuthMethod::ClientSecretPost,
        AuthMethod::None,
    ];

    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            AuthMethod::ClientSecretBasic => "client_secret_basic",
            AuthMethod::ClientSecretPost => "client_secret_post",
            AuthMethod::None => "none",
        }
    }
}

/// What a client may post to the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
}

impl GrantType {
    /// Every grant type, for metadata.
    pub const ALL: [GrantType; 3] = [
        GrantType::AuthorizationCode,
        GrantType::RefreshToken,
        GrantType::ClientCredentials,
    ];

    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            GrantType::AuthorizationCode => "authorization_code",
            GrantType::RefreshToken => "refresh_token",
            GrantType::ClientCredentials => "client_credentials",
        }
    }

    /// The grant type that has this registered name.
    pub fn from_name(name: &str) -> Option<Self> {
        GrantType::ALL
            .into_iter()
            .find(|grant_type| grant_type.name() == name)
    }
}

/// How long after a rotation the token before it is still answered, with the same successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leeway {
    /// This many seconds; 0 is strict.
    Seconds(u32),
    /// Until the successor is used: for apps that may be killed between asking and storing.
    UntilUsed,
}

/// What a client's refresh tokens may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshPolicy {
    /// Whether each use yields a new refresh token.
    pub rotation: bool,
    /// How long the token before the present one is answered with the same successor.
    pub leeway: Leeway,
    /// Seconds from the user's approval to the end, whatever happens in between; `None`: no end.
    pub token_lifetime: Option<u32>,
    /// Seconds that it may lie unused; `None`: any time.
    pub idle_token_lifetime: Option<u32>,
    /// Live refreshable grants per user and client; one more, and the oldest goes.
    pub max_live_grants: u32,
    /// Lets a public client keep one refresh token for good, against RFC 9700 §2.2.2.
    pub dangerous_public_without_rotation: bool,
    /// Accepts a refresh token that is newer than the record, as after a restore from a backup: the
    /// counter then moves forward. Weakens the detection of reuse for what happened since that backup.
    pub dangerous_accept_ahead: bool,
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        RefreshPolicy {
            rotation: true,
            leeway: Leeway::Seconds(10),
            token_lifetime: Some(30 * 24 * 3600),
            idle_token_lifetime: Some(15 * 24 * 3600),
            max_live_grants: 200,
            dangerous_public_without_rotation: false,
            dangerous_accept_ahead: false,
        }
    }
}

/// What a client may ask for in its own name (`client_credentials`) at one API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientGrant {
    /// The API's identifier.
    pub audience: String,
    /// The scope tokens allowed there.
    pub scope: Scope,
}

/// A client's metadata, validated. Made by [`Client::public`] or [`Client::confidential`], or from JSON.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) client_id: String,
    pub(crate) client_name: Option<String>,
    pub(crate) secrets: Vec<SecretHash>,
    pub(crate) auth_method: AuthMethod,
    pub(crate) application_type: ApplicationType,
    pub(crate) redirect_uris: Vec<RedirectUri>,
    pub(crate) grant_types: Vec<GrantType>,
    pub(crate) scope: Option<Scope>,
    pub(crate) client_grants: Vec<ClientGrant>,
    pub(crate) require_pkce: bool,
    pub(crate) require_auth_time: bool,
    pub(crate) default_max_age: Option<u32>,
    pub(crate) id_token_signed_response_alg: Algorithm,
    pub(crate) id_token_lifetime: Option<u32>,
    pub(crate) refresh_token: Option<RefreshPolicy>,
}

impl Client {
    /// Starts a client that cannot keep a secret: an app or a page. It must use PKCE.
    ///
    /// ```
    /// # use grantlet::Client;
    /// let client = Client::public("notes-app").redirect_uri("com.example.notes:/callback").build()?;
    /// # Ok::<(), grantlet::Error>(())
    /// ```
    pub fn public(client_id: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            application_type: Some(ApplicationType::Native),
            auth_method: Some(AuthMethod::None),
            ..ClientBuilder::new(client_id.into())
        }
    }

    /// Starts a client that keeps a secret: a web server or a service. The secret must be random
    /// (128 bits or more); only a hash of it is kept.
    pub fn confidential(client_id: impl Into<String>, secret: impl Into<Vec<u8>>) -> ClientBuilder {
        ClientBuilder {
            secrets: vec![Secret::new(secret)],
            ..ClientBuilder::new(client_id.into())
        }
    }

    /// Its `client_id`.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Whether it has no way to prove who it is (RFC 6749 §2.1).
    pub fn is_public(&self) -> bool {
        self.auth_method == AuthMethod::None
    }

    /// Whether it may use this grant type.
    pub fn may_use(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    /// Whether `secret` is one of its secrets; takes the same time whether it is or not.
    pub(crate) fn has_secret(&self, secret: &[u8]) -> bool {
        self.secrets
            .iter()
            .fold(false, |found, hash| hash.matches(secret) | found)
    }
}

/// A client in the making; [`ClientBuilder::build`] validates it.
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    path: String,
    client_id: String,
    client_name: Option<String>,
    secrets: Vec<Secret>,
    secret_hashes: Vec<SecretHash>,
    auth_method: Option<AuthMethod>,
    application_type: Option<ApplicationType>,
    redirect_uris: Vec<String>,
    dangerous_http_redirect_uris: bool,
    grant_types: Option<Vec<GrantType>>,
    scope: Option<String>,
    client_grants: Vec<(String, Vec<String>)>,
    require_pkce: Option<bool>,
    require_auth_time: bool,
    default_max_age: Option<u32>,
    id_token_signed_response_alg: Algorithm,
    id_token_lifetime: Option<u32>,
    refresh_token: Option<RefreshPolicy>,
}

impl ClientBuilder {
    fn new(client_id: String) -> Self {
        ClientBuilder {
            path: format!("client '{client_id}'"),
            client_id,
            client_name: None,
            secrets: Vec::new(),
            secret_hashes: Vec::new(),
            auth_method: None,
            application_type: None,
            redirect_uris: Vec::new(),
            dangerous_http_redirect_uris: false,
            grant_types: None,
            scope: None,
            client_grants: Vec::new(),
            require_pkce: None,
            require_auth_time: false,
            default_max_age: None,
            id_token_signed_response_alg: Algorithm::ES256,
            id_token_lifetime: None,
            refresh_token: None,
        }
    }

    /// A name for people, shown at sign-in.
    #[must_use]
    pub fn client_name(mut self, name: impl Into<String>) -> Self {
        self.client_name = Some(name.into());
        self
    }

    /// Adds a redirect URI.
    #[must_use]
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uris.push(uri.into());
        self
    }

    /// Lets redirect URIs be `http` to hosts other than the loopback: codes cross the network in clear.
    #[must_use]
    pub fn dangerous_http_redirect_uris(mut self, allow: bool) -> Self {
        self.dangerous_http_redirect_uris = allow;
        self
    }

    /// The platform; `native` for a public client unless said, `web` for others.
    #[must_use]
    pub fn application_type(mut self, application_type: ApplicationType) -> Self {
        self.application_type = Some(application_type);
        self
    }

    /// How it authenticates; `client_secret_basic` where it has a secret, unless said.
    #[must_use]
    pub fn token_endpoint_auth_method(mut self, method: AuthMethod) -> Self {
        self.auth_method = Some(method);
        self
    }

    /// The grant types that it may use; `authorization_code` and `refresh_token` unless said.
    #[must_use]
    pub fn grant_types(mut self, grant_types: impl IntoIterator<Item = GrantType>) -> Self {
        self.grant_types = Some(grant_types.into_iter().collect());
        self
    }

    /// The scope tokens that it may ever ask for, separated by spaces; any unless said.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Allows it scopes of an API in its own name (`client_credentials`).
    #[must_use]
    pub fn client_grant<S: Into<String>>(
        mut self,
        audience: impl Into<String>,
        scope: impl IntoIterator<Item = S>,
    ) -> Self {
        self.client_grants
            .push((audience.into(), scope.into_iter().map(Into::into).collect()));
        self
    }

    /// Whether it must use PKCE; public clients must, whatever is said here.
    #[must_use]
    pub fn require_pkce(mut self, require: bool) -> Self {
        self.require_pkce = Some(require);
        self
    }

    /// Whether its logins must say when the user authenticated (OIDC Registration §2).
    #[must_use]
    pub fn require_auth_time(mut self, require: bool) -> Self {
        self.require_auth_time = require;
        self
    }

    /// The `max_age` of requests that name none, in seconds (OIDC Registration §2).
    #[must_use]
    pub fn default_max_age(mut self, secs: u32) -> Self {
        self.default_max_age = Some(secs);
        self
    }

    /// The algorithm that signs its ID tokens: any but HS256.
    #[must_use]
    pub fn id_token_signed_response_alg(mut self, algorithm: Algorithm) -> Self {
        self.id_token_signed_response_alg = algorithm;
        self
    }

    /// Seconds that its ID tokens live.
    #[must_use]
    pub fn id_token_lifetime(mut self, secs: u32) -> Self {
        self.id_token_lifetime = Some(secs);
        self
    }

    /// What its refresh tokens may do; the configuration's default unless said.
    #[must_use]
    pub fn refresh_token(mut self, policy: RefreshPolicy) -> Self {
        self.refresh_token = Some(policy);
        self
    }

    /// Validates.
    ///
    /// # Errors
    /// [`Status::Config`](crate::Status::Config), which says what is wrong with which client.
    pub fn build(self) -> Result<Client> {
        let fail = |what: String| config(&self.path, what);
        if self.client_id.is_empty() || !self.client_id.bytes().all(|b| matches!(b, 0x20..=0x7e)) {
            return Err(fail(
                "client_id must be visible ASCII (RFC 6749 appendix A.1)".into(),
            ));
        }
        let mut secrets = self.secret_hashes;
        for secret in &self.secrets {
            if secret.expose().is_empty() {
                return Err(fail("client_secret must not be empty".into()));
            }
            secrets.push(SecretHash::new(secret.expose(), &SystemRandom::default())?);
        }
        if secrets.len() > MAX_SECRETS {
            return Err(fail(format!("has more than {MAX_SECRETS} secrets")));
        }
        let default_method = if secrets.is_empty() {
            AuthMethod::None
        } else {
            AuthMethod::ClientSecretBasic
        };
        let auth_method = self.auth_method.unwrap_or(default_method);
        let public = auth_method == AuthMethod::None;
        if public {
            // An exported tenant carries a secret for public clients too; it authenticates nobody.
            secrets.clear();
        } else if secrets.is_empty() {
            return Err(fail(format!(
                "token_endpoint_auth_method {} needs a client_secret",
                auth_method.name()
            )));
        }

        let application_type = self.application_type.unwrap_or(match public {
            true => ApplicationType::Native,
            false => ApplicationType::Web,
        });
        if self.redirect_uris.len() > MAX_REDIRECT_URIS {
            return Err(fail(format!(
                "has more than {MAX_REDIRECT_URIS} redirect_uris"
            )));
        }
        let register = |uri: &String| {
            RedirectUri::register(uri, application_type, self.dangerous_http_redirect_uris)
                .map_err(|why| fail(format!("redirect_uri '{uri}' {why}")))
        };
        let redirect_uris = self
            .redirect_uris
            .iter()
            .map(register)
            .collect::<Result<Vec<_>>>()?;

        let named = self.grant_types.unwrap_or(match application_type {
            ApplicationType::Service => vec![GrantType::ClientCredentials],
            _ => vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        });
        let mut grant_types = Vec::new();
        for grant_type in named {
            if !grant_types.contains(&grant_type) {
                grant_types.push(grant_type);
            }
        }
        if public && grant_types.contains(&GrantType::ClientCredentials) {
            // RFC 6749 §4.4: «The client credentials grant type MUST only be used by confidential clients.»
            return Err(fail(
                "is public and may not use client_credentials (RFC 6749 §4.4)".into(),
            ));
        }
        if let Some(policy) = &self.refresh_token {
            validate_policy(policy, public).map_err(|what| fail(what.into()))?;
        }
        if self.id_token_signed_response_alg == Algorithm::HS256 {
            return Err(fail(
                "id_token_signed_response_alg must be asymmetric: only a hash of the secret is kept".into(),
            ));
        }
        if self.id_token_lifetime == Some(0) {
            return Err(fail("id_token_lifetime must be at least one second".into()));
        }
        let client_grant = |(audience, scope): &(String, Vec<String>)| {
            Ok(ClientGrant {
                audience: audience.clone(),
                scope: Scope::parse(&scope.join(" "))?,
            })
        };
        Ok(Client {
            client_grants: self
                .client_grants
                .iter()
                .map(client_grant)
                .collect::<Result<_>>()?,
            scope: self.scope.as_deref().map(Scope::parse).transpose()?,
            client_id: self.client_id,
            client_name: self.client_name,
            secrets,
            auth_method,
            application_type,
            redirect_uris,
            grant_types,
            require_pkce: public || self.require_pkce.unwrap_or(false),
            require_auth_time: self.require_auth_time,
            default_max_age: self.default_max_age,
            id_token_signed_response_alg: self.id_token_signed_response_alg,
            id_token_lifetime: self.id_token_lifetime,
            refresh_token: self.refresh_token,
        })
    }
}

/// What has to hold of a policy for a client of this kind.
pub(crate) fn validate_policy(policy: &RefreshPolicy, public: bool) -> Result<(), &'static str> {
    if policy.token_lifetime == Some(0) || policy.idle_token_lifetime == Some(0) {
        return Err("refresh_token lifetimes must be at least one second");
    }
    if policy.max_live_grants == 0 {
        return Err("refresh_token.max_live_grants must be at least one");
    }
    // RFC 9700 §2.2.2: «Refresh tokens for public clients MUST be sender-constrained or use refresh
    // token rotation».
    if public && !policy.rotation && !policy.dangerous_public_without_rotation {
        return Err(
            "is public, so its refresh tokens must rotate (RFC 9700 §2.2.2): set rotation_type to \
             'rotating', or refresh_token.dangerous_public_without_rotation to true",
        );
    }
    Ok(())
}
