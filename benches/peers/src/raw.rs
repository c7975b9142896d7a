//! ring alone, on the bytes of one access token: what no engine can be faster than.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair, UnparsedPublicKey, VerificationAlgorithm,
};
use serde::{Deserialize, Serialize};

use crate::fleet;

/// The algorithms that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    ES256,
    EdDSA,
    HS256,
}

/// A key pair, parsed once, and the encoded halves from which a peer makes its own.
pub struct Key {
    parsed: Parsed,
    /// PKCS#8, or the secret itself for HS256.
    pub private: Vec<u8>,
    /// An uncompressed point, an Ed25519 public key, or the secret itself for HS256.
    pub public: Vec<u8>,
    random: SystemRandom,
}

enum Parsed {
    Ecdsa(Box<EcdsaKeyPair>),
    Ed25519(Ed25519KeyPair),
    Hmac(hmac::Key),
}

impl Key {
    /// A fresh key.
    pub fn generate(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::ES256 => {
                let pkcs8 = EcdsaKeyPair::generate_pkcs8(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    &SystemRandom::new(),
                );
                Key::from_private(algorithm, pkcs8.expect("randomness").as_ref())
            }
            Algorithm::EdDSA => {
                let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
                Key::from_private(algorithm, pkcs8.expect("randomness").as_ref())
            }
            Algorithm::HS256 => {
                Key::from_private(algorithm, b"a shared secret of thirty-two bytes")
            }
        }
    }

    /// Parses PKCS#8 (or takes the secret), the work that a peer without parsed keys does per token.
    pub fn from_private(algorithm: Algorithm, private: &[u8]) -> Self {
        let random = SystemRandom::new();
        let (parsed, public) = match algorithm {
            Algorithm::ES256 => {
                let pair =
                    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private, &random);
                let pair = pair.expect("a P-256 key");
                let public = pair.public_key().as_ref().to_vec();
                (Parsed::Ecdsa(Box::new(pair)), public)
            }
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::from_pkcs8(private).expect("an Ed25519 key");
                let public = pair.public_key().as_ref().to_vec();
                (Parsed::Ed25519(pair), public)
            }
            Algorithm::HS256 => (
                Parsed::Hmac(hmac::Key::new(hmac::HMAC_SHA256, private)),
                private.to_vec(),
            ),
        };
        Key {
            parsed,
            private: private.to_vec(),
            public,
            random,
        }
    }

    /// The raw JOSE signature.
    pub fn sign(&self, input: &[u8]) -> Vec<u8> {
        match &self.parsed {
            Parsed::Ecdsa(pair) => pair
                .sign(&self.random, input)
                .expect("randomness")
                .as_ref()
                .to_vec(),
            Parsed::Ed25519(pair) => pair.sign(input).as_ref().to_vec(),
            Parsed::Hmac(key) => hmac::sign(key, input).as_ref().to_vec(),
        }
    }

    /// Whether `signature` is one over `input`.
    pub fn verify(&self, input: &[u8], signature: &[u8]) -> bool {
        match &self.parsed {
            Parsed::Ecdsa(_) => verify(Algorithm::ES256, &self.public, input, signature),
            Parsed::Ed25519(_) => verify(Algorithm::EdDSA, &self.public, input, signature),
            Parsed::Hmac(key) => hmac::verify(key, input, signature).is_ok(),
        }
    }

    /// Whether `token` is a compact JWS under this key.
    pub fn verify_token(&self, token: &str) -> bool {
        let Some((input, signature)) = token.rsplit_once('.') else {
            return false;
        };
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature);
        signature.is_ok_and(|signature| self.verify(input.as_bytes(), &signature))
    }
}

/// [`Key::verify`] for one who has only the encoded public half.
pub fn verify(algorithm: Algorithm, public: &[u8], input: &[u8], signature: &[u8]) -> bool {
    let algorithm: &'static dyn VerificationAlgorithm = match algorithm {
        Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED,
        Algorithm::EdDSA => &ED25519,
        Algorithm::HS256 => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, public);
            return hmac::verify(&key, input, signature).is_ok();
        }
    };
    UnparsedPublicKey::new(algorithm, public)
        .verify(input, signature)
        .is_ok()
}

/// The claims of an RFC 9068 access token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub client_id: String,
    pub scope: String,
    pub sub: String,
    pub iat: u64,
    pub exp: u64,
    pub jti: String,
}

impl Claims {
    /// What grant 0 would be given now.
    pub fn example() -> Self {
        let now = std::time::UNIX_EPOCH
            .elapsed()
            .expect("after 1970")
            .as_secs();
        Claims {
            iss: fleet::ISSUER.into(),
            aud: fleet::AUDIENCE.into(),
            client_id: fleet::client_id(0),
            scope: fleet::SCOPE.into(),
            sub: fleet::subject(0),
            iat: now,
            exp: now + 3600,
            jti: "q0M3hQb1SZy0vK6Yx9aV2w".into(),
        }
    }
}

/// The signing input of an access token: what a raw signature is measured on.
pub fn signing_input(algorithm: Algorithm) -> String {
    let header = format!(
        r#"{{"typ":"at+jwt","alg":"{algorithm:?}","kid":"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}}"#
    );
    let claims = serde_json::to_string(&Claims::example()).expect("plain claims");
    [header, claims]
        .map(|part| BASE64_URL_SAFE_NO_PAD.encode(part))
        .join(".")
}
