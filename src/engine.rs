//! The engine: wiring, and one thin method per operation. The rules live in `endpoint` and below.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::api::Api;
use crate::client::Client;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Issuer};
use crate::endpoint::access_token::{self, AccessToken};
use crate::endpoint::approve::{self, AuthorizationResponse, Denial, Login};
use crate::endpoint::authorize::{self, AuthorizeError, PendingAuthorization};
use crate::endpoint::grants::{self, GrantFilter, GrantInfo};
use crate::endpoint::token::{self, TokenResponse};
use crate::endpoint::userinfo::{self, UserClaims};
use crate::endpoint::{Context, FormRequest, introspect, metadata, revoke};
use crate::error::{Error, Result, Status};
use crate::event::{EventKind, EventSink};
use crate::http;
use crate::jose::SigningKey;
use crate::jose::claims::Serial;
use crate::random::{Random, SystemRandom};
use crate::registry::Registry;
use crate::secret::Secret;
use crate::state::State;
use crate::store::{MemoryStore, Store};

/// An OAuth 2.1 / OpenID Connect server without a socket.
///
/// Cheap to clone (a shared reference) and usable from any thread. Every method is synchronous; none
/// starts a thread or opens a connection; no file is touched but that of an SQLite store.
///
/// ```
/// use grantlet::{Api, Client, Config, Engine, FormRequest, Login};
///
/// let engine = Engine::new(
///     Config::new("http://127.0.0.1:8080/")
///         .api(Api::new("https://api.example.com/").scope("read:notes", "").allow_offline_access(true))
///         .client(Client::confidential("notes-web", "a secret of 128 random bits")
///             .redirect_uri("https://notes.example.com/callback").build()?),
/// )?;
///
/// let pending = engine.authorize("response_type=code&client_id=notes-web&state=xyz\
///     &redirect_uri=https%3A%2F%2Fnotes.example.com%2Fcallback\
///     &audience=https%3A%2F%2Fapi.example.com%2F&scope=read%3Anotes%20offline_access")
///     .map_err(|refused| refused.error)?;
/// let response = engine.approve(&pending, &Login::new("alice"))?;
/// let location = response.location().unwrap_or_default();
/// let code = location.split(['?', '&']).find_map(|pair| pair.strip_prefix("code=")).unwrap_or_default();
///
/// let form = format!("grant_type=authorization_code&code={code}\
///     &redirect_uri=https%3A%2F%2Fnotes.example.com%2Fcallback");
/// let basic = "Basic bm90ZXMtd2ViOmEgc2VjcmV0IG9mIDEyOCByYW5kb20gYml0cw==";
/// let tokens = engine.token(FormRequest { form: &form, authorization: Some(basic) })?;
///
/// let access = engine.verify(&tokens.access_token, "https://api.example.com/", &["read:notes"])?;
/// assert_eq!(access.subject(), "alice");
/// assert!(tokens.refresh_token.is_some());
/// # Ok::<(), grantlet::Error>(())
/// ```
#[derive(Clone)]
pub struct Engine(Arc<Context>);

impl Engine {
    /// Opens an engine on the store that the configuration says (memory unless it does), the system's
    /// clock and its randomness.
    ///
    /// # Errors
    /// [`Status::Config`] and its reasons; of a store that is a file, those of [`Engine::open`].
    pub fn new(config: Config) -> Result<Self> {
        Engine::builder(config).build()
    }

    /// Opens an engine on an SQLite file, which is made if it is not there: grants, keys, and what is
    /// changed of clients and APIs outlive the process. `sealing_key` is 32 bytes that the host keeps
    /// elsewhere (Keychain, DPAPI, Secret Service, KMS); the file holds the engine's keys sealed under
    /// them. Any number of processes may open the same file at once.
    ///
    /// ```
    /// use grantlet::{Config, Engine, Secret};
    ///
    /// # let path = std::env::temp_dir().join(format!("grantlet-doc-{}.db", std::process::id()));
    /// # let sealing_key = [7; 32];
    /// let engine = Engine::open(
    ///     Config::new("http://127.0.0.1:8080/"), &path, Secret::new(sealing_key))?;
    /// # drop(engine);
    /// # std::fs::remove_file(path).ok();
    /// # Ok::<(), grantlet::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Status::Config`] and its reasons; [`Status::Store`] and its reasons;
    /// [`Status::TemporarilyUnavailable`] where another process holds the file for longer than five seconds.
    #[cfg(feature = "_sqlite")]
    pub fn open(config: Config, path: impl AsRef<Path>, sealing_key: Secret) -> Result<Self> {
        Engine::new(config.sqlite(path.as_ref()).sealing_key(sealing_key))
    }

