//! Plays one flow of `tests/vectors/flows.json` as its README says, through the public interface: a step
//! goes in, what it gives and the events that came of it come out. Compares nothing.

use std::collections::HashMap;
use std::sync::Arc;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use grantlet::{
    AuthorizationResponse, AuthorizeError, Config, Denial, Engine, Error, Event, EventSink,
    FormRequest, GrantFilter, Login, ManualClock, PendingAuthorization, Random, Result, Secret,
    Signer, SigningKey, Status, Timestamp, UserClaimsRequest, http,
};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use crate::support::folder::Folder;

/// What a flow gives its engine, whenever that is opened.
pub(super) struct Player {
    config: String,
    sealing_key: Option<Vec<u8>>,
    users: Map<String, Value>,
    signing_key: Option<String>,
    clock: Arc<ManualClock>,
    random: Arc<Sequence>,
    events: Arc<Events>,
    signer: Arc<dyn Signer>,
    folder: Folder,
    engine: Option<Engine>,
    pending: HashMap<String, PendingAuthorization>,
}

impl Player {
    /// Opens a flow's engine; `signer` signs for the host, if the flow has a `signing_key`.
    pub(super) fn new(flow: &Value, signer: Arc<dyn Signer>) -> Self {
        let seed = u32::try_from(number(flow, "seed")).unwrap();
        let mut player = Player {
            config: text(flow, "config").to_owned(),
            sealing_key: flow["sealing_key"].as_str().map(from_hex),
            users: flow["users"].as_object().cloned().unwrap_or_default(),
            signing_key: flow["signing_key"].as_str().map(str::to_owned),
            clock: Arc::new(ManualClock::new(Timestamp::from_secs(number(
                flow, "clock",
            )))),
            random: Arc::new(Sequence(Mutex::new((seed, true)))),
            events: Arc::default(),
            signer,
            folder: Folder::new(),
            engine: None,
            pending: HashMap::new(),
        };
        player.open();
        player
    }

    fn open(&mut self) {
        let mut config = Config::from_json(&self.config).unwrap();
        if let Some(key) = &self.sealing_key {
            config = config
                .sqlite(self.folder.file("grants.db"))
                .sealing_key(Secret::new(key.clone()));
        }
        let users = self.users.clone();
        let mut builder = Engine::builder(config)
            .clock(self.clock.clone())
            .random(self.random.clone())
            .events(self.events.clone())
            .user_claims(Arc::new(move |asked: &UserClaimsRequest<'_>| {
                let known = users.get(asked.subject).and_then(Value::as_str);
                Ok(known.map(|claims| serde_json::from_str(claims).unwrap()))
            }));
        if let Some(jwk) = &self.signing_key {
            let jwk = serde_json::from_str(jwk).unwrap();
            builder = builder.signing_key(SigningKey::external(&jwk, self.signer.clone()).unwrap());
        }
        self.engine = Some(builder.build().unwrap());
    }

    /// Makes a step's call: `gives` or `fails`, and `events`.
    pub(super) fn play(&mut self, step: &Value) -> Map<String, Value> {
        if let Some(at) = step["at"].as_u64() {
            self.clock.set(Timestamp::from_secs(at));
        }
        self.random.0.lock().1 = step["random"] != false;
        let mut outcome = Map::new();
        match self.call(step) {
            Ok(Value::Null) => {}
            Ok(gives) => drop(outcome.insert("gives".to_owned(), gives)),
            Err(fails) => drop(outcome.insert("fails".to_owned(), fails)),
        }
        self.random.0.lock().1 = true;
        let events = std::mem::take(&mut *self.events.0.lock());
        if !events.is_empty() {
            outcome.insert("events".to_owned(), events.into());
        }
        outcome
    }

    fn call(&mut self, step: &Value) -> std::result::Result<Value, Value> {
        let call = text(step, "call");
        if call == "restart" {
            self.pending.clear();
            self.engine = None;
            self.open();
            return Ok(Value::Null);
        }
        let engine = self.engine.clone().unwrap();
        match call {
            "authorize" => {
                let pending = engine
                    .authorize(text(step, "query"))
                    .map_err(refused_authorization)?;
                let request = serde_json::to_string(pending.request()).unwrap();
                self.pending.insert(text(step, "as").to_owned(), pending);
                Ok(json!({"request": request}))
            }
            "approve" => {
                let response =
                    engine.approve(&self.pending[text(step, "pending")], &login(&step["login"]));
                answer(response.map_err(failure)?)
            }
            "deny" => {
                let pending = &self.pending[text(step, "pending")];
                answer(engine.deny(pending, denial(text(step, "denial"))))
            }
            "handle" => Ok(self.handle(&engine, step)),
            _ => call_engine(&engine, call, step).map_err(failure),
        }
    }

    fn handle(&mut self, engine: &Engine, step: &Value) -> Value {
        let headers: Vec<(&str, &str)> = step["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|header| (header[0].as_str().unwrap(), header[1].as_str().unwrap()))
            .collect();
        let reply = engine.handle(&http::Request {
            method: text(step, "method"),
            target: text(step, "target"),
            headers: &headers,
            body: text(step, "body").as_bytes(),
        });
        match reply {
            http::Reply::Response(response) => json!({
                "status": response.status,
                "headers": response.headers,
                "body": String::from_utf8(response.body).unwrap(),
            }),
            http::Reply::Authorize(pending) => {
                let request = serde_json::to_string(pending.request()).unwrap();
                let name = text(step, "as");
                self.pending.insert(name.to_owned(), *pending);
                json!({"pending": name, "request": request})
            }
        }
    }
}

