//! Sealing: the engine's keys on their way into a store, which is not to know them.
//!
//! Knows bytes and the host's 32-byte key; not what the bytes mean, nor where they are kept. Sealed
//! under ChaCha20-Poly1305 (as quick on processors without AES, and clean to valgrind) with the record's
//! identity as associated data, so that nothing passes for another record. The name of the key stands
//! beside: the wrong key is told from damage.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;

use crate::error::{Error, Result, Status};
use crate::random::Random;
use crate::secret::{Guarded, Secret};

/// Bytes of a sealing key.
const KEY_LEN: usize = 32;
/// Bytes that tell sealing keys apart.
const NAME_LEN: usize = 8;
const HEAD_LEN: usize = 1 + NAME_LEN + NONCE_LEN;
/// How the rest is to be read: the first byte.
const PLAIN: u8 = 0;
const SEALED: u8 = 1;

/// How records are sealed, and which are opened.
pub(crate) struct Sealing {
    key: Option<SealingKey>,
    /// Whether records may be, and without a key are, in clear.
    dangerous_plaintext: bool,
}

/// The host's key, ready for use. What is derived of it is used, never itself: its name says nothing
/// about it.
struct SealingKey {
    name: [u8; NAME_LEN],
    aead: Guarded<LessSafeKey>,
}

impl Sealing {
    /// # Errors
    /// [`Status::ConfigKey`] for a key of another length, and where there is neither a key nor the word
    /// that says so.
    pub(crate) fn new(key: Option<&Secret>, dangerous_plaintext: bool) -> Result<Self> {
        if key.is_none() && !dangerous_plaintext {
            return Err(Error::new(
                Status::ConfigKey,
                "a store that outlives the process needs a sealing key of 32 bytes (keys.sealing), or \
                 store.dangerous_plaintext_keys must be true",
            ));
        }
        Ok(Sealing {
            key: key.map(SealingKey::new).transpose()?,
            dangerous_plaintext,
        })
    }

    /// The same under another key, as [`Sealing::new`] makes it; plaintext is over then.
    pub(crate) fn renewed(key: &Secret) -> Result<Self> {
        Sealing::new(Some(key), false)
    }

    /// Whether a record that it opens is as it would seal it.
    pub(crate) fn is_current(&self, sealed: &[u8]) -> bool {
        self.key.is_some() == (sealed.first() == Some(&SEALED))
    }

    /// Seals `plain` as the record of this identity.
    pub(crate) fn seal(
        &self,
        identity: &[u8],
        plain: &Secret,
        random: &dyn Random,
    ) -> Result<Box<[u8]>> {
        let Some(key) = &self.key else {
            return Ok([&[PLAIN], plain.expose()].concat().into());
        };
        let nonce = random.bytes::<NONCE_LEN>()?;
        let mut text = Secret::new(plain.expose());
        let tag = key
            .aead
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(identity),
                text.expose_mut(),
            )
            .map_err(|_| Error::server("sealing failed"))?;
        Ok([
            &[SEALED][..],
            &key.name,
            &nonce,
            text.expose(),
            tag.as_ref(),
        ]
        .concat()
        .into())
    }

    /// What was sealed as the record of this identity.
    ///
    /// # Errors
    /// [`Status::StoreSealed`] where another key is needed, or any, or none was expected;
    /// [`Status::StoreCorrupt`] where the key is the right one and the record is not what was sealed.
    pub(crate) fn open(&self, identity: &[u8], sealed: &[u8]) -> Result<Secret> {
        match (sealed.split_first(), &self.key) {
            (Some((&PLAIN, plain)), _) if self.dangerous_plaintext => Ok(Secret::new(plain)),
            // Whoever can write to the file could otherwise put keys of their own there.
            (Some((&PLAIN, _)), _) => Err(refused(
                "the store's keys are in clear: set dangerous_plaintext_keys once to have them sealed",
            )),
            (Some((&SEALED, _)), None) => Err(refused(
                "the store's keys are sealed: the sealing key is needed",
            )),
            (Some((&SEALED, rest)), Some(key)) => key.open(identity, rest),
            _ => Err(damaged()),
        }
    }
}

impl SealingKey {
    fn new(key: &Secret) -> Result<Self> {
        if key.expose().len() != KEY_LEN {
            let what = format!(
                "the sealing key must have {KEY_LEN} bytes, not {}",
                key.expose().len()
            );
            return Err(Error::new(Status::ConfigKey, what));
        }
        let root =
            hkdf::Salt::new(hkdf::HKDF_SHA256, b"grantlet sealing key").extract(key.expose());
        let aead = derive::<KEY_LEN>(&root, b"aead")?;
        let name = derive::<NAME_LEN>(&root, b"name")?;
        let failed = |_| Error::server("the sealing key was refused");
        Ok(SealingKey {
            aead: Guarded::new(LessSafeKey::new(
                UnboundKey::new(&CHACHA20_POLY1305, aead.expose()).map_err(failed)?,
            )),
            name: name.expose().try_into().map_err(Error::server)?,
        })
    }

