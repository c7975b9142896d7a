//! oauth-as: its `AuthorizationServer` over its `MemoryStorage`, every grant made through an authorization
//! request; access tokens opaque, or RFC 9068 JWTs signed by ring through its signer seam.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use ::oauth_as::{
    AccessTokenFormat, AuthorizationRequest, AuthorizationServer, Client, ClientAuth, ClientId,
    EcCurve, GrantType, Jwk, JwsAlg, JwsSignature, JwsSigner, JwtConfig, MemoryStorage, ScopeSet,
    ServerConfig, SignerError, TokenRequest, TokenResponse, UserApproval, pkce,
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};

use crate::raw::{Algorithm, Key};
use crate::{Peer, fleet};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

pub struct OauthAs {
    server: AuthorizationServer<MemoryStorage>,
    challenge: String,
    signer: Option<Arc<RingSigner>>,
}

impl OauthAs {
    pub fn opaque() -> Self {
        OauthAs::new(None)
    }

    pub fn es256() -> Self {
        OauthAs::new(Some(Arc::new(RingSigner {
            key: Key::generate(Algorithm::ES256),
            idle: AtomicBool::new(false),
        })))
    }

    fn new(signer: Option<Arc<RingSigner>>) -> Self {
        let mut config = ServerConfig::new(fleet::ISSUER, "https://issuer.example/device");
        if let Some(signer) = &signer {
            let jwt = JwtConfig::new(signer.clone(), fleet::AUDIENCE);
            config.access_token_format = AccessTokenFormat::Jwt(Box::new(jwt));
        }
        let server = AuthorizationServer::new(config, MemoryStorage::new());
        for number in 0..fleet::CLIENTS {
            ready(server.register_client(client(number))).expect("a registration");
        }
        OauthAs {
            server,
            challenge: pkce::code_challenge_s256(VERIFIER),
            signer,
        }
    }

    fn token(&self, request: TokenRequest) -> TokenResponse {
        ready(self.server.token(request)).expect("a token response")
    }
}

fn client(number: usize) -> Client {
    let scope = ScopeSet::parse(fleet::SCOPE).expect("a scope");
    Client {
        client_id: ClientId::new(fleet::client_id(number)),
        auth: ClientAuth::Public,
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        redirect_uris: vec![fleet::REDIRECT_URI.into()],
        allowed_scopes: scope.clone(),
        default_scopes: scope,
        name: None,
        registration: None,
    }
}

impl Peer for OauthAs {
    type Reply = String;

    fn issue(&mut self, client_id: &str, subject: &str) -> String {
        let request = AuthorizationRequest::from_pairs([
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", fleet::REDIRECT_URI),
            ("scope", fleet::SCOPE),
            ("state", "af0ifjsldkj"),
            ("code_challenge", &self.challenge),
            ("code_challenge_method", "S256"),
        ]);
        let Ok(valid) = ready(self.server.validate_authorization_request(&request)) else {
            panic!("oauth-as refused the authorization request")
        };
        let approval = UserApproval::granted(&valid, subject);
        let Ok(approved) = ready(self.server.issue_authorization_code(approval)) else {
            panic!("oauth-as issued no code")
        };
        self.idle(true);
        let response = self.token(TokenRequest::AuthorizationCode {
            client_id: ClientId::new(client_id),
            client_secret: None,
            code: approved.code,
            redirect_uri: Some(fleet::REDIRECT_URI.into()),
            code_verifier: Some(VERIFIER.into()),
        });
        self.idle(false);
        response.refresh_token.expect("a refresh token")
    }

    fn refresh(&mut self, form: &str) -> String {
        let (mut client_id, mut refresh_token) = (None, None);
        for (name, value) in form_urlencoded::parse(form.as_bytes()) {
            match &*name {
                "client_id" => client_id = Some(value.into_owned()),
                "refresh_token" => refresh_token = Some(value.into_owned()),
                "grant_type" => assert_eq!(value, "refresh_token"),
                _ => {}
            }
        }
        let response = self.token(TokenRequest::RefreshToken {
            client_id: ClientId::new(client_id.expect("client_id")),
            client_secret: None,
            refresh_token: refresh_token.expect("refresh_token"),
            scope: None,
        });
        serde_json::to_string(&response).expect("a token response")
    }

    fn accepts(&self, access_token: &str) -> bool {
        match &self.signer {
            Some(signer) => signer.key.verify_token(access_token),
            None => access_token.len() >= 32 && !access_token.contains('.'),
        }
    }
}

impl OauthAs {
    fn idle(&self, idle: bool) {
        if let Some(signer) = &self.signer {
            signer.idle.store(idle, Ordering::Relaxed);
        }
    }
}

/// Signs with ring, as grantlet does. While `idle` it gives zeros: a million grants are made without
/// waiting half a minute for signatures that nobody checks, and cost the store the same bytes.
struct RingSigner {
    key: Key,
    idle: AtomicBool,
}

impl JwsSigner for RingSigner {
    fn alg(&self) -> JwsAlg {
        JwsAlg::Es256
    }

    async fn sign(&self, input: &[u8]) -> Result<JwsSignature, SignerError> {
        let signature = match self.idle.load(Ordering::Relaxed) {
            true => [0; 64],
            false => self.key.sign(input).try_into().expect("R‖S"),
        };
        Ok(JwsSignature::Es256(signature))
    }

    fn public_jwk(&self) -> Jwk {
        // An uncompressed point: 0x04, then both coordinates.
        let (x, y) = self.key.public[1..].split_at(32);
        Jwk::Ec {
            crv: EcCurve::P256,
            x: BASE64_URL_SAFE_NO_PAD.encode(x),
            y: BASE64_URL_SAFE_NO_PAD.encode(y),
            kid: Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs".into()),
        }
    }
}

/// Runs a future that never waits: the store is memory and the signer is this process.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}
