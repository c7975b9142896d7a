//! The registry: clients, APIs and keys at one moment, with everything that can be encoded once.
//!
//! An immutable snapshot: a request takes one and sees it whole, whatever is changed meanwhile; a
//! change makes the next. Knows how tokens are headed, not what is in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use serde_json::{Map, Value, json};

use crate::api::{Api, TokenDialect};
use crate::client::{Client, RefreshPolicy, validate_policy};
use crate::clock::Timestamp;
use crate::config::{Config, Defaults, Issuer};
use crate::error::{Error, Result, Status};
use crate::grant::TokenKeys;
use crate::jose::{Algorithm, Keyring, SigningKey, Template};
use crate::random::Random;

/// An API, and what all its access tokens start with.
#[derive(Clone)]
pub(crate) struct Resource {
    pub(crate) api: Api,
    pub(crate) template: Template,
}

/// What was put, and what was removed (none), since the configuration.
#[derive(Clone, Default)]
pub(crate) struct Changes {
    pub(crate) clients: BTreeMap<String, Option<Arc<Client>>>,
    pub(crate) apis: BTreeMap<String, Option<Arc<Api>>>,
}

/// What of a registry outlives the process.
#[derive(Clone)]
pub(crate) struct Lasting {
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) token_keys: Arc<TokenKeys>,
    pub(crate) changes: Changes,
}

/// Clients, APIs and keys at one moment.
#[derive(Clone)]
pub(crate) struct Registry {
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) token_keys: Arc<TokenKeys>,
    changes: Changes,
    clients: HashMap<String, Arc<Client>>,
    resources: HashMap<String, Arc<Resource>>,
    /// What ID tokens start with, by algorithm.
    id_tokens: Vec<Template>,
    /// What access tokens without an API start with: they are for `/userinfo`.
    userinfo: Template,
    issuer: Issuer,
    userinfo_url: String,
    defaults: Defaults,
}

impl Registry {
    /// What the configuration says, and over it what lasted of an earlier registry. Keys that are needed
    /// and not there are made.
    pub(crate) fn new(
        config: &Config,
        issuer: Issuer,
        lasting: Option<Lasting>,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Self> {
        // Whoever verifies with a shared secret can sign with it: it must not speak for the issuer.
        let is_shared = |key: &Arc<SigningKey>| key.algorithm() == Algorithm::HS256;
        if config.signing_keys.iter().any(is_shared) {
            return Err(Error::new(
                Status::ConfigKey,
                "keys.signing holds an HS256 secret: it belongs to one API, as its signing_secret",
            ));
        }
        let configured = Keyring::new(config.signing_keys.iter().cloned())?;
        let (keyring, token_keys, changes) = match lasting {
            None => (
                configured,
                TokenKeys::new(&config.token_keys, random)?,
                Changes::default(),
            ),
            Some(lasting) => (
                lasting.keyring.adopt(&configured, now)?,
                lasting.token_keys.adopt(&config.token_keys)?,
                lasting.changes,
            ),
        };
        let mut keyring = keyring.with_generated(Algorithm::ES256, random)?;
        for algorithm in needed_algorithms(&config.apis, &config.clients) {
            keyring = keyring.with_generated(algorithm, random)?;
        }
        let userinfo_url = issuer.url(&config.endpoints.userinfo);
        let mut this = Registry {
            userinfo: userinfo_template(&keyring, &issuer, &userinfo_url)?,
            keyring: Arc::new(keyring),
            token_keys: Arc::new(token_keys),
            changes: Changes::default(),
            clients: HashMap::new(),
            resources: HashMap::new(),
            id_tokens: Vec::new(),
            issuer,
            userinfo_url,
            defaults: config.defaults.clone(),
        };
        this.id_tokens = this.id_token_templates();
        for api in &config.apis {
            if this.resources.contains_key(&api.identifier) {
                return Err(Error::new(
                    Status::Config,
                    format!("the API '{}' is given twice", api.identifier),
                ));
            }
            this = this.with_api(api.clone(), random)?;
        }
        for client in &config.clients {
            if this.clients.contains_key(&client.client_id) {
                let what = format!("the client '{}' is given twice", client.client_id);
                return Err(Error::new(Status::Config, what));
            }
            this = this.with_client(Arc::new(client.clone()), random)?;
        }
        this.apply(changes, random)
    }

    /// What was changed has the last word over the configuration.
    fn apply(mut self, changes: Changes, random: &dyn Random) -> Result<Self> {
        for (identifier, api) in &changes.apis {
            self.resources.remove(identifier);
            if let Some(api) = api {
                self = self.with_api(Api::clone(api), random)?;
            }
        }
        for (client_id, client) in &changes.clients {
            self.clients.remove(client_id);
            if let Some(client) = client {
                self = self.with_client(Arc::clone(client), random)?;
            }
        }
        self.changes = changes;
        Ok(self)
    }

    /// What of it outlives the process.
    pub(crate) fn lasting(&self) -> Lasting {
        Lasting {
            keyring: Arc::clone(&self.keyring),
            token_keys: Arc::clone(&self.token_keys),
            changes: self.changes.clone(),
        }
    }

    /// The client of this id.
    pub(crate) fn client(&self, client_id: &str) -> Option<&Arc<Client>> {
        self.clients.get(client_id)
    }

    /// The API of this identifier.
    pub(crate) fn resource(&self, identifier: &str) -> Option<&Arc<Resource>> {
        self.resources.get(identifier)
    }

    /// Every API.
    pub(crate) fn resources(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.values()
    }

    /// What an ID token of this algorithm starts with.
    pub(crate) fn id_token(&self, algorithm: Algorithm) -> Result<&Template> {
        let found = self
            .id_tokens
            .iter()
            .find(|template| template.key().algorithm() == algorithm);
        found.ok_or_else(|| no_key(algorithm))
    }

    /// What an access token for `/userinfo` alone starts with.
    pub(crate) fn userinfo(&self) -> &Template {
        &self.userinfo
    }

    /// The URL that access tokens for `/userinfo` have as their `aud`.
    pub(crate) fn userinfo_url(&self) -> &str {
        &self.userinfo_url
    }

    /// The algorithms that ID tokens can be signed with.
    pub(crate) fn id_token_algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.id_tokens
            .iter()
            .map(|template| template.key().algorithm())
    }

