//! Bytes and text that must not be seen: hidden from `Debug`, wiped when dropped. A client's secret is
//! compared in constant time ([`SecretHash::matches`]); `==` is not.
//!
//! With `src/ffi/` the only place where `unsafe` is allowed: wiping text in place needs it.
#![allow(unsafe_code)]

use std::fmt;
use std::ops::Deref;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::{digest, hmac};

use crate::error::Result;
use crate::random::Random;

/// Overwrites `bytes` with zeros in a way that the optimiser keeps.
pub(crate) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    std::hint::black_box(bytes);
}

/// Secret bytes: key material, a client's secret. Wiped when dropped.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes the bytes over; copies that the caller keeps are the caller's to wipe.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Secret(bytes.into())
    }

    /// The bytes themselves, named so that a reader stops at every use.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Text that carries a token. Reads as `&str`, hides from `Debug`, wiped when dropped.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SecretText(String);

impl SecretText {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        SecretText(text)
    }

    /// The text, for a caller that takes its care over.
    pub fn into_string(mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

impl Deref for SecretText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for SecretText {
    fn drop(&mut self) {
        // SAFETY: zero bytes are valid UTF-8.
        wipe(unsafe { self.0.as_bytes_mut() });
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

/// What is kept of a client's secret: a salt and HMAC-SHA-256(salt, secret).
///
/// A client secret is a random string that a machine made (RFC 6749 §10.10), not a password: a fast
/// hash is enough, and a slow one would let anyone stall the host with wrong secrets.
#[derive(Clone)]
pub struct SecretHash {
    salt: [u8; 16],
    tag: [u8; digest::SHA256_OUTPUT_LEN],
}

impl SecretHash {
    /// Hashes `secret` under a fresh salt.
    pub fn new(secret: &[u8], random: &dyn Random) -> Result<Self> {
        Ok(SecretHash::salted(secret, random.bytes()?))
    }

    /// `sha256$<salt>$<hash>`, both base64url: the text form that configuration takes and gives.
    pub fn parse(text: &str) -> Option<Self> {
        let (salt, tag) = text.strip_prefix("sha256$")?.split_once('$')?;
        Some(SecretHash {
            salt: BASE64_URL_SAFE_NO_PAD.decode(salt).ok()?.try_into().ok()?,
            tag: BASE64_URL_SAFE_NO_PAD.decode(tag).ok()?.try_into().ok()?,
        })
    }

    /// Whether `secret` is the one; takes the same time either way.
    pub fn matches(&self, secret: &[u8]) -> bool {
        hmac::verify(
            &hmac::Key::new(hmac::HMAC_SHA256, &self.salt),
            secret,
            &self.tag,
        )
        .is_ok()
    }

    fn salted(secret: &[u8], salt: [u8; 16]) -> Self {
        let mut tag = [0; digest::SHA256_OUTPUT_LEN];
        tag.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &salt), secret).as_ref());
        SecretHash { salt, tag }
    }
}

impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        write!(f, "sha256${}${}", encode(&self.salt), encode(&self.tag))
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::ScriptedRandom;

    #[test]
    fn debug_hides_everything() {
        let hash = SecretHash::salted(b"hunter2", *b"0123456789abcdef");
        let shown = format!(
            "{:?} {:?} {:?}",
            Secret::new(*b"hunter2"),
            SecretText::new("hunter2".into()),
            hash
        );
        assert_eq!(shown, "Secret(..) SecretText(..) SecretHash(..)");
    }

    #[test]
    fn a_hash_survives_its_text_form_and_matches_only_its_secret() {
        let hash = SecretHash::new(b"correct horse", &ScriptedRandom::new(1)).unwrap();
        let again = SecretHash::parse(&hash.to_string()).unwrap();
        assert!(again.matches(b"correct horse"));
        assert!(!again.matches(b"correct horsf"));
        assert!(!again.matches(b""));
        assert!(SecretHash::parse("sha256$AA$AA").is_none());
        assert!(SecretHash::parse("correct horse").is_none());
    }

    #[test]
    fn wipe_leaves_zeros() {
        let mut bytes = *b"secret";
        wipe(&mut bytes);
        assert_eq!(bytes, [0; 6]);
    }
}
