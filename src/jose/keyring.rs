//! The keys of an engine, by algorithm: the next, the current and the previous ones (DESIGN §3).
//!
//! A keyring is a snapshot that never changes; rotating makes another. So a token is signed and
//! verified without a lock, and whoever holds a snapshot sees whole rotations only. Knows no tokens,
//! and does not keep itself: where snapshots and sealed keys live is for the layers above.

use std::sync::Arc;

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::jwk::unusable;
use super::{Algorithm, SigningKey};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::random::Random;

/// The signing keys, at most one line of succession for each algorithm.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keyring {
    lines: Vec<Line>,
}

/// The keys of one algorithm. A next key is published before it signs and a previous one is kept after
/// it signed, so that no verifier ever meets a key that it could not have fetched.
#[derive(Clone, Debug)]
struct Line {
    next: Option<Arc<SigningKey>>,
    current: Arc<SigningKey>,
    previous: Vec<Retired>,
    /// Which of the configuration's keys were taken over, by name: each takes over once, even where it
    /// has long been dropped. One that was rotated out, because it leaked perhaps, must not come back.
    adopted: Vec<String>,
}

#[derive(Clone, Debug)]
struct Retired {
    key: Arc<SigningKey>,
    retired_at: Timestamp,
}

impl Keyring {
    /// The first key of each algorithm is the current one, the second is the next.
    ///
    /// # Errors
    /// [`Status::ConfigKey`](crate::error::Status::ConfigKey) if an algorithm has more than two keys,
    /// or two keys have the same `kid`.
    pub(crate) fn new(keys: impl IntoIterator<Item = impl Into<Arc<SigningKey>>>) -> Result<Self> {
        let mut ring = Keyring::default();
        for key in keys {
            let key: Arc<SigningKey> = key.into();
            if ring.find(key.kid()).is_some() {
                return Err(unusable(format!(
                    "two signing keys have the kid {}",
                    key.kid()
                )));
            }
            let algorithm = key.algorithm();
            match ring.line_mut(algorithm) {
                None => ring.lines.push(Line {
                    next: None,
                    adopted: vec![key.kid().to_owned()],
                    current: key,
                    previous: Vec::new(),
                }),
                Some(line) if line.next.is_none() => {
                    line.adopted.push(key.kid().to_owned());
                    line.next = Some(key);
                }
                Some(_) => {
                    return Err(unusable(format!(
                        "{algorithm} has more than a current and a next signing key"
                    )));
                }
            }
        }
        Ok(ring)
    }

    /// The key that signs tokens of this algorithm.
    pub(crate) fn current(&self, algorithm: Algorithm) -> Option<&Arc<SigningKey>> {
        self.lines
            .iter()
            .map(|line| &line.current)
            .find(|key| key.algorithm() == algorithm)
    }

    /// The key of this name: next, current or previous.
    pub(crate) fn find(&self, kid: &str) -> Option<&Arc<SigningKey>> {
        self.keys().find(|key| key.kid() == kid)
    }

    /// This keyring with a current key for `algorithm`, and a next one where that can be generated.
    ///
    /// # Errors
    /// [`Status::ConfigKey`](crate::error::Status::ConfigKey) if there is no key and none can be
    /// generated.
    pub(crate) fn with_generated(
        &self,
        algorithm: Algorithm,
        random: &dyn Random,
    ) -> Result<Keyring> {
        let mut ring = self.clone();
        match ring.line_mut(algorithm) {
            Some(line) if line.next.is_none() => line.next = successor(&line.current, random)?,
            Some(_) => {}
            None => {
                let current = Arc::new(SigningKey::generate(algorithm, random)?);
                let next = successor(&current, random)?;
                ring.lines.push(Line {
                    next,
                    current,
                    previous: Vec::new(),
                    adopted: Vec::new(),
                });
            }
        }
        Ok(ring)
    }

    /// The keyring after a rotation: next keys become current, current ones previous, fresh ones next.
    /// Previous keys that retired more than `keep_secs` ago are dropped. An algorithm without a next
    /// key whose keys are not ours to generate (RSA, external, shared secrets) stays as it is.
    ///
    /// # Errors
    /// Those of [`SigningKey::generate`].
    pub(crate) fn rotate(
        &self,
        now: Timestamp,
        keep_secs: u32,
        random: &dyn Random,
    ) -> Result<Keyring> {
        let rotated = self
            .lines
            .iter()
            .map(|line| line.rotate(now, keep_secs, random));
        Ok(Keyring {
            lines: rotated.collect::<Result<_>>()?,
        })
    }