    fn open(&self, identity: &[u8], rest: &[u8]) -> Result<Secret> {
        let (Some(name), Some(nonce), Some(text)) = (
            rest.get(..NAME_LEN),
            rest.get(NAME_LEN..HEAD_LEN - 1),
            rest.get(HEAD_LEN - 1..),
        ) else {
            return Err(damaged());
        };
        if name != self.name {
            return Err(refused("the store's keys are sealed under another key"));
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut text = Secret::new(text);
        let length = self
            .aead
            .open_in_place(nonce, Aad::from(identity), text.expose_mut())
            .map_err(|_| damaged())?
            .len();
        Ok(Secret::new(&text.expose()[..length]))
    }
}

/// `LEN` bytes that only this root and label give.
fn derive<const LEN: usize>(root: &hkdf::Prk, label: &[u8]) -> Result<Secret> {
    struct Len(usize);
    impl hkdf::KeyType for Len {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut out = Secret::new([0; LEN]);
    root.expand(&[label], Len(LEN))
        .and_then(|key| key.fill(out.expose_mut()))
        .map_err(|_| Error::server("deriving a key failed"))?;
    Ok(out)
}

fn refused(what: &'static str) -> Error {
    Error::new(Status::StoreSealed, what)
}

fn damaged() -> Error {
    Error::new(Status::StoreCorrupt, "the server's store is damaged")
        .with_detail("the engine's sealed state is not what was sealed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{ScriptedRandom, SystemRandom};

    fn sealing(byte: u8) -> Sealing {
        Sealing::new(Some(&Secret::new([byte; 32])), false).unwrap()
    }

    fn plain() -> Secret {
        Secret::new(*b"{\"keys\":\"secret\"}")
    }

    fn status<T>(result: Result<T>) -> Status {
        result.err().unwrap().status()
    }

    #[test]
    fn what_is_sealed_is_opened_and_never_sealed_alike() {
        let random = SystemRandom::default();
        let sealed = sealing(1).seal(b"id", &plain(), &random).unwrap();
        assert_eq!(sealing(1).open(b"id", &sealed).unwrap(), plain());
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        let again = sealing(1).seal(b"id", &plain(), &random).unwrap();
        assert_ne!(sealed, again);
        let empty = sealing(1).seal(b"id", &Secret::new([]), &random).unwrap();
        assert!(sealing(1).open(b"id", &empty).unwrap().expose().is_empty());
    }

    #[test]
    fn the_wrong_key_is_told_from_damage() {
        let sealed = sealing(1)
            .seal(b"id", &plain(), &ScriptedRandom::new(1))
            .unwrap();
        assert_eq!(status(sealing(2).open(b"id", &sealed)), Status::StoreSealed);
        assert_eq!(
            status(sealing(1).open(b"other", &sealed)),
            Status::StoreCorrupt
        );
        for at in 0..sealed.len() {
            let mut mangled = sealed.to_vec();
            mangled[at] ^= 0x10;
            let name = 1..=NAME_LEN;
            let expected = match at {
                at if name.contains(&at) => Status::StoreSealed,
                _ => Status::StoreCorrupt,
            };
            assert_eq!(status(sealing(1).open(b"id", &mangled)), expected, "{at}");
            assert!(sealing(1).open(b"id", &sealed[..at]).is_err(), "{at}");
        }
        assert!(
            sealing(1)
                .open(b"id", &[&sealed[..], &[0]].concat())
                .is_err()
        );
    }

    #[test]
    fn in_clear_only_where_the_host_says_so() {
        assert_eq!(status(Sealing::new(None, false)), Status::ConfigKey);
        let random = ScriptedRandom::new(1);
        let clear = Sealing::new(None, true).unwrap();
        let in_clear = clear.seal(b"id", &plain(), &random).unwrap();
        assert_eq!(clear.open(b"id", &in_clear).unwrap(), plain());
        // A sealed store takes nothing that is not, unless told to.
        assert_eq!(
            status(sealing(1).open(b"id", &in_clear)),
            Status::StoreSealed
        );
        let both = Sealing::new(Some(&Secret::new([1; 32])), true).unwrap();
        assert_eq!(both.open(b"id", &in_clear).unwrap(), plain());
        let sealed = both.seal(b"id", &plain(), &random).unwrap();
        assert_eq!(sealing(1).open(b"id", &sealed).unwrap(), plain());
        assert_eq!(status(clear.open(b"id", &sealed)), Status::StoreSealed);
    }

    #[test]
    fn a_key_has_32_bytes() {
        for len in [0, 16, 31, 33, 64] {
            let key = Secret::new(vec![1; len]);
            assert_eq!(status(Sealing::new(Some(&key), true)), Status::ConfigKey);
        }
    }
}
