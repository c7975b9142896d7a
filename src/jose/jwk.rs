//! JSON Web Keys (RFC 7517, 7518 §6, 8037 §2): the public half of a key, and what names it.
//!
//! A type of its own, so that nothing which publishes keys ever holds a private member. Knows nothing
//! of tokens, and signs nothing.

use base64::Engine as _;
use ring::digest;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::{Map, Value};

use super::{Algorithm, BASE64URL};
use crate::error::{Error, Result, Status};

/// 2048 bits.
const RSA_MIN_LEN: usize = 256;
const ED25519_LEN: usize = 32;
/// What an elliptic curve point starts with that has both its coordinates (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;
/// A `kid` goes into every token.
const MAX_KID_LEN: usize = 128;
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Key material that cannot be used, and what about it.
pub(super) fn unusable(description: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Status::ConfigKey, description)
}

/// The RFC 7638 thumbprint of a JWK, with SHA-256; `None` where a required member is missing or the
/// `kty` is not known.
pub(super) fn thumbprint(jwk: &Value) -> Option<String> {
    // §3.2: the required members only, in lexicographic order, without white space.
    let required: &[&str] = match jwk.get("kty")?.as_str()? {
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        "RSA" => &["e", "kty", "n"],
        "oct" => &["k", "kty"],
        _ => return None,
    };
    let members = required.iter().map(|name| match jwk.get(name)? {
        value @ Value::String(_) => Some(format!("\"{name}\":{value}")),
        _ => None,
    });
    let canonical = format!("{{{}}}", members.collect::<Option<Vec<_>>>()?.join(","));
    Some(BASE64URL.encode(digest::digest(&digest::SHA256, canonical.as_bytes())))
}

/// A curve that ECDSA keys are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
}

impl Curve {
    fn name(self) -> &'static str {
        match self {
            Curve::P256 => "P-256",
            Curve::P384 => "P-384",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Curve::P256, Curve::P384]
            .into_iter()
            .find(|curve| curve.name() == name)
    }

    /// The length of a coordinate, and of each half of a signature.
    pub(super) fn width(self) -> usize {
        match self {
            Curve::P256 => 32,
            Curve::P384 => 48,
        }
    }

    fn algorithm(self) -> Algorithm {
        match self {
            Curve::P256 => Algorithm::ES256,
            Curve::P384 => Algorithm::ES384,
        }
    }

    pub(super) fn signing(self) -> &'static signature::EcdsaSigningAlgorithm {
        match self {
            Curve::P256 => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            Curve::P384 => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
        }
    }

    fn verifying(self) -> &'static signature::EcdsaVerificationAlgorithm {
        match self {
            Curve::P256 => &signature::ECDSA_P256_SHA256_FIXED,
            Curve::P384 => &signature::ECDSA_P384_SHA384_FIXED,
        }
    }
}

/// The half of an asymmetric key that everyone may have.
pub(super) enum PublicKey {
    /// `point` is 04‖x‖y.
    Ec {
        curve: Curve,
        point: Vec<u8>,
    },
    Ed25519 {
        x: Vec<u8>,
    },
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

impl PublicKey {
    /// Reads a public JWK, and refuses a private one: whoever passes that meant another call.
    pub(super) fn from_jwk(jwk: &Value) -> Result<Self> {
        if PRIVATE_MEMBERS.iter().any(|name| jwk.get(name).is_some()) {
            return Err(unusable(
                "a public JWK was expected, but this one has private members",
            ));
        }
        PublicKey::read(jwk)
    }