    /// The keyring with the keys that the host configures now, and their signers. A key that it holds
    /// already stays in its place, so that a rotation is not undone; one that is new takes over, once,
    /// and what signed before is a previous key. Makes no key: whoever adopts the same has the same.
    ///
    /// # Errors
    /// [`Status::ConfigKey`](crate::error::Status::ConfigKey) where a key has the `kid` of another.
    pub(crate) fn adopt(&self, configured: &Keyring, now: Timestamp) -> Result<Keyring> {
        for key in configured.keys() {
            if let Some(own) = self.find(key.kid())
                && (own.algorithm(), own.public_jwk()) != (key.algorithm(), key.public_jwk())
            {
                let what = format!("the store has another signing key of the kid {}", key.kid());
                return Err(unusable(what));
            }
        }
        let mut ring = self.clone();
        for line in &configured.lines {
            match ring.line_mut(line.current.algorithm()) {
                Some(own) => own.adopt(line, now),
                None => ring.lines.push(line.clone()),
            }
        }
        Ok(ring)
    }

    /// All of it, private halves too: for sealing.
    pub(crate) fn to_json(&self) -> Result<Value> {
        let lines = self.lines.iter().map(Line::to_json);
        Ok(Value::Array(lines.collect::<Result<_>>()?))
    }

    /// Reads what [`Keyring::to_json`] wrote; the signers of external keys are absent.
    pub(crate) fn from_json(value: &Value) -> Result<Self> {
        let lines = value.as_array().ok_or_else(unreadable)?;
        Ok(Keyring {
            lines: lines.iter().map(Line::from_json).collect::<Result<_>>()?,
        })
    }

    /// The algorithms that there is a key for, in the order of the keys; also HS256, which metadata
    /// does not show.
    pub(crate) fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.lines.iter().map(|line| line.current.algorithm())
    }

    /// The JWK Set (RFC 7517 §5): the public halves of the next, current and previous keys.
    pub(crate) fn jwks(&self) -> Value {
        json!({ "keys": self.keys().filter_map(|key| key.public_jwk()).collect::<Vec<_>>() })
    }

    fn keys(&self) -> impl Iterator<Item = &Arc<SigningKey>> {
        self.lines.iter().flat_map(Line::keys)
    }

    fn line_mut(&mut self, algorithm: Algorithm) -> Option<&mut Line> {
        self.lines
            .iter_mut()
            .find(|line| line.current.algorithm() == algorithm)
    }
}

impl Line {
    fn keys(&self) -> impl Iterator<Item = &Arc<SigningKey>> {
        let previous = self.previous.iter().map(|retired| &retired.key);
        self.next.iter().chain([&self.current]).chain(previous)
    }

    fn adopt(&mut self, configured: &Line, now: Timestamp) {
        let takes_over = self.is_new(&configured.current);
        if takes_over {
            self.retire(Arc::clone(&configured.current), now);
            if configured.current.is_external() && configured.next.is_none() {
                self.next = None;
            }
        }
        if let Some(next) = &configured.next
            && self.is_new(next)
        {
            self.next = Some(Arc::clone(next));
        }
    }

    /// Notes a key of the configuration, and gives the same one here its signer; tells whether it was
    /// never seen before.
    fn is_new(&mut self, key: &Arc<SigningKey>) -> bool {
        let is_here = self.take_signer(key);
        let is_known = self.adopted.iter().any(|kid| kid == key.kid());
        if !is_known {
            self.adopted.push(key.kid().to_owned());
        }
        !is_here && !is_known
    }

    /// Puts a key of the host's in the place of the same one; tells whether it was there.
    fn take_signer(&mut self, key: &Arc<SigningKey>) -> bool {
        let previous = self.previous.iter_mut().map(|retired| &mut retired.key);
        let own = self
            .next
            .iter_mut()
            .chain([&mut self.current])
            .chain(previous);
        let mut same = own.filter(|own| own.kid() == key.kid());
        same.next().map(|own| *own = Arc::clone(key)).is_some()
    }

    /// Makes `key` the current one and keeps the one before as a previous one.
    fn retire(&mut self, key: Arc<SigningKey>, now: Timestamp) {
        let key = std::mem::replace(&mut self.current, key);
        self.previous.insert(
            0,
            Retired {
                key,
                retired_at: now,
            },
        );
    }

