//! `tests/vectors/flows.json`: whole stories that every language replays byte for byte. `stories.rs`
//! tells them, `player.rs` plays them, and this file records what comes of it.
//! `GRL_BLESS=1 cargo test --test it flows` writes it anew.

mod player;
mod stories;

use std::path::PathBuf;
use std::sync::Arc;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use grantlet::{Error, Result, Signer};
use parking_lot::Mutex;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair,
};
use serde_json::{Map, Value, json};

use crate::support::{START, app_query};
use player::{Player, Table};
use stories::{SCOPE, STORIES, Story, key, redeem, tenant, token, verify};

#[test]
fn the_committed_file_is_what_the_stories_tell() {
    let committed = committed();
    let told = json!({
        "comment": "Told by tests/it/flows; README.md here says how to replay it.",
        "flows": STORIES.map(|(name, about, tell)| record(name, about, tell, &committed)),
    });
    if std::env::var_os("GRL_BLESS").is_some() {
        let text = serde_json::to_string_pretty(&told).unwrap() + "\n";
        std::fs::write(path(), text).unwrap();
    }
    let committed = self::committed();
    for (committed, told) in flows(&committed).zip(flows(&told)) {
        assert_eq!(
            committed, told,
            "GRL_BLESS=1 writes it anew; look at the difference"
        );
    }
    assert_eq!(committed, told);
}

#[test]
fn every_flow_replays_byte_for_byte() {
    let committed = committed();
    let mut played = 0;
    for flow in flows(&committed) {
        let signatures = flow["signatures"].as_object().cloned();
        let mut player = Player::new(flow, Arc::new(Table(signatures.unwrap_or_default())));
        for (number, step) in flow["steps"].as_array().unwrap().iter().enumerate() {
            let mut outcome = step.clone();
            let members = outcome.as_object_mut().unwrap();
            members.retain(|name, _| !["gives", "fails", "events"].contains(&name.as_str()));
            members.extend(player.play(step));
            assert_eq!(&outcome, step, "{}, step {number}", flow["name"]);
        }
        played += 1;
    }
    assert_eq!(played, STORIES.len());
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/flows.json")
}