    /// Starts an engine with parts of the host's own.
    pub fn builder(config: Config) -> EngineBuilder {
        EngineBuilder {
            config,
            store: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom::default()),
            events: None,
            user_claims: None,
        }
    }

    /// Validates an authorization request: the query of `GET /authorize`, or its posted form.
    /// Changes nothing; the request then waits for [`Engine::approve`] or [`Engine::deny`].
    ///
    /// # Errors
    /// [`AuthorizeError`], which says whether the client may be told by a redirect.
    pub fn authorize(&self, query: &str) -> Result<PendingAuthorization, AuthorizeError> {
        authorize::authorize(self.context(), query)
    }

    /// Makes the grant and its code: this user signed in and consented. Once for each request.
    ///
    /// # Errors
    /// [`Status::Usage`] where the login lacks what was asked, [`Status::LoginRequired`] where it is too
    /// old or another user's, [`Status::UsageAnswered`] the second time. Nothing is changed then, and
    /// a better login may follow.
    pub fn approve(
        &self,
        pending: &PendingAuthorization,
        login: &Login,
    ) -> Result<AuthorizationResponse> {
        approve::approve(self.context(), pending, login)
    }

    /// Says no. Changes nothing.
    pub fn deny(&self, pending: &PendingAuthorization, denial: Denial) -> AuthorizationResponse {
        approve::deny(self.context(), pending, denial)
    }

    /// The token endpoint (RFC 6749 §3.2): `authorization_code`, `refresh_token`, `client_credentials`.
    ///
    /// # Errors
    /// Those of RFC 6749 §5.2; [`Error::to_json`] is the response body. Where a spent code or refresh
    /// token came back, the grant is revoked; any other error leaves it as it was.
    pub fn token(&self, request: FormRequest<'_>) -> Result<TokenResponse> {
        token::token(self.context(), request, &|_| Ok(()))
    }

    /// As [`Engine::token`], with a look at the response before the grant is committed to it.
    #[doc(hidden)] // For the C ABI's caller-owned buffers.
    pub fn token_if(
        &self,
        request: FormRequest<'_>,
        before_commit: &dyn Fn(&TokenResponse) -> Result<()>,
    ) -> Result<TokenResponse> {
        token::token(self.context(), request, before_commit)
    }

    /// Verifies an access token for a resource server: signature, type, issuer, lifetime, audience,
    /// scopes, and that neither it nor its grant was revoked.
    ///
    /// # Errors
    /// [`Status::InvalidToken`] and its reasons, [`Status::InsufficientScope`].
    pub fn verify(
        &self,
        access_token: &str,
        audience: &str,
        scopes: &[&str],
    ) -> Result<AccessToken> {
        access_token::verify(self.context(), access_token, audience, scopes)
    }

    /// The revocation endpoint (RFC 7009).
    ///
    /// # Errors
    /// Those of client authentication; an unknown token is none.
    pub fn revoke(&self, request: FormRequest<'_>) -> Result<()> {
        revoke::revoke(self.context(), request)
    }

    /// The introspection endpoint (RFC 7662).
    ///
    /// # Errors
    /// Those of client authentication; a token that is not active is none.
    pub fn introspect(&self, request: FormRequest<'_>) -> Result<Map<String, Value>> {
        introspect::introspect(self.context(), request)
    }

    /// The UserInfo endpoint (OIDC Core §5.3), for a bearer token.
    ///
    /// # Errors
    /// Those of [`Engine::verify`].
    pub fn userinfo(&self, access_token: &str) -> Result<Map<String, Value>> {
        userinfo::userinfo(self.context(), access_token)
    }

    /// The issuer that the configuration names.
    pub fn issuer(&self) -> &Issuer {
        &self.context().issuer
    }

    /// The metadata document (OIDC Discovery §3, RFC 8414 §2).
    pub fn metadata(&self) -> Value {
        metadata::metadata(self.context())
    }

    /// The public keys (RFC 7517 §5): next, current and previous.
    pub fn jwks(&self) -> Value {
        self.context().registry_or_last().keyring.jwks()
    }

    /// Answers an HTTP request, whatever its path. See [`http`].
    pub fn handle(&self, request: &http::Request<'_>) -> http::Reply {
        http::handle(self.context(), request)
    }

    /// The grants of a user, of a client, of both, or all; the oldest first.
    ///
    /// # Errors
    /// Those of the store.
    pub fn grants(&self, filter: GrantFilter<'_>) -> Result<Vec<GrantInfo>> {
        grants::grants(self.context(), filter)
    }

    /// One grant.
    ///
    /// # Errors
    /// Those of the store.
    pub fn grant(&self, grant_id: &str) -> Result<Option<GrantInfo>> {
        grants::grant(self.context(), grant_id)
    }

    /// Revokes a grant, and everything under it; tells whether it was live until now.
    ///
    /// # Errors
    /// [`Status::NotFound`] for what is no grant id at all; those of the store.
    pub fn revoke_grant(&self, grant_id: &str) -> Result<bool> {
        grants::revoke_grant(self.context(), grant_id)
    }

    /// Revokes the grants of a user, of a client, of both, or all; tells how many.
    ///
    /// # Errors
    /// Those of the store; grants revoked before the failure stay revoked.
    pub fn revoke_grants(&self, filter: GrantFilter<'_>) -> Result<usize> {
        grants::revoke_grants(self.context(), filter)
    }

    /// Adds an API, or replaces the one of the same identifier.
    ///
    /// # Errors
    /// [`Status::Config`] and its reasons; nothing is changed then.
    pub fn put_api(&self, api: Api) -> Result<()> {
        self.change(|registry| registry.put_api(api.clone(), &*self.context().random))
    }

    /// As [`Engine::put_api`], from one of the objects of the configuration's `apis`.
    ///
    /// # Errors
    /// [`Status::Config`] and its reasons; nothing is changed then.
    pub fn put_api_json(&self, json: &str) -> Result<()> {
        self.put_api(Api::from_json("api".into(), parse(json)?)?)
    }

    /// Removes an API: no more tokens for it, and those that are out are no longer valid here.
    ///
    /// # Errors
    /// [`Status::NotFound`]; [`Status::Config`] for the `default_audience`.
    pub fn remove_api(&self, identifier: &str) -> Result<()> {
        if self.context().default_audience.as_deref() == Some(identifier) {
            return Err(Error::new(
                Status::Config,
                "the API is the default_audience",
            ));
        }
        self.change(|registry| {
            registry
                .remove_api(identifier)
                .ok_or_else(|| not_found("API"))
        })
    }

    /// Adds a client, or replaces the one of the same id; its grants stay.
    ///
    /// # Errors
    /// [`Status::Config`] and its reasons; nothing is changed then.
    pub fn put_client(&self, client: Client) -> Result<()> {
        self.change(|registry| registry.put_client(client.clone(), &*self.context().random))
    }

    /// As [`Engine::put_client`], from one of the objects of the configuration's `clients`.
    ///
    /// # Errors
    /// [`Status::Config`] and its reasons; nothing is changed then.
    pub fn put_client_json(&self, json: &str) -> Result<()> {
        let defaults = &self.context().defaults.refresh_token;
        self.put_client(Client::from_json("client".into(), parse(json)?, defaults)?)
    }

    /// Removes a client and revokes its grants; tells how many.
    ///
    /// # Errors
    /// [`Status::NotFound`]; those of the store.
    pub fn remove_client(&self, client_id: &str) -> Result<usize> {
        self.change(|registry| {
            registry
                .remove_client(client_id)
                .ok_or_else(|| not_found("client"))
        })?;
        self.revoke_grants(GrantFilter {
            client_id: Some(client_id),
            subject: None,
        })
    }

    /// Moves every key on: *next* signs, *current* still verifies, and a fresh *next* is published.
    /// Tokens that are out stay valid, refresh tokens for good. An imported key without a successor
    /// stays. Where several processes share a store, not twice within two seconds: the others must have
    /// seen a key before it signs.
    ///
    /// # Errors
    /// Those of the random source; nothing is changed then.
    pub fn rotate_keys(&self) -> Result<()> {
        let context = self.context();
        self.change(|registry| {
            // Longer than any token that the outgoing key has signed.
            let keep_secs = registry.longest_token_lifetime();
            let keyring = registry
                .keyring
                .rotate(context.now()?, keep_secs, &*context.random)?;
            let token_keys = registry.token_keys.rotate(&*context.random)?;
            registry.with_keys(keyring, token_keys)
        })?;
        context.event(|| EventKind::KeysRotated {});
        Ok(())
    }

    /// Removes at most `limit` records that nobody needs any more, by a bounded amount of work; tells
    /// how many. A store does a little of it with each new grant; a host that makes none, or seldom, calls
    /// this now and then.
    ///
    /// # Errors
    /// Those of the store.
    pub fn sweep(&self, limit: usize) -> Result<usize> {
        Ok(self.context().store.sweep(self.context().now()?, limit)?)
    }

    /// Seals the engine's keys in the store under another 32 bytes. Engines of other processes on the same
    /// store refuse every request from the next second on ([`Status::StoreSealed`]) until they are opened
    /// with the new key.
    ///
    /// # Errors
    /// [`Status::ConfigKey`] for another length, [`Status::StoreUnsupported`] where the store does not
    /// outlive the process: nothing is changed then. Those of the store: then nobody knows whether it was
    /// done, so keep both keys; one of them opens it.
    pub fn reseal(&self, sealing_key: &Secret) -> Result<()> {
        self.context()
            .state
            .reseal(sealing_key, self.context().now()?)
    }

    /// Writes a consistent copy of the store to a new file while the engine goes on working. Its keys are
    /// sealed as the store's are; an engine opens it like any other.
    ///
    /// # Errors
    /// [`Status::StoreUnsupported`] of a store that is no file; [`Status::StoreFull`];
    /// [`Status::ServerError`] where the file exists or its folder does not.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<()> {
        Ok(self.context().store.backup(to.as_ref())?)
    }

    fn context(&self) -> &Context {
        &self.0
    }

    fn change(&self, next: impl Fn(Registry) -> Result<Registry>) -> Result<()> {
        self.context().state.change(self.context().now()?, next)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({})", self.context().issuer.as_str())
    }
}