    fn to_json(&self) -> Result<Value> {
        let previous = self.previous.iter().map(|retired| {
            let retired_at = retired.retired_at.as_secs();
            Ok(json!({ "retired_at": retired_at, "key": key_to_json(&retired.key)? }))
        });
        Ok(json!({
            "next": self.next.as_deref().map(key_to_json).transpose()?,
            "current": key_to_json(&self.current)?,
            "previous": previous.collect::<Result<Vec<_>>>()?,
            "adopted": self.adopted,
        }))
    }

    fn from_json(line: &Value) -> Result<Self> {
        let previous = line["previous"].as_array().ok_or_else(unreadable)?;
        let previous = previous.iter().map(|retired| {
            Ok(Retired {
                key: key_from_json(&retired["key"])?,
                retired_at: retired["retired_at"]
                    .as_u64()
                    .map(Timestamp::from_secs)
                    .ok_or_else(unreadable)?,
            })
        });
        Ok(Line {
            next: match &line["next"] {
                Value::Null => None,
                key => Some(key_from_json(key)?),
            },
            current: key_from_json(&line["current"])?,
            previous: previous.collect::<Result<_>>()?,
            adopted: Vec::deserialize(&line["adopted"]).map_err(|_| unreadable())?,
        })
    }

    fn rotate(&self, now: Timestamp, keep_secs: u32, random: &dyn Random) -> Result<Line> {
        let mut previous = self.previous.clone();
        previous.retain(|retired| now.since(retired.retired_at) <= keep_secs);
        let algorithm = self.current.algorithm();
        let next = match self.next.as_ref().filter(|key| !key.is_absent()) {
            Some(next) => Some(Arc::clone(next)),
            // The host that held it is gone, and asks for another: ours.
            None if self.current.is_absent() && algorithm.can_generate() => {
                Some(Arc::new(SigningKey::generate(algorithm, random)?))
            }
            None => successor(&self.current, random)?,
        };
        let Some(current) = next else {
            return Ok(Line {
                previous,
                ..self.clone()
            });
        };
        previous.insert(
            0,
            Retired {
                key: Arc::clone(&self.current),
                retired_at: now,
            },
        );
        Ok(Line {
            next: successor(&current, random)?,
            current,
            previous,
            adopted: self.adopted.clone(),
        })
    }
}

/// A fresh key to follow `key`, unless only the host can make one. In place of a host's external key
/// we would put one that we hold ourselves, which is not what the host chose; and a secret that
/// resource servers share cannot be replaced without telling them.
fn successor(key: &SigningKey, random: &dyn Random) -> Result<Option<Arc<SigningKey>>> {
    let algorithm = key.algorithm();
    if key.is_external() || algorithm == Algorithm::HS256 || !algorithm.can_generate() {
        return Ok(None);
    }
    SigningKey::generate(algorithm, random).map(|key| Some(Arc::new(key)))
}

/// A private JWK, or the public one of a key whose private half the host holds.
fn key_to_json(key: &SigningKey) -> Result<Value> {
    match key.to_private_jwk() {
        Some(jwk) => {
            let jwk: Value = serde_json::from_slice(jwk.expose()).map_err(Error::server)?;
            Ok(json!({ "private": jwk }))
        }
        None => Ok(json!({ "external": key.public_jwk() })),
    }
}

fn key_from_json(value: &Value) -> Result<Arc<SigningKey>> {
    let key = match (&value["private"], &value["external"]) {
        (Value::Null, jwk) => SigningKey::absent(jwk),
        (jwk, _) => SigningKey::from_jwk(jwk),
    };
    key.map(Arc::new)
}

