//! The private half of a key: as it was found, and as it signs.
//!
//! Private bytes are in ring's key pairs and in [`Secret`]s, and nowhere else. Knows no tokens.

use base64::Engine as _;
use ring::error::{KeyRejected, Unspecified};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use serde_json::{Value, json};

use super::jwk::{Curve, PublicKey, bytes, check_rsa_size, text, unusable};
use super::{Algorithm, BASE64URL, der};
use crate::error::{Error, Result};
use crate::random::Random;
use crate::secret::Secret;

/// RFC 7518 §3.2: the key is at least as long as the hash.
const HS256_MIN_LEN: usize = 32;

/// A private key as an import found it, however it was written; not yet known to be consistent.
pub(super) enum Material {
    /// `point` is the public half, 04‖x‖y.
    Ec {
        curve: Curve,
        d: Secret,
        point: Vec<u8>,
    },
    /// The public half `x` can be computed, but is checked where it is given.
    Ed25519 {
        seed: Secret,
        x: Option<Vec<u8>>,
    },
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
        private: RsaPrivate,
    },
    Oct {
        k: Secret,
    },
}

/// The private numbers of an RSA key, by their JWK names.
pub(super) struct RsaPrivate {
    pub(super) d: Secret,
    pub(super) p: Secret,
    pub(super) q: Secret,
    pub(super) dp: Secret,
    pub(super) dq: Secret,
    pub(super) qi: Secret,
}

impl Material {
    pub(super) fn generate(algorithm: Algorithm, random: &dyn Random) -> Result<Self> {
        match algorithm {
            Algorithm::ES256 => generate_ecdsa(Curve::P256),
            Algorithm::ES384 => generate_ecdsa(Curve::P384),
            Algorithm::EdDSA => Ok(Material::Ed25519 {
                seed: random_secret(random)?,
                x: None,
            }),
            Algorithm::HS256 => Ok(Material::Oct {
                k: random_secret(random)?,
            }),
            Algorithm::RS256 | Algorithm::PS256 => Err(unusable(format!(
                "{algorithm} keys cannot be generated here: import one"
            ))),
        }
    }

    pub(super) fn from_jwk(jwk: &Value) -> Result<Self> {
        let secret = |name| bytes(jwk, name).map(Secret::new);
        if text(jwk, "kty")? == "oct" {
            return Ok(Material::Oct { k: secret("k")? });
        }
        if jwk.get("oth").is_some() {
            return Err(unusable(
                "RSA keys of more than two primes are not supported",
            ));
        }
        Ok(match PublicKey::read(jwk)? {
            PublicKey::Ec { curve, point } => Material::Ec {
                curve,
                d: secret("d")?,
                point,
            },
            PublicKey::Ed25519 { x } => Material::Ed25519 {
                seed: secret("d")?,
                x: Some(x),
            },
            PublicKey::Rsa { n, e } => {
                let private = RsaPrivate {
                    d: secret("d")?,
                    p: secret("p")?,
                    q: secret("q")?,
                    dp: secret("dp")?,
                    dq: secret("dq")?,
                    qi: secret("qi")?,
                };
                Material::Rsa { n, e, private }
            }
        })
    }

    /// The private JWK as JSON text. It is written into one buffer that is never left behind by a
    /// reallocation, so that the only copy is the one that is wiped.
    pub(super) fn to_jwk(&self, public: Option<&PublicKey>, alg: Algorithm, kid: &str) -> Secret {
        let private = self.private_members();
        let length: usize = private
            .iter()
            .map(|(_, secret)| secret.expose().len())
            .sum();
        let head = json!({ "alg": alg, "kid": kid, "use": "sig" }).to_string();
        let public = public.map_or_else(|| vec![("kty", "oct".to_owned())], PublicKey::members);
        let public: String = public
            .iter()
            .map(|(name, value)| format!(",\"{name}\":\"{value}\""))
            .collect();

        let mut text =
            String::with_capacity(head.len() + public.len() + length * 4 / 3 + 16 * private.len());
        text.push_str(head.trim_end_matches('}'));
        text.push_str(&public);
        for (name, secret) in private {
            text.push_str(",\"");
            text.push_str(name);
            text.push_str("\":\"");
            BASE64URL.encode_string(secret.expose(), &mut text);
            text.push('"');
        }
        text.push('}');
        Secret::new(text)
    }