    /// What this client's refresh tokens may do.
    pub(crate) fn refresh_policy<'a>(&'a self, client: &'a Client) -> &'a RefreshPolicy {
        client
            .refresh_token
            .as_ref()
            .unwrap_or(&self.defaults.refresh_token)
    }

    /// Seconds after which no token lives any more that was signed a moment ago.
    pub(crate) fn longest_token_lifetime(&self) -> u32 {
        let of_apis = self
            .resources
            .values()
            .filter_map(|resource| resource.api.token_lifetime);
        let of_clients = self
            .clients
            .values()
            .filter_map(|client| client.id_token_lifetime);
        let defaults = [
            self.defaults.access_token_lifetime,
            self.defaults.id_token_lifetime,
        ];
        of_apis
            .chain(of_clients)
            .chain(defaults)
            .max()
            .unwrap_or_default()
    }

    /// The key that a token's header names: the issuer's, or an API's own shared secret.
    pub(crate) fn verification_key(&self, kid: &str) -> Option<Arc<SigningKey>> {
        let own = || {
            self.resources
                .values()
                .map(|resource| resource.template.key())
                .find(|key| key.kid() == kid)
        };
        self.keyring.find(kid).or_else(own).cloned()
    }

    /// The registry with this API put, in the place of one of the same identifier.
    pub(crate) fn put_api(self, api: Api, random: &dyn Random) -> Result<Self> {
        let put = Arc::new(api.clone());
        let mut this = self.with_api(api, random)?;
        this.changes.apis.insert(put.identifier.clone(), Some(put));
        Ok(this)
    }

    /// The registry with this client put, in the place of one of the same id.
    pub(crate) fn put_client(self, client: Client, random: &dyn Random) -> Result<Self> {
        let put = Arc::new(client);
        let mut this = self.with_client(Arc::clone(&put), random)?;
        this.changes
            .clients
            .insert(put.client_id.clone(), Some(put));
        Ok(this)
    }

    /// The registry without this API; `None` if it is not there.
    pub(crate) fn remove_api(mut self, identifier: &str) -> Option<Self> {
        self.resources.remove(identifier)?;
        self.changes.apis.insert(identifier.to_owned(), None);
        Some(self)
    }

    /// The registry without this client; `None` if it is not there.
    pub(crate) fn remove_client(mut self, client_id: &str) -> Option<Self> {
        self.clients.remove(client_id)?;
        self.changes.clients.insert(client_id.to_owned(), None);
        Some(self)
    }