    /// The public members, whatever else is in the JWK.
    pub(super) fn read(jwk: &Value) -> Result<Self> {
        match text(jwk, "kty")? {
            "EC" => {
                let curve = Curve::from_name(text(jwk, "crv")?).ok_or_else(|| {
                    unusable("the JWK's crv is not supported; P-256 and P-384 are")
                })?;
                let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
                // RFC 7518 §6.2.1.2: the full size of a coordinate, whatever its value.
                if x.len() != curve.width() || y.len() != curve.width() {
                    return Err(unusable(
                        "the JWK's x or y has not the length of its curve's coordinates",
                    ));
                }
                Ok(PublicKey::Ec {
                    curve,
                    point: [vec![UNCOMPRESSED], x, y].concat(),
                })
            }
            "OKP" if text(jwk, "crv")? != "Ed25519" => {
                Err(unusable("the JWK's crv is not supported; Ed25519 is"))
            }
            "OKP" => match bytes(jwk, "x")? {
                x if x.len() == ED25519_LEN => Ok(PublicKey::Ed25519 { x }),
                _ => Err(unusable("the JWK's x has not the length of an Ed25519 key")),
            },
            "RSA" => {
                let (n, e) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
                check_rsa_size(&n)?;
                Ok(PublicKey::Rsa { n, e })
            }
            _ => Err(unusable(
                "the JWK's kty is not supported; EC, OKP and RSA have a public half",
            )),
        }
    }

    /// The required members (RFC 7518 §6.2.1, §6.3.1, RFC 8037 §2), in their text form.
    pub(super) fn members(&self) -> Vec<(&'static str, String)> {
        let encode = |bytes: &[u8]| BASE64URL.encode(bytes);
        match self {
            PublicKey::Ec { curve, point } => {
                let (x, y) = point.get(1..).unwrap_or_default().split_at(curve.width());
                vec![
                    ("kty", "EC".to_owned()),
                    ("crv", curve.name().to_owned()),
                    ("x", encode(x)),
                    ("y", encode(y)),
                ]
            }
            PublicKey::Ed25519 { x } => {
                vec![
                    ("kty", "OKP".to_owned()),
                    ("crv", "Ed25519".to_owned()),
                    ("x", encode(x)),
                ]
            }
            PublicKey::Rsa { n, e } => {
                vec![
                    ("kty", "RSA".to_owned()),
                    ("n", encode(n)),
                    ("e", encode(e)),
                ]
            }
        }
    }

    /// The JWK with its required members only.
    pub(super) fn to_jwk(&self) -> Map<String, Value> {
        self.members()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect()
    }

    /// The one algorithm of a key, given what its JWK or its importer says.
    pub(super) fn algorithm(&self, asked: Option<Algorithm>) -> Result<Algorithm> {
        match (self, asked) {
            (PublicKey::Rsa { .. }, Some(Algorithm::PS256)) => Ok(Algorithm::PS256),
            (PublicKey::Rsa { .. }, _) => agreed(Algorithm::RS256, asked),
            (PublicKey::Ec { curve, .. }, _) => agreed(curve.algorithm(), asked),
            (PublicKey::Ed25519 { .. }, _) => agreed(Algorithm::EdDSA, asked),
        }
    }

    /// The length of a signature.
    pub(super) fn signature_len(&self) -> usize {
        match self {
            PublicKey::Ec { curve, .. } => 2 * curve.width(),
            PublicKey::Ed25519 { .. } => 64,
            PublicKey::Rsa { n, .. } => n.len(),
        }
    }

