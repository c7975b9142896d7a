//! JOSE: keys, the keyring, and signed tokens in their compact form (RFC 7515, 7517, 7518, 7638, 8037).
//!
//! Knows bytes, keys and JSON objects; which claims a token carries and what they mean is for
//! `claims` and above. An algorithm always comes from the key, never from the token (RFC 8725 §3.1).

pub(crate) mod claims;
mod der;
mod jwk;
mod jws;
mod key;
mod keyring;
mod private;

use std::sync::LazyLock;

#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_feature = "neon")
))]
use base64::engine::general_purpose::NO_PAD;
use base64::engine::general_purpose::{GeneralPurpose, URL_SAFE_NO_PAD};
use ring::digest;
use serde::{Deserialize, Serialize};

pub(crate) use jws::{Claims, Template, verify, verify_with};
pub use key::{Signer, SigningKey};
pub(crate) use keyring::Keyring;

/// JOSE's base64url: no padding, and a last symbol whose unused bits are zero (RFC 7515 §2), so that
/// every value has one spelling.
const BASE64URL: GeneralPurpose = URL_SAFE_NO_PAD;

/// The same for long texts, by vector instructions where the machine has them.
#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_feature = "neon")
))]
static LONG_BASE64URL: LazyLock<base64::engine::Simd> =
    LazyLock::new(|| base64::engine::Simd::url_safe(NO_PAD));
#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_feature = "neon")
)))]
static LONG_BASE64URL: LazyLock<GeneralPurpose> = LazyLock::new(|| URL_SAFE_NO_PAD);

/// How a token is signed (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256: the default.
    #[default]
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// Ed25519.
    EdDSA,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// HMAC with SHA-256: whoever can verify can also sign.
    HS256,
}

impl Algorithm {
    const ALL: [Algorithm; 6] = [
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
        Algorithm::RS256,
        Algorithm::PS256,
        Algorithm::HS256,
    ];

    /// The `alg` value.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::ES256 => "ES256",
            Algorithm::ES384 => "ES384",
            Algorithm::EdDSA => "EdDSA",
            Algorithm::RS256 => "RS256",
            Algorithm::PS256 => "PS256",
            Algorithm::HS256 => "HS256",
        }
    }

    /// The algorithm that an `alg` value names. `none` names none.
    pub fn from_name(name: &str) -> Option<Self> {
        Algorithm::ALL.into_iter().find(|a| a.name() == name)
    }

    /// The hash that `at_hash` and `c_hash` are made with (OIDC Core §3.1.3.6); for EdDSA the one
    /// inside Ed25519.
    pub(crate) fn digest(self) -> &'static digest::Algorithm {
        match self {
            Algorithm::EdDSA => &digest::SHA512,
            Algorithm::ES384 => &digest::SHA384,
            _ => &digest::SHA256,
        }
    }

    /// Whether [`SigningKey::generate`] can make a key; ring makes no RSA keys.
    pub(crate) const fn can_generate(self) -> bool {
        !matches!(self, Algorithm::RS256 | Algorithm::PS256)
    }
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_in_every_form() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
            assert_eq!(serde_json::to_value(algorithm).unwrap(), algorithm.name());
            assert_eq!(algorithm.to_string(), algorithm.name());
        }
    }

    #[test]
    fn rfc8725_s3_1_what_is_not_on_the_list_has_no_algorithm() {
        for name in ["none", "None", "es256", "HS512", "RS1", ""] {
            assert_eq!(Algorithm::from_name(name), None, "{name}");
        }
    }
}