fn committed() -> Value {
    let text = std::fs::read_to_string(path()).unwrap_or_else(|_| r#"{"flows":[]}"#.to_owned());
    serde_json::from_str(&text).unwrap()
}

fn flows(file: &Value) -> impl Iterator<Item = &Value> {
    file["flows"].as_array().unwrap().iter()
}

// ---- Recording --------------------------------------------------------------------------------------

/// A flow while it is told: each step is played, and kept with what came of it.
struct Tape {
    flow: Map<String, Value>,
    player: Option<Player>,
    signer: Arc<Recorder>,
    steps: Vec<Value>,
}

fn record(name: &str, about: &str, tell: Story, committed: &Value) -> Value {
    let before = flows(committed).find(|flow| flow["name"] == name);
    let mut tape = Tape {
        flow: Map::new(),
        player: None,
        signer: Arc::new(Recorder::of(before)),
        steps: Vec::new(),
    };
    let begin = json!({"name": name, "about": about, "config": tenant().to_string(), "clock": START, "seed": name.len()});
    tape.flow = begin.as_object().cloned().unwrap();
    tell(&mut tape);
    let mut flow = Value::Object(tape.flow);
    let signatures = tape.signer.used.lock().clone();
    if !signatures.is_empty() {
        flow["signatures"] = signatures.into();
    }
    flow["steps"] = tape.steps.into();
    flow
}

impl Tape {
    /// A member of the flow; before its first step.
    fn with(&mut self, member: &str, value: impl Into<Value>) -> &mut Self {
        assert!(self.player.is_none(), "the engine is open");
        self.flow.insert(member.to_owned(), value.into());
        self
    }

    /// Plays a step, keeps it, and gives what came of it.
    fn step(&mut self, mut step: Value) -> Value {
        let (flow, signer) = (&self.flow, &self.signer);
        let open = || Player::new(&Value::Object(flow.clone()), signer.clone());
        let outcome = self.player.get_or_insert_with(open).play(&step);
        step.as_object_mut().unwrap().extend(outcome);
        self.steps.push(step.clone());
        step
    }

    /// A step that must go well; gives what it gives.
    fn ok(&mut self, step: Value) -> Value {
        let step = self.step(step);
        assert!(step.get("fails").is_none(), "{step}");
        step["gives"].clone()
    }

    /// A step that must fail like this.
    fn fails(&mut self, status: &str, step: Value) {
        assert_eq!(self.step(step)["fails"]["status"], status);
    }

    fn authorize(&mut self, query: &str) {
        self.ok(json!({"call": "authorize", "query": query, "as": "asked"}));
    }

    /// Has alice sign in to what was asked; gives the code.
    fn approve(&mut self) -> String {
        self.approve_as(json!({"subject": "alice", "auth_time": START}))
    }

    fn approve_as(&mut self, login: Value) -> String {
        let gives = self.ok(json!({"call": "approve", "pending": "asked", "login": login}));
        let (_, query) = gives["location"].as_str().unwrap().split_once('?').unwrap();
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs
            .find(|(name, _)| name == "code")
            .unwrap()
            .1
            .into_owned()
    }

    /// A sign-in of notes-app's from the beginning: the token response.
    fn sign_in(&mut self) -> Tokens {
        self.authorize(&app_query(SCOPE));
        let code = self.approve();
        self.token(&redeem(&code))
    }

    fn token(&mut self, form: &str) -> Tokens {
        Tokens::of(&self.ok(token(form)))
    }

    fn verify(&mut self, access_token: &str) -> Value {
        self.step(verify(access_token, "read:notes"))
    }
}

/// A token response's credentials.
struct Tokens {
    access: String,
    refresh: String,
}

impl Tokens {
    fn of(gives: &Value) -> Self {
        let json: Value = serde_json::from_str(gives["json"].as_str().unwrap()).unwrap();
        let member = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        Tokens {
            access: member("access_token"),
            refresh: member("refresh_token"),
        }
    }
}

/// The host's signer while a flow is told: a real key, and what was signed with it before is signed like
/// that again (ECDSA draws a nonce).
struct Recorder {
    before: Map<String, Value>,
    used: Mutex<Map<String, Value>>,
    answer: Mutex<Answer>,
}

#[derive(Clone, Copy)]
enum Answer {
    Raw,
    Der,
    Cancelled,
}

impl Recorder {
    fn of(before: Option<&Value>) -> Self {
        let signatures = before.and_then(|flow| flow["signatures"].as_object());
        Recorder {
            before: signatures.cloned().unwrap_or_default(),
            used: Mutex::default(),
            answer: Mutex::new(Answer::Raw),
        }
    }
}

impl Signer for Recorder {
    fn sign(&self, input: &[u8]) -> Result<Vec<u8>> {
        let algorithm = match *self.answer.lock() {
            Answer::Raw => &ECDSA_P256_SHA256_FIXED_SIGNING,
            Answer::Der => &ECDSA_P256_SHA256_ASN1_SIGNING,
            Answer::Cancelled => return Err(Error::server("the host's sign failed: status 20")),
        };
        let name = std::str::from_utf8(input).unwrap();
        let signature = match self.before.get(name).and_then(Value::as_str) {
            Some(before) => before.to_owned(),
            None => {
                let random = SystemRandom::new();
                let pkcs8 = &key("p256")["der"]["pkcs8"];
                let pkcs8 = base64::prelude::BASE64_STANDARD
                    .decode(pkcs8.as_str().unwrap())
                    .unwrap();
                let pair = EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8, &random).unwrap();
                BASE64_URL_SAFE_NO_PAD.encode(pair.sign(&random, input).unwrap())
            }
        };
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&signature).unwrap();
        self.used.lock().insert(name.to_owned(), signature.into());
        Ok(bytes)
    }
}
