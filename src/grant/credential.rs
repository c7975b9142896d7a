//! A credential's text: an authorization code or a refresh token, made from its grant's id and
//! generation and authenticated by a MAC (DESIGN §1).
//!
//! Knows the token keys and the wire form; asks no store. A text that was not made under one of the
//! keys is refused here, before anything is looked up.

use std::fmt;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::hmac;

use crate::error::{Error, Result, Status};
use crate::random::Random;
use crate::secret::{Secret, SecretText};
use crate::store::Key;

const KEY_ID_LEN: usize = 4;
const GRANT_AT: usize = KEY_ID_LEN;
const GENERATION_AT: usize = GRANT_AT + Key::LEN;
const MAC_AT: usize = GENERATION_AT + size_of::<u32>();
const LEN: usize = MAC_AT + 32;
const TEXT_LEN: usize = (LEN * 4).div_ceil(3);

/// What a credential is. Secret scanners know each by its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Code,
    RefreshToken,
}

impl Kind {
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Kind::Code => "grl_ac_",
            Kind::RefreshToken => "grl_rt_",
        }
    }
}

/// What a credential says, once its MAC has been verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) kind: Kind,
    pub(crate) grant: Key,
    pub(crate) generation: u32,
}

/// The keys under which credentials are authenticated: the first makes them, all verify them.
#[derive(Clone)]
pub(crate) struct TokenKeys(Vec<TokenKey>);

#[derive(Clone)]
struct TokenKey {
    id: [u8; KEY_ID_LEN],
    mac: hmac::Key,
}

impl TokenKey {
    fn new(secret: &Secret) -> Self {
        let mac = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
        let mut id = [0; KEY_ID_LEN];
        id.copy_from_slice(&hmac::sign(&mac, b"grantlet token key id").as_ref()[..KEY_ID_LEN]);
        TokenKey { id, mac }
    }
}

impl TokenKeys {
    /// The keys of the configuration, or a fresh one.
    pub(crate) fn new(secrets: &[Secret], random: &dyn Random) -> Result<Self> {
        if secrets.is_empty() {
            return TokenKeys(Vec::new()).rotate(random);
        }
        if let Some(short) = secrets.iter().find(|secret| secret.expose().len() < 32) {
            let what = format!(
                "a token key must have 32 bytes, not {}",
                short.expose().len()
            );
            return Err(Error::new(Status::ConfigKey, what));
        }
        Ok(TokenKeys(secrets.iter().map(TokenKey::new).collect()))
    }

    /// A fresh key in front. The old ones stay: a refresh token may live for ever.
    pub(crate) fn rotate(&self, random: &dyn Random) -> Result<Self> {
        let fresh = TokenKey::new(&Secret::new(random.bytes::<32>()?));
        Ok(TokenKeys(
            std::iter::once(fresh)
                .chain(self.0.iter().cloned())
                .collect(),
        ))
    }

    /// The text of a credential.
    pub(crate) fn write(&self, credential: Credential) -> SecretText {
        let key = &self.0[0];
        let mut bytes = [0; LEN];
        bytes[..GRANT_AT].copy_from_slice(&key.id);
        bytes[GRANT_AT..GENERATION_AT].copy_from_slice(credential.grant.as_bytes());
        bytes[GENERATION_AT..MAC_AT].copy_from_slice(&credential.generation.to_be_bytes());
        let mac = hmac::sign(&key.mac, &authenticated(credential.kind, &bytes));
        bytes[MAC_AT..].copy_from_slice(mac.as_ref());
        let prefix = credential.kind.prefix();
        let mut text = String::with_capacity(prefix.len() + TEXT_LEN);
        text.push_str(prefix);
        BASE64_URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
        SecretText::new(text)
    }

