//! The authorization request (RFC 6749 §4.1.1, OIDC Core §3.1.2.1): validates everything that a
//! client may ask, and says what the host should show.
//!
//! Changes nothing: the grant is made when the host approves (see `approve`). Knows nothing of users.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::client::{ApplicationType, Client, GrantType};
use crate::clock::Timestamp;
use crate::config::limits::{MAX_NONCE_BYTES, MAX_RESOURCES, MAX_STATE_BYTES};
use crate::endpoint::Context;
use crate::endpoint::approve::AuthorizationResponse;
use crate::endpoint::params::Params;
use crate::error::{Error, Result, Status};
use crate::registry::{Registry, Resource};
use crate::scope::{OFFLINE_ACCESS, OPENID, OPENID_SCOPES, Scope};

/// How the response reaches the client (OAuth Multiple Response Types §2.1, Form Post).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect.
    #[default]
    Query,
    /// In the fragment of the redirect.
    Fragment,
    /// In a page that posts itself.
    FormPost,
}

/// What the user is to be asked (OIDC Core §3.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Nothing: answer from the session, or deny.
    None,
    /// To sign in again.
    Login,
    /// To consent again.
    Consent,
    /// To choose an account.
    SelectAccount,
}

/// One scope asked for, as a consent page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestedScope {
    /// The scope token.
    pub value: String,
    /// What the API says that it allows; empty for OpenID Connect's own.
    pub description: String,
}

/// What the client asked, validated: what a sign-in and consent page needs.
#[derive(Clone, Debug, Serialize)]
pub struct AuthorizationRequest {
    /// The client.
    pub client_id: String,
    /// Its name for people.
    pub client_name: Option<String>,
    /// Its platform.
    pub application_type: ApplicationType,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// How it goes there.
    pub response_mode: ResponseMode,
    /// The scope that can be granted; what nobody knows was left out (OIDC Core §3.1.2.1).
    pub scope: Scope,
    /// The same, one by one.
    pub scopes: Vec<RequestedScope>,
    /// Whether a refresh token will be issued: asked for, and allowed by client and APIs.
    pub offline_access: bool,
    /// The APIs that the tokens are for, the default one first; none: `/userinfo` only.
    pub audience: Vec<String>,
    /// The same for people: each API's name, or else its identifier.
    pub audience_names: Vec<String>,
    /// The client's own value, given back to it.
    pub state: Option<String>,
    /// What the user is to be asked.
    pub prompt: Vec<Prompt>,
    /// How old the login may be, in seconds.
    pub max_age: Option<u32>,
    /// Who the user probably is.
    pub login_hint: Option<String>,
    /// Who the user must be: whom a valid `id_token_hint` names, or `claims.id_token.sub.value`.
    pub required_subject: Option<String>,
    /// The user's languages, the preferred first.
    pub ui_locales: Vec<String>,
    /// How strongly the user should authenticate, the preferred first.
    pub acr_values: Vec<String>,
    /// How the page is shown: `page`, `popup`, `touch`, `wap`.
    pub display: Option<String>,
    /// The `claims` parameter (OIDC Core §5.5), for the host.
    pub claims: Option<Map<String, Value>>,
}

/// A request that waits for the host's answer: `Engine::approve` or `Engine::deny`, once.
#[derive(Clone)]
pub struct PendingAuthorization {
    pub(crate) query: String,
    pub(crate) request: AuthorizationRequest,
    /// Set by the first approval; shared by clones.
    pub(crate) answered: Arc<AtomicBool>,
    pub(crate) requested_at: Timestamp,
    pub(crate) redirect_uri_was_sent: bool,
    pub(crate) code_challenge: Option<[u8; 32]>,
    pub(crate) nonce: Option<String>,
    pub(crate) require_auth_time: bool,
}

impl std::fmt::Debug for PendingAuthorization {
    /// Hides the query: state, nonce and perhaps an ID token are in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let client_id = &self.request.client_id;
        write!(f, "PendingAuthorization {{ client_id: {client_id:?}, .. }}")
    }
}

impl PendingAuthorization {
    /// What the client asked.
    pub fn request(&self) -> &AuthorizationRequest {
        &self.request
    }

    /// The request as it came in. A host whose sign-in page keeps no state puts it into the page, and
    /// hands it to `Engine::authorize` again when the user has answered.
    pub fn query(&self) -> &str {
        &self.query
    }
}

/// Why a request came to nothing.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{error}")]
pub struct AuthorizeError {
    /// What is wrong.
    pub error: Error,
    /// The error response to send to the client's redirect URI. `None`: the client or its redirect
    /// URI cannot be trusted; show the error to the user, and never redirect (RFC 6749 §4.1.2.1).
    pub response: Option<AuthorizationResponse>,
}

