//! What the benches share: engines full of live grants, and ring's raw operations beside them.
#![allow(dead_code, unreachable_pub)] // Each bench uses its own part.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::as_conversions
)]

pub mod abi;

use std::time::Duration;

use grantlet::{Algorithm, Config, Engine, FormRequest, Login, SigningKey, SystemRandom};
use serde_json::{Value, json};

pub const API: &str = "https://api.example.com/";
pub const CLIENTS: usize = 100;
const CALLBACK: &str = "http://127.0.0.1/callback";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An RSA key for RS256 and PS256: ring makes none.
pub fn rsa_pem() -> String {
    let keys: Value = serde_json::from_str(include_str!("../../tests/vectors/keys.json")).unwrap();
    find_pem(&keys).expect("keys.json has an RSA key of 2048 bits in PKCS#8 PEM")
}

fn find_pem(value: &Value) -> Option<String> {
    match value {
        Value::String(text)
            if text.contains("BEGIN PRIVATE KEY") && text.len() > 1_600 && text.len() < 1_800 =>
        {
            Some(text.clone())
        }
        Value::Array(items) => items.iter().find_map(find_pem),
        Value::Object(members) => members.values().find_map(find_pem),
        _ => None,
    }
}

/// The signing key of an algorithm.
pub fn key(algorithm: Algorithm) -> SigningKey {
    match algorithm {
        Algorithm::RS256 | Algorithm::PS256 => {
            SigningKey::from_pem(Some(algorithm), &rsa_pem()).unwrap()
        }
        other => SigningKey::generate(other, &SystemRandom::default()).unwrap(),
    }
}

/// 100 public clients and one API whose access tokens this algorithm signs.
pub fn config(algorithm: Algorithm) -> Value {
    let clients: Vec<Value> = (0..CLIENTS)
        .map(|n| json!({"client_id": client(n), "redirect_uris": [CALLBACK], "refresh_token": {"leeway": 0}}))
        .collect();
    json!({
        "issuer": "https://id.example.com/",
        "apis": [{"identifier": API, "scopes": ["read:notes"], "allow_offline_access": true,
                  "signing_alg": algorithm.name()}],
        "clients": clients,
    })
}

/// An engine on [`config`].
pub fn engine(algorithm: Algorithm) -> Engine {
    let config = Config::from_value(config(algorithm)).unwrap();
    match algorithm {
        // The engine makes its own: a shared secret is an API's.
        Algorithm::HS256 => Engine::new(config).unwrap(),
        _ => Engine::builder(config)
            .signing_key(key(algorithm))
            .build()
            .unwrap(),
    }
}

pub fn client(n: usize) -> String {
    format!("client-{:03}", n % CLIENTS)
}

/// A subject of 24 bytes, no two alike.
pub fn subject(n: usize) -> String {
    format!("user|{n:019}")
}

/// An authorization request.
pub fn query(n: usize, scope: &str) -> String {
    let client = client(n);
    format!(
        "response_type=code&client_id={client}&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&scope={scope}\
         &audience=https%3A%2F%2Fapi.example.com%2F&code_challenge={CHALLENGE}&code_challenge_method=S256"
    )
}

/// The form that redeems the code of a redirect.
pub fn redeem_form(n: usize, location: &str) -> String {
    let client = client(n);
    let code = location
        .split(['?', '&'])
        .find_map(|pair| pair.strip_prefix("code="))
        .unwrap();
    format!(
        "grant_type=authorization_code&client_id={client}&code={code}\
         &redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&code_verifier={VERIFIER}"
    )
}

/// The form that redeems a fresh code.
pub fn code_form(engine: &Engine, n: usize, scope: &str) -> String {
    let pending = engine.authorize(&query(n, scope)).unwrap();
    let login = Login::new(subject(n)).auth_time(login_time());
    let response = engine.approve(&pending, &login).unwrap();
    redeem_form(n, response.location().unwrap())
}

/// Now.
pub fn login_time() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// The form that refreshes.
pub fn refresh_form(n: usize, refresh_token: &str) -> String {
    format!(
        "grant_type=refresh_token&client_id={}&refresh_token={refresh_token}",
        client(n)
    )
}

/// Makes a live grant; gives the form of its next refresh.
pub fn grant(engine: &Engine, n: usize, scope: &str) -> String {
    let form = code_form(engine, n, scope);
    let tokens = engine
        .token(FormRequest {
            form: &form,
            authorization: None,
        })
        .unwrap();
    refresh_form(n, tokens.refresh_token.as_deref().unwrap())
}

/// Something that answers at the token endpoint.
pub trait Server {
    /// Posts a form that ends in a refresh token; puts the successor in its place, and tells its length.
    fn refresh(&mut self, form: &mut String) -> usize;
}

impl Server for Engine {
    fn refresh(&mut self, form: &mut String) -> usize {
        let tokens = self
            .token(FormRequest {
                form,
                authorization: None,
            })
            .unwrap();
        assert!(tokens.access_token.len() > 100);
        replace(form, tokens.refresh_token.as_deref().unwrap())
    }
}

/// Puts the successor in place of the refresh token that ends a form.
pub fn replace(form: &mut String, refresh_token: &str) -> usize {
    form.truncate(form.len() - refresh_token.len());
    form.push_str(refresh_token);
    refresh_token.len()
}

/// Live grants, and the form of each one's next refresh.
///
/// A request comes in warm from the network, so the forms of the next few are laid out beforehand
/// ([`Fleet::prepare`]): to fetch them out of a million is the clients' work, not the engine's.
pub struct Fleet<S> {
    pub server: S,
    forms: Vec<String>,
    ready: Vec<(usize, String)>,
    done: Vec<(usize, String)>,
    at: usize,
}

impl Fleet<Engine> {
    /// Grants in an engine of their own.
    pub fn new(algorithm: Algorithm, grants: usize, scope: &str) -> Self {
        let engine = engine(algorithm);
        let forms = (0..grants).map(|n| grant(&engine, n, scope)).collect();
        Fleet::of(engine, forms)
    }
}

impl<S: Server> Fleet<S> {
    /// These grants of this server's.
    pub fn of(server: S, forms: Vec<String>) -> Self {
        Fleet {
            server,
            forms,
            ready: Vec::new(),
            done: Vec::new(),
            at: 0,
        }
    }

    /// Lays out the forms of so many refreshes, in an order that no cache foresees.
    pub fn prepare(&mut self, refreshes: usize) {
        for (n, form) in self.done.drain(..) {
            self.forms[n] = form;
        }
        while self.ready.len() < refreshes {
            self.at = (self.at + 611_953) % self.forms.len();
            self.ready.push((self.at, self.forms[self.at].clone()));
        }
    }

    /// One refresh of those laid out; with none, of one laid out now.
    pub fn refresh(&mut self) -> usize {
        if self.ready.is_empty() {
            self.prepare(1);
        }
        let (n, mut form) = self.ready.pop().unwrap();
        let length = self.server.refresh(&mut form);
        self.done.push((n, form));
        length
    }
}

/// The time that this thread has worked, without what the machine gave to others.
#[allow(unsafe_code)]
pub fn thread_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a timespec that the call fills.
    assert_eq!(
        unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) },
        0
    );
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A line of the table: what was measured, and what must hold.
#[allow(clippy::print_stdout)]
pub fn row(what: &str, value: String, bound: &str) {
    println!("| {what} | {value} | {bound} |");
}