    /// What `text` says, if it is a credential of this kind that one of the keys made.
    ///
    /// # Errors
    /// [`Status::InvalidGrantMalformed`]; the detail says why, the description does not.
    pub(crate) fn read(&self, kind: Kind, text: &str) -> Result<Credential> {
        let malformed = |why| {
            let what = match kind {
                Kind::Code => "the code is not one of this server's",
                Kind::RefreshToken => "the refresh token is not one of this server's",
            };
            Error::new(Status::InvalidGrantMalformed, what).with_detail(why)
        };
        let encoded = text
            .strip_prefix(kind.prefix())
            .ok_or_else(|| malformed("wrong prefix"))?;
        if encoded.len() != TEXT_LEN {
            return Err(malformed("wrong length"));
        }
        let mut bytes = [0; LEN];
        BASE64_URL_SAFE_NO_PAD
            .decode_slice(encoded, &mut bytes)
            .map_err(|_| malformed("not base64url"))?;
        let key = self
            .0
            .iter()
            .find(|key| key.id == bytes[..GRANT_AT])
            .ok_or_else(|| malformed("made under a key that is not held"))?;
        hmac::verify(&key.mac, &authenticated(kind, &bytes), &bytes[MAC_AT..])
            .map_err(|_| malformed("wrong MAC"))?;
        let mut grant = [0; Key::LEN];
        grant.copy_from_slice(&bytes[GRANT_AT..GENERATION_AT]);
        let mut generation = [0; 4];
        generation.copy_from_slice(&bytes[GENERATION_AT..MAC_AT]);
        Ok(Credential {
            kind,
            grant: Key::new(grant),
            generation: u32::from_be_bytes(generation),
        })
    }
}

/// What the MAC covers: the kind and every other field.
fn authenticated(kind: Kind, bytes: &[u8; LEN]) -> [u8; 1 + MAC_AT] {
    let mut input = [0; 1 + MAC_AT];
    input[0] = match kind {
        Kind::Code => 1,
        Kind::RefreshToken => 2,
    };
    input[1..].copy_from_slice(&bytes[..MAC_AT]);
    input
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKeys({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::ScriptedRandom;

    fn keys(seed: u64) -> TokenKeys {
        TokenKeys::new(&[], &ScriptedRandom::new(seed)).unwrap()
    }

    fn credential(kind: Kind) -> Credential {
        Credential {
            kind,
            grant: Key::new(*b"0123456789abcdef"),
            generation: 7,
        }
    }

    #[test]
    fn what_is_written_is_read_and_the_successor_is_computed_not_drawn() {
        let keys = keys(1);
        for kind in [Kind::Code, Kind::RefreshToken] {
            let text = keys.write(credential(kind));
            assert!(text.starts_with(kind.prefix()));
            assert_eq!(keys.read(kind, &text).unwrap(), credential(kind));
            assert_eq!(keys.write(credential(kind)), text);
        }
    }

    #[test]
    fn every_other_text_is_refused() {
        let keys = keys(1);
        let text = keys.write(credential(Kind::RefreshToken)).into_string();
        let refused = |text: &str| {
            assert_eq!(
                keys.read(Kind::RefreshToken, text).unwrap_err().status(),
                Status::InvalidGrantMalformed,
                "{text}"
            );
        };
        for at in 0..text.len() {
            for other in ['A', 'B', '_', '='] {
                let mut mangled: Vec<char> = text.chars().collect();
                if mangled[at] != other {
                    mangled[at] = other;
                    refused(&mangled.into_iter().collect::<String>());
                }
            }
            refused(&text[..at]);
        }
        refused(&format!("{text}A"));
        refused(&format!("{text}="));
        refused("");
        // The same bytes as another kind: the MAC covers the kind.
        refused(
            &keys
                .write(credential(Kind::Code))
                .replace("grl_ac_", "grl_rt_"),
        );
        assert!(
            super::tests::keys(2)
                .read(Kind::RefreshToken, &text)
                .is_err()
        );
    }

    #[test]
    fn old_keys_still_verify_after_a_rotation() {
        let old = keys(1);
        let new = old.rotate(&ScriptedRandom::new(9)).unwrap();
        let text = old.write(credential(Kind::RefreshToken));
        assert!(new.read(Kind::RefreshToken, &text).is_ok());
        assert!(
            old.read(
                Kind::RefreshToken,
                &new.write(credential(Kind::RefreshToken))
            )
            .is_err()
        );
    }

    #[test]
    fn a_short_key_is_refused() {
        let error = TokenKeys::new(&[Secret::new(*b"short")], &ScriptedRandom::new(1)).unwrap_err();
        assert_eq!(error.status(), Status::ConfigKey);
    }
}