impl From<Error> for AuthorizeError {
    fn from(error: Error) -> Self {
        AuthorizeError {
            error,
            response: None,
        }
    }
}

/// Where an answer, good or bad, may go.
pub(crate) struct ReplyTo<'a> {
    pub(crate) redirect_uri: &'a str,
    pub(crate) response_mode: ResponseMode,
    pub(crate) state: Option<&'a str>,
}

/// Validates an authorization request. See `Engine::authorize`.
pub(crate) fn authorize(
    ctx: &Context,
    query: &str,
) -> Result<PendingAuthorization, AuthorizeError> {
    let params = Params::parse(query).map_err(|error| ctx.refused("authorize", None, error))?;
    let registry = ctx.registry()?;
    let client_id = params.single("client_id").unwrap_or(None);
    let refused = |error| ctx.refused("authorize", client_id, error);

    // Until the client and its redirect URI are known to belong together, nothing is redirected.
    let client = known_client(&registry, &params).map_err(refused)?;
    let redirect_uri = redirect_uri(&client, &params).map_err(refused)?;
    let state = params
        .single("state")
        .unwrap_or(None)
        .filter(|state| state.len() <= MAX_STATE_BYTES);
    let response_mode = response_mode(&params);
    let reply_to = ReplyTo {
        redirect_uri,
        response_mode: response_mode.as_ref().copied().unwrap_or_default(),
        state,
    };

    let validated =
        response_mode.and_then(|_| validate(ctx, &registry, &client, &params, &reply_to));
    validated.map_err(|error| {
        let response = AuthorizationResponse::error(ctx, &reply_to, &error);
        AuthorizeError {
            error: refused(error),
            response: Some(response),
        }
    })
}

fn known_client(registry: &Registry, params: &Params<'_>) -> Result<Arc<Client>> {
    let client_id = params.single("client_id")?.ok_or_else(|| {
        Error::new(
            Status::InvalidRequestMissing,
            "the parameter 'client_id' is missing",
        )
    })?;
    let client = registry.client(client_id);
    client
        .cloned()
        .ok_or_else(|| Error::new(Status::InvalidClientUnknown, "the client_id is unknown"))
}

/// The redirect URI that the request means: the one that it names, if it is registered; the
/// registered one, if it names none and there is only one (RFC 6749 §3.1.2.3).
fn redirect_uri<'a>(client: &'a Client, params: &'a Params<'_>) -> Result<&'a str> {
    let refuse = |what| Err(Error::new(Status::InvalidRequestRedirectUri, what));
    let Some(asked) = params.single("redirect_uri")? else {
        // OIDC Core §3.1.2.1 has redirect_uri REQUIRED.
        let openid = params
            .get("scope")
            .is_some_and(|scope| scope.split(' ').any(|token| token == OPENID));
        return match &client.redirect_uris[..] {
            [only] if !openid => Ok(only.as_str()),
            _ => refuse("the parameter 'redirect_uri' is missing"),
        };
    };
    match client
        .redirect_uris
        .iter()
        .any(|registered| registered.matches(asked))
    {
        true => Ok(asked),
        false => refuse("the redirect_uri is not one of the client's registered ones"),
    }
}

fn response_mode(params: &Params<'_>) -> Result<ResponseMode> {
    match params.single("response_mode")? {
        None | Some("query") => Ok(ResponseMode::Query),
        Some("fragment") => Ok(ResponseMode::Fragment),
        Some("form_post") => Ok(ResponseMode::FormPost),
        Some(_) => Err(invalid(
            "response_mode must be query, fragment or form_post",
        )),
    }
}