    fn with_api(mut self, api: Api, random: &dyn Random) -> Result<Self> {
        api.validate(&format!("the API '{}'", api.identifier))?;
        if api.signing_secret.is_none() {
            self = self.with_algorithm(api.signing_alg, random)?;
        }
        let template = self.access_token_template(&api)?;
        self.resources
            .insert(api.identifier.clone(), Arc::new(Resource { api, template }));
        Ok(self)
    }

    fn with_client(self, client: Arc<Client>, random: &dyn Random) -> Result<Self> {
        let policy = self.refresh_policy(&client);
        validate_policy(policy, client.is_public()).map_err(|what| {
            Error::new(
                Status::Config,
                format!("the client '{}' {what}", client.client_id),
            )
        })?;
        let mut this = self.with_algorithm(client.id_token_signed_response_alg, random)?;
        this.clients.insert(client.client_id.clone(), client);
        Ok(this)
    }

    /// The registry under other keys.
    pub(crate) fn with_keys(mut self, keyring: Keyring, token_keys: TokenKeys) -> Result<Self> {
        self.keyring = Arc::new(keyring);
        self.token_keys = Arc::new(token_keys);
        self.refresh_templates()?;
        let resources: Vec<_> = self.resources.values().map(Arc::clone).collect();
        for resource in resources {
            let api = resource.api.clone();
            let template = self.access_token_template(&api)?;
            self.resources
                .insert(api.identifier.clone(), Arc::new(Resource { api, template }));
        }
        Ok(self)
    }

    fn with_algorithm(mut self, algorithm: Algorithm, random: &dyn Random) -> Result<Self> {
        if self.keyring.current(algorithm).is_none() {
            self.keyring = Arc::new(self.keyring.with_generated(algorithm, random)?);
            self.refresh_templates()?;
        }
        Ok(self)
    }

    fn refresh_templates(&mut self) -> Result<()> {
        self.id_tokens = self.id_token_templates();
        self.userinfo = userinfo_template(&self.keyring, &self.issuer, &self.userinfo_url)?;
        Ok(())
    }

    fn id_token_templates(&self) -> Vec<Template> {
        let fixed = object(json!({ "iss": self.issuer.as_str() }));
        let asymmetric = self
            .keyring
            .algorithms()
            .filter(|&algorithm| algorithm != Algorithm::HS256);
        let current = asymmetric.filter_map(|algorithm| self.keyring.current(algorithm));
        current
            .map(|key| Template::new(Arc::clone(key), "JWT", &fixed))
            .collect()
    }

    fn access_token_template(&self, api: &Api) -> Result<Template> {
        let key = match &api.signing_secret {
            Some(secret) => Arc::new(SigningKey::from_secret(secret.expose())?),
            None => Arc::clone(
                self.keyring
                    .current(api.signing_alg)
                    .ok_or_else(|| no_key(api.signing_alg))?,
            ),
        };
        let issuer = self.issuer.as_str();
        Ok(match api.token_dialect {
            TokenDialect::Rfc9068 => Template::new(
                key,
                "at+jwt",
                &object(json!({ "iss": issuer, "aud": api.identifier })),
            ),
            // `aud` is a string or a list, as the token's scope has it.
            TokenDialect::Auth0 => Template::new(key, "JWT", &object(json!({ "iss": issuer }))),
        })
    }
}

fn userinfo_template(keyring: &Keyring, issuer: &Issuer, userinfo_url: &str) -> Result<Template> {
    let key = keyring
        .current(Algorithm::ES256)
        .ok_or_else(|| no_key(Algorithm::ES256))?;
    let fixed = object(json!({ "iss": issuer.as_str(), "aud": userinfo_url }));
    Ok(Template::new(Arc::clone(key), "at+jwt", &fixed))
}

fn needed_algorithms(apis: &[Api], clients: &[Client]) -> Vec<Algorithm> {
    let of_apis = apis
        .iter()
        .filter(|api| api.signing_secret.is_none())
        .map(|api| api.signing_alg);
    of_apis
        .chain(
            clients
                .iter()
                .map(|client| client.id_token_signed_response_alg),
        )
        .collect()
}

fn no_key(algorithm: Algorithm) -> Error {
    Error::server(format!("the keyring has no {} key", algorithm.name()))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
