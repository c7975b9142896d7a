//! A credential's text: an authorization code or a refresh token, made from its grant's id and
//! generation and authenticated by a MAC (DESIGN §1).
//!
//! Knows the token keys and the wire form; asks no store. A text that was not made under one of the
//! keys is refused here, before anything is looked up.

use std::fmt;
use std::sync::Arc;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::hmac;
use serde_json::Value;

use crate::error::{Error, Result, Status};
use crate::random::Random;
use crate::secret::{Guarded, GuardedBytes, Secret, SecretText};
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

/// The keys under which credentials are authenticated: the first makes them, all verify them. The next
/// one verifies already: another process may have moved on to it a moment ago.
#[derive(Clone)]
pub(crate) struct TokenKeys {
    next: Arc<TokenKey>,
    keys: Vec<Arc<TokenKey>>,
}

struct TokenKey {
    id: [u8; KEY_ID_LEN],
    mac: Guarded<hmac::Key>,
    secret: GuardedBytes,
}

impl TokenKey {
    fn new(secret: &Secret) -> Self {
        let mac = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
        let mut id = [0; KEY_ID_LEN];
        id.copy_from_slice(&hmac::sign(&mac, b"grantlet token key id").as_ref()[..KEY_ID_LEN]);
        TokenKey {
            id,
            mac: Guarded::new(mac),
            secret: GuardedBytes::new(secret.expose()),
        }
    }

    fn fresh(random: &dyn Random) -> Result<Arc<Self>> {
        let secret = Secret::new(random.bytes::<32>()?);
        Ok(Arc::new(TokenKey::new(&secret)))
    }

    fn configured(secret: &Secret) -> Result<Arc<Self>> {
        let len = secret.expose().len();
        if len < 32 {
            let what = format!("a token key must have 32 bytes, not {len}");
            return Err(Error::new(Status::ConfigKey, what));
        }
        Ok(Arc::new(TokenKey::new(secret)))
    }
}

impl TokenKeys {
    /// The keys of the configuration, or a fresh one.
    pub(crate) fn new(secrets: &[Secret], random: &dyn Random) -> Result<Self> {
        let mut keys = secrets
            .iter()
            .map(TokenKey::configured)
            .collect::<Result<Vec<_>>>()?;
        if keys.is_empty() {
            keys.push(TokenKey::fresh(random)?);
        }
        Ok(TokenKeys {
            next: TokenKey::fresh(random)?,
            keys,
        })
    }

    /// These keys and those of the configuration: what is not known yet takes over, what is stays in
    /// its place, so that a rotation is not undone.
    pub(crate) fn adopt(&self, secrets: &[Secret]) -> Result<Self> {
        let mut keys = Vec::new();
        for secret in secrets {
            let key = TokenKey::configured(secret)?;
            if !self.all().any(|own| own.secret.expose() == secret.expose()) {
                keys.push(key);
            }
        }
        keys.extend(self.keys.iter().cloned());
        Ok(TokenKeys {
            next: Arc::clone(&self.next),
            keys,
        })
    }

    /// The next key in front, and a fresh next one. The old ones stay: a refresh token may live for ever.
    pub(crate) fn rotate(&self, random: &dyn Random) -> Result<Self> {
        let keys = std::iter::once(&self.next).chain(&self.keys);
        Ok(TokenKeys {
            next: TokenKey::fresh(random)?,
            keys: keys.cloned().collect(),
        })
    }

    /// All of them, the next one first: for sealing.
    pub(crate) fn to_json(&self) -> Value {
        let texts = self
            .all()
            .map(|key| BASE64_URL_SAFE_NO_PAD.encode(key.secret.expose()));
        texts.collect()
    }

    /// Reads what [`TokenKeys::to_json`] wrote.
    pub(crate) fn from_json(value: &Value) -> Result<Self> {
        let unreadable = || Error::server("the token keys are not readable");
        let texts = value.as_array().ok_or_else(unreadable)?;
        let keys = texts.iter().map(|text| {
            let bytes = text
                .as_str()
                .and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok());
            TokenKey::configured(&Secret::new(bytes.ok_or_else(unreadable)?))
        });
        let mut keys = keys.collect::<Result<Vec<_>>>()?;
        if keys.len() < 2 {
            return Err(unreadable());
        }
        Ok(TokenKeys {
            next: keys.remove(0),
            keys,
        })
    }

    fn all(&self) -> impl Iterator<Item = &Arc<TokenKey>> {
        std::iter::once(&self.next).chain(&self.keys)
    }

    /// The text of a credential.
    pub(crate) fn write(&self, credential: Credential) -> SecretText {
        let key = &self.keys[0];
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
            .all()
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
        write!(f, "TokenKeys({})", self.keys.len())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
        // Who has not heard of the rotation yet knows the key all the same; not that of the one after.
        let made = new.write(credential(Kind::RefreshToken));
        assert!(old.read(Kind::RefreshToken, &made).is_ok());
        let newer = new.rotate(&ScriptedRandom::new(10)).unwrap();
        let made = newer.write(credential(Kind::RefreshToken));
        assert!(old.read(Kind::RefreshToken, &made).is_err());
        assert!(newer.read(Kind::RefreshToken, &text).is_ok());
    }

    #[test]
    fn keys_survive_their_json() {
        let keys = keys(1).rotate(&ScriptedRandom::new(9)).unwrap();
        let again = TokenKeys::from_json(&keys.to_json()).unwrap();
        let text = keys.write(credential(Kind::Code));
        assert_eq!(again.write(credential(Kind::Code)), text);
        assert_eq!(again.to_json(), keys.to_json());
        for broken in [json!([]), json!(["AA"]), json!({}), json!([1, 2])] {
            assert!(TokenKeys::from_json(&broken).is_err());
        }
    }

    #[test]
    fn a_configured_key_takes_over_once() {
        let random = ScriptedRandom::new(1);
        let secret = |byte| Secret::new([byte; 32]);
        let first = TokenKeys::new(&[secret(1)], &random).unwrap();
        let same = first.adopt(&[secret(1)]).unwrap();
        assert_eq!(same.to_json(), first.to_json());
        let moved = same.adopt(&[secret(2), secret(1)]).unwrap();
        let text = moved.write(credential(Kind::Code));
        let alone = TokenKeys::new(&[secret(2)], &random).unwrap();
        assert_eq!(alone.write(credential(Kind::Code)), text);
        // A rotation stands, though the configuration has not changed.
        let rotated = moved.rotate(&random).unwrap();
        let again = rotated.adopt(&[secret(2), secret(1)]).unwrap();
        assert_eq!(again.to_json(), rotated.to_json());
    }

    #[test]
    fn a_short_key_is_refused() {
        let error = TokenKeys::new(&[Secret::new(*b"short")], &ScriptedRandom::new(1)).unwrap_err();
        assert_eq!(error.status(), Status::ConfigKey);
    }
}