/// An engine in the making.
pub struct EngineBuilder {
    config: Config,
    store: Option<Arc<dyn Store>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    events: Option<Arc<dyn EventSink>>,
    user_claims: Option<Arc<dyn UserClaims>>,
}

impl EngineBuilder {
    /// Where grants live, in the place of what the configuration says; memory unless said.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// What tells the time; the system's clock unless said.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// What is random; the system's generator unless said.
    #[must_use]
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Who hears of what happens; nobody unless said.
    #[must_use]
    pub fn events(mut self, events: Arc<dyn EventSink>) -> Self {
        self.events = Some(events);
        self
    }

    /// Who knows the users' claims, for `/userinfo`; nobody unless said.
    #[must_use]
    pub fn user_claims(mut self, user_claims: Arc<dyn UserClaims>) -> Self {
        self.user_claims = Some(user_claims);
        self
    }

    /// Adds a signing key, of the host's own perhaps ([`SigningKey::external`]).
    #[must_use]
    pub fn signing_key(mut self, key: SigningKey) -> Self {
        self.config = self.config.signing_key(key);
        self
    }

    /// Opens the engine.
    ///
    /// # Errors
    /// [`Status::Config`] and its reasons.
    pub fn build(self) -> Result<Engine> {
        let config = self.config;
        let issuer = config.validate()?;
        let store = match (self.store, &config.sqlite) {
            (None, None) => Arc::new(MemoryStore::new()),
            (None, Some(path)) => open_sqlite(path)?,
            (Some(store), None) => store,
            (Some(_), Some(_)) => {
                let what = "the host brings a store, and the configuration names another";
                return Err(Error::new(Status::Usage, what));
            }
        };
        let context = Context {
            endpoints: config.endpoints.clone(),
            defaults: config.defaults.clone(),
            default_audience: config.default_audience.clone(),
            acr_values_supported: config.acr_values_supported.clone(),
            ui_locales_supported: config.ui_locales_supported.clone(),
            service_documentation: config.service_documentation.clone(),
            state: State::open(
                config,
                issuer.clone(),
                &store,
                || self.clock.now(),
                &self.random,
            )?,
            issuer,
            store,
            clock: self.clock,
            serial: Serial::new(&*self.random)?,
            random: self.random,
            events: self.events,
            user_claims: self.user_claims,
        };
        Ok(Engine(Arc::new(context)))
    }
}

/// The host's own trouble: it is told which file.
#[cfg(feature = "_sqlite")]
fn open_sqlite(path: &Path) -> Result<Arc<dyn Store>> {
    use crate::store::{SqliteStore, StoreError};
    let opened = SqliteStore::open(path).map_err(|error| {
        let detail = format!("{}: {error}", path.display());
        match error {
            StoreError::Failed(_) => Error::new(Status::Store, "the store cannot be opened"),
            error => Error::from(error),
        }
        .with_detail(detail)
    });
    Ok(Arc::new(opened?))
}

#[cfg(not(feature = "_sqlite"))]
fn open_sqlite(_: &Path) -> Result<Arc<dyn Store>> {
    let what = "the library was built without SQLite";
    Err(Error::new(Status::StoreUnsupported, what))
}

fn parse(json: &str) -> Result<Value> {
    serde_json::from_str(json).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Error::new(
            Status::Config,
            format!("the metadata is not JSON at line {line}, column {column}"),
        )
    })
}

fn not_found(what: &str) -> Error {
    Error::new(Status::NotFound, format!("there is no such {what}"))
}