    /// Parses the key: the private half ready for use, and the public half if there is one. ring checks
    /// that the two belong together.
    pub(super) fn open(&self) -> Result<(PrivateKey, Option<PublicKey>)> {
        match self {
            Material::Ec { curve, d, point } => {
                let pair = EcdsaKeyPair::from_private_key_and_public_key(
                    curve.signing(),
                    d.expose(),
                    point,
                    &SystemRandom::new(),
                )
                .map_err(rejected)?;
                Ok((
                    PrivateKey::Ecdsa(pair),
                    Some(PublicKey::Ec {
                        curve: *curve,
                        point: point.clone(),
                    }),
                ))
            }
            Material::Ed25519 { seed, x } => {
                let pair = match x {
                    Some(x) => Ed25519KeyPair::from_seed_and_public_key(seed.expose(), x),
                    None => Ed25519KeyPair::from_seed_unchecked(seed.expose()),
                }
                .map_err(rejected)?;
                let x = pair.public_key().as_ref().to_vec();
                Ok((PrivateKey::Ed25519(pair), Some(PublicKey::Ed25519 { x })))
            }
            Material::Rsa { n, e, private } => {
                check_rsa_size(n)?;
                let RsaPrivate {
                    d,
                    p,
                    q,
                    dp,
                    dq,
                    qi,
                } = private;
                let pair = RsaKeyPair::from_components(&KeyPairComponents {
                    public_key: PublicKeyComponents { n: n.as_slice(), e },
                    d: d.expose(),
                    p: p.expose(),
                    q: q.expose(),
                    dP: dp.expose(),
                    dQ: dq.expose(),
                    qInv: qi.expose(),
                })
                .map_err(rejected)?;
                try_rsa(&pair)?;
                Ok((
                    PrivateKey::Rsa(pair),
                    Some(PublicKey::Rsa {
                        n: n.clone(),
                        e: e.clone(),
                    }),
                ))
            }
            Material::Oct { k } if k.expose().len() < HS256_MIN_LEN => Err(unusable(format!(
                "an HS256 secret has at least {HS256_MIN_LEN} bytes (RFC 7518 s3.2)"
            ))),
            Material::Oct { k } => Ok((
                PrivateKey::Hmac(hmac::Key::new(hmac::HMAC_SHA256, k.expose())),
                None,
            )),
        }
    }

    fn private_members(&self) -> Vec<(&'static str, &Secret)> {
        match self {
            Material::Ec { d, .. } | Material::Ed25519 { seed: d, .. } => vec![("d", d)],
            Material::Oct { k } => vec![("k", k)],
            Material::Rsa {
                private:
                    RsaPrivate {
                        d,
                        p,
                        q,
                        dp,
                        dq,
                        qi,
                    },
                ..
            } => {
                vec![
                    ("d", d),
                    ("p", p),
                    ("q", q),
                    ("dp", dp),
                    ("dq", dq),
                    ("qi", qi),
                ]
            }
        }
    }
}

/// A private key that ring has parsed and checked.
pub(super) enum PrivateKey {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
    Hmac(hmac::Key),
}

impl PrivateKey {
    /// The JOSE signature over `input`; `algorithm` tells the two of RSA apart.
    pub(super) fn sign(&self, algorithm: Algorithm, input: &[u8]) -> Result<Signature> {
        let random = SystemRandom::new();
        match self {
            PrivateKey::Ecdsa(pair) => pair
                .sign(&random, input)
                .map(Signature::Ring)
                .map_err(failed),
            PrivateKey::Ed25519(pair) => Ok(Signature::Ring(pair.sign(input))),
            PrivateKey::Hmac(key) => Ok(Signature::Tag(hmac::sign(key, input))),
            PrivateKey::Rsa(pair) => {
                let padding: &dyn signature::RsaEncoding = match algorithm {
                    Algorithm::PS256 => &signature::RSA_PSS_SHA256,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, input, &mut signature)
                    .map_err(failed)?;
                Ok(Signature::Bytes(signature))
            }
        }
    }
    /// Whether this is the MAC over `input`; no other key makes MACs.
    pub(super) fn verify_mac(&self, input: &[u8], mac: &[u8]) -> bool {
        match self {
            PrivateKey::Hmac(key) => hmac::verify(key, input, mac).is_ok(),
            _ => false,
        }
    }
}

/// A signature's bytes, wherever they are.
pub(super) enum Signature {
    Ring(signature::Signature),
    Tag(hmac::Tag),
    Bytes(Vec<u8>),
}

impl AsRef<[u8]> for Signature {
    fn as_ref(&self) -> &[u8] {
        match self {
            Signature::Ring(signature) => signature.as_ref(),
            Signature::Tag(tag) => tag.as_ref(),
            Signature::Bytes(bytes) => bytes,
        }
    }
}

fn generate_ecdsa(curve: Curve) -> Result<Material> {
    let document =
        EcdsaKeyPair::generate_pkcs8(curve.signing(), &SystemRandom::new()).map_err(failed)?;
    der::private_key(document.as_ref()).map_err(Error::server)
}

fn random_secret(random: &dyn Random) -> Result<Secret> {
    let mut bytes = vec![0; 32];
    random.fill(&mut bytes)?;
    Ok(Secret::new(bytes))
}

/// ring takes numbers that do not belong together, and then fails at each signature: so make one.
fn try_rsa(pair: &RsaKeyPair) -> Result<()> {
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(
        &signature::RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        b"",
        &mut signature,
    )
    .map_err(|_| unusable("the RSA key's numbers do not belong together"))
}

/// ring says what it rejected in a word of its own, which holds nothing of the key.
fn rejected(reason: KeyRejected) -> Error {
    unusable(format!("the key is not usable: {reason}"))
}

fn failed(_: Unspecified) -> Error {
    Error::server("the key failed to sign, or the system gave no random bytes")
}