fn unreadable() -> Error {
    Error::server("the keyring is not readable")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::error::Status;
    use crate::jose::{Signer, Template, verify};
    use crate::random::ScriptedRandom;

    const KEEP_SECS: u32 = 600;

    fn random() -> ScriptedRandom {
        ScriptedRandom::new(11)
    }

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn generate(algorithm: Algorithm, seed: u64) -> SigningKey {
        SigningKey::generate(algorithm, &ScriptedRandom::new(seed)).unwrap()
    }

    fn kids(ring: &Keyring) -> Vec<String> {
        ring.keys().map(|key| key.kid().to_owned()).collect()
    }

    fn token(ring: &Keyring, algorithm: Algorithm) -> String {
        let key = Arc::clone(ring.current(algorithm).unwrap());
        let fixed = serde_json::Map::from_iter([("iss".to_owned(), "me".into())]);
        Template::new(key, "JWT", &fixed)
            .sign(|_| {})
            .unwrap()
            .into_string()
    }

    fn vector(name: &str) -> Value {
        let vectors: Value =
            serde_json::from_str(include_str!("../../tests/vectors/keys.json")).unwrap();
        vectors["keys"]
            .as_array()
            .unwrap()
            .iter()
            .find(|vector| vector["name"] == name)
            .unwrap()
            .clone()
    }

    struct Absent;
    impl Signer for Absent {
        fn sign(&self, _: &[u8]) -> Result<Vec<u8>> {
            Err(Error::server("absent"))
        }
    }

    #[test]
    fn the_first_key_is_current_and_the_second_is_next() {
        let keys = [
            generate(Algorithm::EdDSA, 1),
            generate(Algorithm::HS256, 2),
            generate(Algorithm::EdDSA, 3),
        ];
        let names = keys.each_ref().map(|key| key.kid().to_owned());
        let ring = Keyring::new(keys).unwrap();
        assert_eq!(ring.current(Algorithm::EdDSA).unwrap().kid(), names[0]);
        assert_eq!(ring.current(Algorithm::HS256).unwrap().kid(), names[1]);
        assert!(ring.current(Algorithm::ES256).is_none());
        assert!(names.iter().all(|kid| ring.find(kid).unwrap().kid() == kid));
        assert!(ring.find("").is_none());
        assert_eq!(
            ring.algorithms().collect::<Vec<_>>(),
            [Algorithm::EdDSA, Algorithm::HS256]
        );
    }

    #[test]
    fn too_many_keys_and_equal_names_are_refused() {
        let three = (1..=3).map(|seed| generate(Algorithm::EdDSA, seed));
        assert_eq!(Keyring::new(three).unwrap_err().status(), Status::ConfigKey);
        let twice = vec![generate(Algorithm::EdDSA, 1), generate(Algorithm::EdDSA, 1)];
        assert_eq!(Keyring::new(twice).unwrap_err().status(), Status::ConfigKey);
    }

    #[test]
    fn with_generated_adds_what_is_missing_and_nothing_else() {
        let empty = Keyring::default();
        let ring = empty.with_generated(Algorithm::ES256, &random()).unwrap();
        assert_eq!(kids(&ring).len(), 2);
        assert_eq!(
            kids(&ring.with_generated(Algorithm::ES256, &random()).unwrap()),
            kids(&ring)
        );
        assert!(kids(&empty).is_empty(), "a snapshot never changes");

        let one = Keyring::new(vec![generate(Algorithm::EdDSA, 1)]).unwrap();
        let two = one.with_generated(Algorithm::EdDSA, &random()).unwrap();
        assert_eq!(kids(&two).len(), 2);
        assert_eq!(
            two.current(Algorithm::EdDSA).unwrap().kid(),
            one.current(Algorithm::EdDSA).unwrap().kid()
        );

        assert_eq!(
            empty
                .with_generated(Algorithm::RS256, &random())
                .unwrap_err()
                .status(),
            Status::ConfigKey
        );
    }

    #[test]
    fn rotation_moves_every_key_one_place() {
        for algorithm in [Algorithm::ES256, Algorithm::EdDSA] {
            let random = random();
            let ring = Keyring::default()
                .with_generated(algorithm, &random)
                .unwrap();
            let before = kids(&ring);
            let signed_before = token(&ring, algorithm);

            let ring = ring.rotate(at(1_000), KEEP_SECS, &random).unwrap();
            let after = kids(&ring);
            assert_eq!(after.len(), 3);
            assert_eq!(after[1..], before, "next is current, current is previous");
            assert!(!before.contains(&after[0]));
            assert_eq!(ring.current(algorithm).unwrap().kid(), before[0]);

            verify(&signed_before, &ring).unwrap();
            verify(&token(&ring, algorithm), &ring).unwrap();
        }
    }

    #[test]
    fn a_shared_secret_stays_until_the_host_brings_the_next() {
        let secret = |seed| generate(Algorithm::HS256, seed);
        let alone = Keyring::new([secret(1)]).unwrap();
        let rotated = alone.rotate(at(1_000), KEEP_SECS, &random()).unwrap();
        assert_eq!(kids(&rotated), kids(&alone));

        let with_next = Keyring::new([secret(1), secret(2)]).unwrap();
        let rotated = with_next.rotate(at(1_000), KEEP_SECS, &random()).unwrap();
        assert_eq!(
            rotated.current(Algorithm::HS256).unwrap().kid(),
            secret(2).kid()
        );
    }

    #[test]
    fn a_previous_key_is_dropped_once_it_is_old_enough() {
        let random = random();
        let ring = Keyring::default()
            .with_generated(Algorithm::EdDSA, &random)
            .unwrap();
        let old = token(&ring, Algorithm::EdDSA);
        let ring = ring.rotate(at(1_000), KEEP_SECS, &random).unwrap();

        let in_time = ring.rotate(at(1_600), KEEP_SECS, &random).unwrap();
        verify(&old, &in_time).unwrap();
        assert_eq!(kids(&in_time).len(), 4);

        let too_late = ring.rotate(at(1_601), KEEP_SECS, &random).unwrap();
        assert_eq!(
            verify(&old, &too_late).unwrap_err().status(),
            Status::InvalidTokenSignature
        );
        assert_eq!(kids(&too_late).len(), 3);
    }

    #[test]
    fn a_line_without_a_next_key_still_rotates_where_one_can_be_generated() {
        let ring = Keyring::new(vec![generate(Algorithm::EdDSA, 1)]).unwrap();
        let rotated = ring.rotate(at(1), KEEP_SECS, &random()).unwrap();
        assert_eq!(kids(&rotated).len(), 3);
        assert_eq!(kids(&rotated)[2], kids(&ring)[0]);
    }

    #[test]
    fn keys_that_only_the_host_can_replace_stay() {
        let rsa = SigningKey::from_jwk(&vector("rsa2048")["private_jwk"]).unwrap();
        let external =
            SigningKey::external(&vector("p256")["public_jwk"], Arc::new(Absent)).unwrap();
        let ring = Keyring::new(vec![rsa, external]).unwrap();
        let before = kids(&ring);
        assert_eq!(
            kids(&ring.rotate(at(1), KEEP_SECS, &random()).unwrap()),
            before
        );
        for algorithm in [Algorithm::RS256, Algorithm::ES256] {
            assert_eq!(
                kids(&ring.with_generated(algorithm, &random()).unwrap()),
                before
            );
        }
    }

    #[test]
    fn a_host_s_next_key_takes_over_and_gets_no_successor_of_ours() {
        let ours = SigningKey::from_jwk(&vector("p256")["private_jwk"]).unwrap();
        let external = SigningKey::external(
            &vector("p256 with parameters")["public_jwk"],
            Arc::new(Absent),
        )
        .unwrap();
        let ring = Keyring::new(vec![ours, external]).unwrap();
        let before = kids(&ring);
        let rotated = ring.rotate(at(1), KEEP_SECS, &random()).unwrap();
        assert_eq!(
            kids(&rotated),
            before,
            "the next is now current; there is no other next"
        );
        assert!(rotated.current(Algorithm::ES256).unwrap().is_external());
        assert_eq!(
            kids(&rotated.rotate(at(2), KEEP_SECS, &random()).unwrap()),
            before
        );
    }

    #[test]
    fn rfc7517_s5_the_jwks_shows_every_public_half_and_nothing_private() {
        let random = random();
        let mut ring = Keyring::new(vec![
            SigningKey::from_jwk(&vector("rsa2048")["private_jwk"]).unwrap(),
        ])
        .unwrap();
        for algorithm in [
            Algorithm::ES256,
            Algorithm::ES384,
            Algorithm::EdDSA,
            Algorithm::HS256,
        ] {
            ring = ring.with_generated(algorithm, &random).unwrap();
        }
        let ring = ring.rotate(at(1), KEEP_SECS, &random).unwrap();
        let jwks = ring.jwks();
        let keys = jwks["keys"].as_array().unwrap();
        assert_eq!(
            keys.len(),
            1 + 3 * 3,
            "next, current and previous; nothing of HS256"
        );
        for key in keys {
            let members: HashSet<&str> = key
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            let expected = match key["kty"].as_str().unwrap() {
                "EC" => HashSet::from(["kty", "crv", "x", "y", "kid", "use", "alg"]),
                "OKP" => HashSet::from(["kty", "crv", "x", "kid", "use", "alg"]),
                _ => HashSet::from(["kty", "n", "e", "kid", "use", "alg"]),
            };
            assert_eq!(members, expected);
            assert_eq!(key["use"], "sig");
        }
    }
}
