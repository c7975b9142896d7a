//! jsonwebtoken: `encode` and `decode` of an access token's claims, over ring (the same cryptography as
//! grantlet's, so that the difference is the library) and over aws-lc-rs, a backend that it ships.

use std::sync::atomic::{AtomicBool, Ordering};

use ::jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils, aws_lc};
use ::jsonwebtoken::errors::Result;
use ::jsonwebtoken::signature::{Error, Signer, Verifier};
use ::jsonwebtoken::{
    Algorithm as Name, DecodingKey, EncodingKey, Header, Validation, decode, encode,
};

use crate::fleet;
use crate::raw::{Algorithm, Claims, Key};

/// Which cryptography jsonwebtoken runs on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Ring,
    AwsLc,
}

/// Keys as jsonwebtoken holds them (encoded), and the options of both directions.
pub struct JsonWebToken {
    backend: Backend,
    header: Header,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl JsonWebToken {
    pub fn new(algorithm: Algorithm, key: &Key, backend: Backend) -> Self {
        // The second instance finds the provider installed.
        let _ = PROVIDER.install_default();
        let (name, encoding, decoding) = match algorithm {
            Algorithm::ES256 => (
                Name::ES256,
                EncodingKey::from_ec_der(&key.private),
                DecodingKey::from_ec_der(&key.public),
            ),
            Algorithm::EdDSA => (
                Name::EdDSA,
                EncodingKey::from_ed_der(&key.private),
                DecodingKey::from_ed_der(&key.public),
            ),
            Algorithm::HS256 => (
                Name::HS256,
                EncodingKey::from_secret(&key.private),
                DecodingKey::from_secret(&key.public),
            ),
        };
        let mut header = Header::new(name);
        header.typ = Some("at+jwt".into());
        header.kid = Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs".into());
        let mut validation = Validation::new(name);
        validation.set_audience(&[fleet::AUDIENCE]);
        validation.set_issuer(&[fleet::ISSUER]);
        JsonWebToken {
            backend,
            header,
            encoding,
            decoding,
            validation,
        }
    }

    /// A signed access token.
    pub fn sign(&self, claims: &Claims) -> String {
        self.select();
        encode(&self.header, claims, &self.encoding).expect("a token")
    }

    /// The claims of a token whose signature, issuer, audience and expiry hold.
    pub fn verify(&self, token: &str) -> Claims {
        self.select();
        decode(token, &self.decoding, &self.validation)
            .expect("a valid token")
            .claims
    }

    fn select(&self) {
        ON_RING.store(self.backend == Backend::Ring, Ordering::Relaxed);
    }
}

/// jsonwebtoken allows one provider a process; this one asks which backend's turn it is.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |name, key| match ON_RING.load(Ordering::Relaxed) {
        true => Ok(Box::new(OnRing::new(*name, key.as_bytes()))),
        false => (aws_lc::DEFAULT_PROVIDER.signer_factory)(name, key),
    },
    verifier_factory: |name, key| match ON_RING.load(Ordering::Relaxed) {
        true => on_ring_verifier(*name, key),
        false => (aws_lc::DEFAULT_PROVIDER.verifier_factory)(name, key),
    },
    key_utils: KeyUtils::new_unimplemented(),
};

static ON_RING: AtomicBool = AtomicBool::new(true);

/// A signer made for one token, as the provider's interface has it: the key is parsed every time.
struct OnRing {
    name: Name,
    key: Key,
}

impl OnRing {
    fn new(name: Name, private: &[u8]) -> Self {
        OnRing {
            name,
            key: Key::from_private(algorithm(name), private),
        }
    }
}

impl Signer<Vec<u8>> for OnRing {
    fn try_sign(&self, input: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        Ok(self.key.sign(input))
    }
}

impl JwtSigner for OnRing {
    fn algorithm(&self) -> Name {
        self.name
    }
}

/// The public half alone.
struct PublicOnRing {
    name: Name,
    public: Vec<u8>,
}

fn on_ring_verifier(name: Name, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    Ok(Box::new(PublicOnRing {
        name,
        public: key.try_get_as_bytes()?.to_vec(),
    }))
}

impl Verifier<Vec<u8>> for PublicOnRing {
    fn verify(&self, input: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        match crate::raw::verify(algorithm(self.name), &self.public, input, signature) {
            true => Ok(()),
            false => Err(Error::new()),
        }
    }
}

impl JwtVerifier for PublicOnRing {
    fn algorithm(&self) -> Name {
        self.name
    }
}

fn algorithm(name: Name) -> Algorithm {
    match name {
        Name::ES256 => Algorithm::ES256,
        Name::EdDSA => Algorithm::EdDSA,
        Name::HS256 => Algorithm::HS256,
        other => panic!("{other:?} is not compared"),
    }
}