fn validate(
    ctx: &Context,
    registry: &Registry,
    client: &Client,
    params: &Params<'_>,
    reply_to: &ReplyTo<'_>,
) -> Result<PendingAuthorization> {
    params.refuse_repeated()?;
    if params
        .get("state")
        .is_some_and(|state| state.len() > MAX_STATE_BYTES)
    {
        return Err(invalid("state is too long"));
    }
    refuse_unsupported(params)?;
    if params.require("response_type")? != "code" {
        return Err(Error::new(
            Status::UnsupportedResponseType,
            "response_type must be 'code'",
        ));
    }
    if !client.may_use(GrantType::AuthorizationCode) {
        return Err(Error::new(
            Status::UnauthorizedClient,
            "the client is not registered for the grant type authorization_code",
        ));
    }
    let resources = resources(ctx, registry, params)?;
    let scope = grantable_scope(client, &resources, params.get("scope").unwrap_or_default())?;
    let code_challenge = code_challenge(client, params)?;
    let nonce = params.get("nonce");
    if nonce.is_some_and(|nonce| nonce.len() > MAX_NONCE_BYTES) {
        return Err(invalid("nonce is too long"));
    }
    let claims = claims(params)?;
    let request = AuthorizationRequest {
        client_id: client.client_id.clone(),
        client_name: client.client_name.clone(),
        application_type: client.application_type,
        redirect_uri: reply_to.redirect_uri.to_owned(),
        response_mode: reply_to.response_mode,
        scopes: described(&scope, &resources),
        offline_access: scope.contains(OFFLINE_ACCESS),
        scope,
        audience_names: resources
            .iter()
            .map(|resource| {
                resource
                    .api
                    .name
                    .as_ref()
                    .unwrap_or(&resource.api.identifier)
                    .clone()
            })
            .collect(),
        audience: resources
            .iter()
            .map(|resource| resource.api.identifier.clone())
            .collect(),
        state: reply_to.state.map(str::to_owned),
        prompt: prompt(params)?,
        max_age: max_age(params)?.or(client.default_max_age),
        login_hint: params.get("login_hint").map(str::to_owned),
        required_subject: required_subject(ctx, registry, params, claims.as_ref())?,
        ui_locales: words(params, "ui_locales"),
        acr_values: words(params, "acr_values"),
        display: params.get("display").map(str::to_owned),
        claims,
    };
    Ok(PendingAuthorization {
        query: params.text().to_owned(),
        request,
        answered: Arc::default(),
        requested_at: ctx.now()?,
        redirect_uri_was_sent: params.get("redirect_uri").is_some(),
        code_challenge,
        nonce: nonce.map(str::to_owned),
        require_auth_time: client.require_auth_time,
    })
}

/// What would change the request's meaning and is not supported is refused, not passed over.
fn refuse_unsupported(params: &Params<'_>) -> Result<()> {
    for (name, status) in [
        ("request", Status::RequestNotSupported),
        ("request_uri", Status::RequestUriNotSupported),
        ("registration", Status::RegistrationNotSupported),
    ] {
        if params.get(name).is_some() {
            return Err(Error::new(
                status,
                format!("the parameter '{name}' is not supported"),
            ));
        }
    }
    Ok(())
}

/// The APIs that the request names by `audience` (Auth0) and `resource` (RFC 8707 §2.1), or the
/// default one.
fn resources(
    ctx: &Context,
    registry: &Registry,
    params: &Params<'_>,
) -> Result<Vec<Arc<Resource>>> {
    let mut found: Vec<Arc<Resource>> = Vec::new();
    let named = params.get("audience").into_iter();
    let named: Vec<&str> = named.chain(params.all("resource")).collect();
    let default = ctx.default_audience.as_deref().filter(|_| named.is_empty());
    // `/userinfo` is no API: whoever names it alone gets a token that is for nothing else.
    let apis = named
        .into_iter()
        .filter(|name| *name != registry.userinfo_url());
    for identifier in apis.chain(default) {
        let resource = find_resource(registry, identifier)?;
        if !found.iter().any(|other| Arc::ptr_eq(other, resource)) {
            found.push(Arc::clone(resource));
        }
    }
    if found.len() > MAX_RESOURCES {
        return Err(Error::new(
            Status::InvalidTarget,
            format!("more than {MAX_RESOURCES} resources are named"),
        ));
    }
    for name in params.all("resource") {
        require_absolute_uri(name)?;
    }
    Ok(found)
}

/// The API of this identifier.
pub(crate) fn find_resource<'a>(
    registry: &'a Registry,
    identifier: &str,
) -> Result<&'a Arc<Resource>> {
    registry.resource(identifier).ok_or_else(|| {
        Error::new(
            Status::InvalidTarget,
            "the audience or resource names no API that this server knows",
        )
    })
}

/// RFC 8707 §2: «Its value MUST be an absolute URI … The URI MUST NOT include a fragment component.»
pub(crate) fn require_absolute_uri(resource: &str) -> Result<()> {
    match fluent_uri::Uri::parse(resource) {
        Ok(uri) if !uri.has_fragment() => Ok(()),
        _ => Err(Error::new(
            Status::InvalidTarget,
            "a resource must be an absolute URI without a fragment",
        )),
    }
}

/// The scope that can be granted: what the client may ask for and somebody knows. OIDC Core §3.1.2.1:
/// «Scope values used that are not understood by an implementation SHOULD be ignored.»
/// `offline_access` stays where the client and every API named allow it.
fn grantable_scope(client: &Client, resources: &[Arc<Resource>], text: &str) -> Result<Scope> {
    let offline = client.may_use(GrantType::RefreshToken)
        && resources
            .iter()
            .all(|resource| resource.api.allow_offline_access);
    Ok(Scope::parse(text)?.filter(|token| {
        let known = OPENID_SCOPES.contains(&token)
            || resources
                .iter()
                .any(|resource| resource.api.has_scope(token));
        let allowed = client
            .scope
            .as_ref()
            .is_none_or(|scope| scope.contains(token));
        known && allowed && (token != OFFLINE_ACCESS || offline)
    }))
}

