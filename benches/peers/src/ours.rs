//! grantlet: an engine over its memory store, every grant made through `authorize`, `approve` and a code.

use grantlet::{
    AuthorizationResponse, Config, Engine, FormRequest, Login, SecretText, SigningKey,
    SystemRandom, TokenResponse,
};
use serde_json::json;

use crate::raw::Algorithm;
use crate::{Peer, fleet};

// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const SERVICE: &str = "service";
const SERVICE_SECRET: &str = "9xPpYuC4wUWoX0ZBC1K4mQyRDy8lRPtt";

/// An engine whose access tokens are signed with one algorithm.
pub struct Grantlet {
    engine: Engine,
}

impl Grantlet {
    pub fn new(algorithm: Algorithm) -> Self {
        Grantlet {
            engine: engine(algorithm),
        }
    }
}

impl Peer for Grantlet {
    type Reply = SecretText;

    fn issue(&mut self, client_id: &str, subject: &str) -> String {
        let query = form(&[
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", fleet::REDIRECT_URI),
            ("audience", fleet::AUDIENCE),
            ("scope", fleet::SCOPE),
            ("state", "af0ifjsldkj"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        let pending = self.engine.authorize(&query).expect("a valid request");
        let approved = self
            .engine
            .approve(&pending, &Login::new(subject))
            .expect("an approval");
        let code = code_of(&approved);
        let form = form(&[
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("redirect_uri", fleet::REDIRECT_URI),
            ("code", &code),
            ("code_verifier", VERIFIER),
        ]);
        let response = token(&self.engine, &form);
        response
            .refresh_token
            .expect("a refresh token")
            .into_string()
    }

    fn refresh(&mut self, form: &str) -> SecretText {
        token(&self.engine, form).to_json()
    }

    fn accepts(&self, access_token: &str) -> bool {
        self.engine
            .verify(access_token, fleet::AUDIENCE, &["read:notes"])
            .is_ok()
    }
}

/// Access tokens without a grant, and their verification: what there is to compare with a JWT library.
pub struct Issuer {
    engine: Engine,
    form: String,
    token: String,
}

impl Issuer {
    pub fn new(algorithm: Algorithm) -> Self {
        let engine = engine(algorithm);
        let form = form(&[
            ("grant_type", "client_credentials"),
            ("client_id", SERVICE),
            ("client_secret", SERVICE_SECRET),
            ("audience", fleet::AUDIENCE),
            ("scope", "read:notes write:notes"),
        ]);
        let token = token(&engine, &form).access_token.into_string();
        Issuer {
            engine,
            form,
            token,
        }
    }

    /// A whole `client_credentials` request, from form to JSON.
    pub fn issue(&self) -> SecretText {
        token(&self.engine, &self.form).to_json()
    }

    /// The signature, issuer, audience, expiry and scope of a token.
    pub fn verify(&self) {
        let verified = self
            .engine
            .verify(&self.token, fleet::AUDIENCE, &["read:notes"]);
        verified.expect("a valid token");
    }
}

fn engine(algorithm: Algorithm) -> Engine {
    let algorithm_name = format!("{algorithm:?}");
    let public = (0..fleet::CLIENTS).map(|number| {
        json!({
            "client_id": fleet::client_id(number),
            "redirect_uris": [fleet::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        })
    });
    let service = json!({
        "client_id": SERVICE,
        "client_grants": [{"audience": fleet::AUDIENCE, "scope": ["read:notes", "write:notes"]}],
        "client_secret": SERVICE_SECRET,
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_post",
    });
    let config = json!({
        "issuer": fleet::ISSUER,
        "apis": [{
            "identifier": fleet::AUDIENCE,
            "scopes": ["read:notes", "write:notes"],
            "allow_offline_access": true,
            "signing_alg": algorithm_name,
        }],
        "clients": public.chain([service]).collect::<Vec<_>>(),
    });
    let config = Config::from_json(&config.to_string()).expect("a valid configuration");
    let algorithm = grantlet::Algorithm::from_name(&algorithm_name).expect("an algorithm of ours");
    let builder = Engine::builder(config);
    let builder = match algorithm {
        // The engine makes its own: a shared secret is an API's.
        grantlet::Algorithm::HS256 => builder,
        _ => builder
            .signing_key(SigningKey::generate(algorithm, &SystemRandom::default()).expect("a key")),
    };
    builder.build().expect("an engine")
}

fn token(engine: &Engine, form: &str) -> TokenResponse {
    let request = FormRequest {
        form,
        authorization: None,
    };
    engine.token(request).expect("a token response")
}

fn code_of(response: &AuthorizationResponse) -> String {
    let AuthorizationResponse::Redirect { location } = response else {
        panic!("response_mode is query");
    };
    let (_, query) = location.split_once('?').expect("a query");
    let code = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "code");
    code.expect("a code").1.into_owned()
}

fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}