    /// Whether `signature` over `input` is one of this key's, made as `algorithm` makes them.
    pub(super) fn verify(&self, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> bool {
        let verified = match self {
            PublicKey::Ec { curve, point } => {
                UnparsedPublicKey::new(curve.verifying(), point).verify(input, signature)
            }
            PublicKey::Ed25519 { x } => {
                UnparsedPublicKey::new(&signature::ED25519, x).verify(input, signature)
            }
            PublicKey::Rsa { n, e } => {
                let parameters = match algorithm {
                    Algorithm::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
                    _ => &signature::RSA_PKCS1_2048_8192_SHA256,
                };
                RsaPublicKeyComponents { n, e }.verify(parameters, input, signature)
            }
        };
        verified.is_ok()
    }
}

/// What a JWK says about its own use: the algorithm, and the name.
pub(super) fn labels(jwk: &Value) -> Result<(Option<Algorithm>, Option<String>)> {
    if jwk.get("use").is_some_and(|usage| usage != "sig") {
        return Err(unusable("the JWK's use is not sig"));
    }
    let algorithm = match jwk.get("alg") {
        None => None,
        Some(_) => Some(
            Algorithm::from_name(text(jwk, "alg")?)
                .ok_or_else(|| unusable("the JWK's alg is not supported"))?,
        ),
    };
    let kid = match jwk.get("kid") {
        None => None,
        Some(_) => match text(jwk, "kid")? {
            kid if (1..=MAX_KID_LEN).contains(&kid.len()) => Some(kid.to_owned()),
            _ => {
                return Err(unusable(format!(
                    "the JWK's kid is empty or longer than {MAX_KID_LEN} bytes"
                )));
            }
        },
    };
    Ok((algorithm, kid))
}

/// The algorithm that the key itself has, unless another was asked for.
pub(super) fn agreed(own: Algorithm, asked: Option<Algorithm>) -> Result<Algorithm> {
    match asked {
        Some(asked) if asked != own => Err(unusable(format!(
            "the key is one for {own}, but {asked} was asked for"
        ))),
        _ => Ok(own),
    }
}

/// RFC 7518 §3.3: an RSA key is of 2048 bits at least.
pub(super) fn check_rsa_size(n: &[u8]) -> Result<()> {
    match n {
        [0, ..] => Err(unusable("the RSA modulus has a leading zero byte")),
        [first, rest @ ..]
            if rest.len() >= RSA_MIN_LEN || (rest.len() == RSA_MIN_LEN - 1 && *first >= 0x80) =>
        {
            Ok(())
        }
        _ => Err(unusable("the RSA key is of fewer than 2048 bits")),
    }
}

/// A member that is text.
pub(super) fn text<'a>(jwk: &'a Value, name: &str) -> Result<&'a str> {
    jwk.get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| unusable(format!("the JWK has no {name}, or it is no text")))
}

/// A member that is base64url.
pub(super) fn bytes(jwk: &Value, name: &str) -> Result<Vec<u8>> {
    BASE64URL
        .decode(text(jwk, name)?)
        .map_err(|_| unusable(format!("the JWK's {name} is not base64url without padding")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rfc7638_s3_1_and_rfc8037_a3_thumbprints() {
        let vectors: Value =
            serde_json::from_str(include_str!("../../tests/vectors/jose_rfc.json")).unwrap();
        for vector in vectors["thumbprints"].as_array().unwrap() {
            let mut jwk = vector["jwk"].clone();
            assert_eq!(thumbprint(&jwk).as_deref(), vector["thumbprint"].as_str());
            jwk["kid"] = "another".into();
            assert_eq!(
                thumbprint(&jwk).as_deref(),
                vector["thumbprint"].as_str(),
                "only required members count"
            );
            for name in ["n", "x"]
                .iter()
                .filter(|name| vector["jwk"].get(**name).is_some())
            {
                jwk[name] = "AQAB".into();
                assert_ne!(thumbprint(&jwk).as_deref(), vector["thumbprint"].as_str());
            }
        }
    }

    #[test]
    fn rfc7638_s3_2_a_thumbprint_needs_every_required_member() {
        for (jwk, whole) in [
            (json!({ "kty": "oct", "k": "AQ" }), true),
            (json!({ "kty": "oct" }), false),
            (json!({ "kty": "oct", "k": 1 }), false),
            (json!({ "kty": "EC", "crv": "P-256", "x": "AQ" }), false),
            (
                json!({ "kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ" }),
                true,
            ),
            (json!({ "kty": "OKP", "x": "AQ" }), false),
            (json!({ "kty": "RSA", "n": "AQ" }), false),
            (json!({ "kty": "other" }), false),
            (json!({}), false),
            (json!([]), false),
        ] {
            assert_eq!(thumbprint(&jwk).is_some(), whole, "{jwk}");
        }
    }

    #[test]
    fn an_rsa_modulus_is_measured_in_bits() {
        let modulus = |first: u8, len: usize| [vec![first], vec![0xff; len - 1]].concat();
        assert!(check_rsa_size(&modulus(0x80, RSA_MIN_LEN)).is_ok());
        assert!(check_rsa_size(&modulus(0x01, RSA_MIN_LEN + 1)).is_ok());
        assert!(check_rsa_size(&modulus(0x7f, RSA_MIN_LEN)).is_err());
        assert!(check_rsa_size(&modulus(0xff, RSA_MIN_LEN - 1)).is_err());
        assert!(check_rsa_size(&modulus(0x00, RSA_MIN_LEN + 1)).is_err());
        assert!(check_rsa_size(&[]).is_err());
    }
}