fn described(scope: &Scope, resources: &[Arc<Resource>]) -> Vec<RequestedScope> {
    let describe = |token: &str| {
        let mut scopes = resources.iter().flat_map(|resource| &resource.api.scopes);
        scopes
            .find(|scope| scope.value == token)
            .map_or(String::new(), |scope| scope.description.clone())
    };
    scope
        .iter()
        .map(|token| RequestedScope {
            value: token.to_owned(),
            description: describe(token),
        })
        .collect()
}

/// RFC 7636 §4.3, with S256 as the only method: a missing method would mean `plain`.
fn code_challenge(client: &Client, params: &Params<'_>) -> Result<Option<[u8; 32]>> {
    let refuse = |what| Err(Error::new(Status::InvalidRequestPkce, what));
    let Some(challenge) = params.get("code_challenge") else {
        if params.get("code_challenge_method").is_some() {
            return refuse("code_challenge_method without code_challenge");
        }
        if client.require_pkce {
            return refuse("the client must use PKCE: code_challenge is missing");
        }
        return Ok(None);
    };
    if params.get("code_challenge_method") != Some("S256") {
        return refuse("code_challenge_method must be S256");
    }
    match BASE64_URL_SAFE_NO_PAD
        .decode(challenge)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
    {
        Some(digest) => Ok(Some(digest)),
        None => refuse("code_challenge must be a SHA-256 digest in base64url without padding"),
    }
}

fn prompt(params: &Params<'_>) -> Result<Vec<Prompt>> {
    let mut prompts = Vec::new();
    for word in params
        .get("prompt")
        .unwrap_or_default()
        .split(' ')
        .filter(|word| !word.is_empty())
    {
        prompts.push(match word {
            "none" => Prompt::None,
            "login" => Prompt::Login,
            "consent" => Prompt::Consent,
            "select_account" => Prompt::SelectAccount,
            _ => {
                return Err(invalid(
                    "prompt must be none, login, consent or select_account",
                ));
            }
        });
    }
    if prompts.len() > 1 && prompts.contains(&Prompt::None) {
        return Err(invalid("prompt=none excludes every other prompt"));
    }
    Ok(prompts)
}

fn max_age(params: &Params<'_>) -> Result<Option<u32>> {
    let Some(text) = params.get("max_age") else {
        return Ok(None);
    };
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let secs = text.parse().ok().filter(|_| digits);
    secs.map(Some)
        .ok_or_else(|| invalid("max_age must be a number of seconds"))
}

/// Who the user must be, where the request says so: by `id_token_hint`, or by asking for an ID token
/// of one `sub` (OIDC Core §5.5.1).
fn required_subject(
    ctx: &Context,
    registry: &Registry,
    params: &Params<'_>,
    claims: Option<&Map<String, Value>>,
) -> Result<Option<String>> {
    let asked =
        claims.and_then(|claims| claims.get("id_token")?.get("sub")?.get("value")?.as_str());
    match (id_token_hint_subject(ctx, registry, params)?, asked) {
        (Some(hinted), Some(asked)) if hinted != asked => {
            Err(invalid("id_token_hint and claims name different users"))
        }
        (hinted, asked) => Ok(hinted.or(asked.map(str::to_owned))),
    }
}

/// Whom an `id_token_hint` names. OIDC Core §3.1.2.1: an ID token of ours, expired or not.
fn id_token_hint_subject(
    ctx: &Context,
    registry: &Registry,
    params: &Params<'_>,
) -> Result<Option<String>> {
    let Some(hint) = params.get("id_token_hint") else {
        return Ok(None);
    };
    let claims = super::access_token::id_token_claims(registry, hint)
        .map_err(|_| invalid("id_token_hint is not an ID token of this server's"))?;
    let ours = claims.get("iss").and_then(Value::as_str) == Some(ctx.issuer.as_str());
    let subject = claims.get("sub").and_then(Value::as_str).filter(|_| ours);
    subject
        .map(|subject| Some(subject.to_owned()))
        .ok_or_else(|| invalid("id_token_hint is another issuer's"))
}

fn claims(params: &Params<'_>) -> Result<Option<Map<String, Value>>> {
    let parse =
        |text| serde_json::from_str(text).map_err(|_| invalid("claims must be a JSON object"));
    params.get("claims").map(parse).transpose()
}

fn words(params: &Params<'_>, name: &str) -> Vec<String> {
    let text = params.get(name).unwrap_or_default();
    text.split(' ')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn invalid(what: &'static str) -> Error {
    Error::new(Status::InvalidRequest, what)
}