/// A call that leaves nothing pending.
fn call_engine(engine: &Engine, call: &str, step: &Value) -> Result<Value> {
    let form = || FormRequest {
        form: text(step, "form"),
        authorization: Some(text(step, "authorization")).filter(|value| !value.is_empty()),
    };
    let filter = || GrantFilter {
        client_id: Some(text(step, "client_id")).filter(|id| !id.is_empty()),
        subject: Some(text(step, "subject")).filter(|id| !id.is_empty()),
    };
    let count = |count: usize| json!({"count": count});
    let nothing = |()| Value::Null;
    match call {
        "token" => Ok(json!({"json": &*engine.token(form())?.to_json()})),
        "introspect" => Ok(json_text(&engine.introspect(form())?)),
        "revoke" => engine.revoke(form()).map(nothing),
        "verify" => {
            let scope: Vec<&str> = text(step, "scope").split_whitespace().collect();
            let token =
                engine.verify(text(step, "access_token"), text(step, "audience"), &scope)?;
            Ok(json_text(token.claims()))
        }
        "userinfo" => Ok(json_text(&engine.userinfo(text(step, "access_token"))?)),
        "metadata" => Ok(json_text(&engine.metadata())),
        "jwks" => Ok(json_text(&engine.jwks())),
        "grants" => Ok(json_text(&engine.grants(filter())?)),
        "grant" => Ok(json_text(&engine.grant(text(step, "grant_id"))?.unwrap())),
        "revoke_grant" => engine
            .revoke_grant(text(step, "grant_id"))
            .map(|was_live| count(was_live.into())),
        "revoke_grants" => engine.revoke_grants(filter()).map(count),
        "put_api" => engine.put_api_json(text(step, "json")).map(nothing),
        "put_client" => engine.put_client_json(text(step, "json")).map(nothing),
        "remove_api" => engine.remove_api(text(step, "identifier")).map(nothing),
        "remove_client" => engine.remove_client(text(step, "client_id")).map(count),
        "sweep" => {
            let limit = usize::try_from(number(step, "limit")).unwrap();
            engine.sweep(limit).map(count)
        }
        unknown => panic!("no such call: {unknown}"),
    }
}

/// What comes out as JSON text.
fn json_text(value: &impl serde::Serialize) -> Value {
    json!({"json": serde_json::to_string(value).unwrap()})
}

fn answer(response: AuthorizationResponse) -> std::result::Result<Value, Value> {
    let response = http::Response::from(response);
    Ok(json!({"status": response.status, "location": response.header("Location")}))
}

fn login(said: &Value) -> Login {
    let mut login = Login::new(text(said, "subject"));
    login.auth_time = said["auth_time"].as_u64();
    login.acr = said["acr"].as_str().map(str::to_owned);
    login.sid = said["sid"].as_str().map(str::to_owned);
    for method in said["amr"].as_array().into_iter().flatten() {
        login.amr.push(method.as_str().unwrap().to_owned());
    }
    if let Some(scope) = said["scope"].as_str() {
        login = login.scope(scope.split_whitespace());
    }
    let claims = |name: &str| match said[name].as_str() {
        None => Map::new(),
        Some(claims) => serde_json::from_str(claims).unwrap(),
    };
    login.access_token_claims = claims("access_token_claims");
    login.id_token_claims = claims("id_token_claims");
    login
}

fn denial(status: &str) -> Denial {
    match status {
        "GRL_ACCESS_DENIED" => Denial::AccessDenied,
        "GRL_LOGIN_REQUIRED" => Denial::LoginRequired,
        "GRL_CONSENT_REQUIRED" => Denial::ConsentRequired,
        other => panic!("no such denial: {other}"),
    }
}

fn failure(error: Error) -> Value {
    json!({
        "status": header_name(error.status()),
        "oauth_code": error.oauth_code(),
        "description": error.description(),
        "detail": error.detail().unwrap_or_default(),
        "http_status": error.http_status(),
        "response": error.to_json(),
    })
}

fn refused_authorization(refused: AuthorizeError) -> Value {
    let mut fails = failure(refused.error);
    let redirect = refused
        .response
        .map(|response| response.location().map(str::to_owned));
    fails["redirect"] = redirect.flatten().into();
    fails
}

/// `InvalidGrant` is `GRL_INVALID_GRANT` in C.
fn header_name(status: Status) -> String {
    let mut name = "GRL".to_owned();
    for letter in format!("{status:?}").chars() {
        if letter.is_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

/// The random source of the README; it can be made to fail.
struct Sequence(Mutex<(u32, bool)>);

impl Random for Sequence {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        let (state, works) = &mut *self.0.lock();
        if !*works {
            return Err(Error::server("the host's random failed: status 20"));
        }
        for byte in out {
            *state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            *byte = state.to_be_bytes()[1];
        }
        Ok(())
    }
}

#[derive(Default)]
struct Events(Mutex<Vec<String>>);

impl EventSink for Events {
    fn record(&self, event: &Event<'_>) {
        self.0.lock().push(serde_json::to_string(event).unwrap());
    }
}

/// The README's signer: it knows some inputs, and is cancelled at all others.
pub(super) struct Table(pub(super) Map<String, Value>);

impl Signer for Table {
    fn sign(&self, input: &[u8]) -> Result<Vec<u8>> {
        let signature = self.0.get(std::str::from_utf8(input).unwrap());
        match signature.and_then(Value::as_str) {
            Some(signature) => Ok(BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap()),
            None => Err(Error::server("the host's sign failed: status 20")),
        }
    }
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member]
        .as_str()
        .unwrap_or_else(|| panic!("a step lacks {member}"))
}

fn number(value: &Value, member: &str) -> u64 {
    value[member]
        .as_u64()
        .unwrap_or_else(|| panic!("a step lacks {member}"))
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}
