//! A signing key: parsed once when it is made, so that signing is nothing but the signature.
//!
//! Knows keys and bytes; not what is signed, nor where keys are kept. Nothing here prints a private
//! byte.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use ring::hmac;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;

use super::jwk::{PublicKey, agreed, labels, thumbprint, unusable};
use super::private::{Material, PrivateKey, Signature};
use super::{Algorithm, BASE64URL, der};
use crate::error::{Error, Result};
use crate::random::Random;
use crate::secret::{Guarded, GuardedBytes, Secret};

const HS256_KID_LABEL: &[u8] = b"grantlet: the name of this key";
const HS256_KID_LEN: usize = 9;

/// A private key that the host keeps: in a Secure Enclave, a TPM, an HSM or a key service.
///
/// Called from any thread, never under a lock; it may block, and it may fail: then nothing is issued
/// and nothing has changed.
pub trait Signer: Send + Sync {
    /// The signature over `input`, which is the JWS signing input itself, not its hash. For ES256 and
    /// ES384 either R‖S or DER, as the device gives it.
    fn sign(&self, input: &[u8]) -> Result<Vec<u8>>;
}

/// A key that tokens are signed with, bound to one algorithm (RFC 8725 §3.1).
pub struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    /// What verifies; an HMAC key has no such half.
    public: Option<PublicKey>,
    private: Private,
    /// JSON text; an external key has none.
    private_jwk: Option<GuardedBytes>,
}

/// Who holds the private half.
enum Private {
    Own(Guarded<PrivateKey>),
    External(Arc<dyn Signer>),
    /// A host that is not here: an external key that was used before. It verifies.
    Absent,
}

impl SigningKey {
    /// A fresh key. EdDSA and HS256 keys come from `random`; the elliptic curve keys of ES256 and
    /// ES384 are made by ring, which takes no generator but the system's.
    ///
    /// # Errors
    /// [`Status::ConfigKey`](crate::error::Status::ConfigKey) for RS256 and PS256: ring makes no RSA
    /// keys, so they are imported.
    pub fn generate(algorithm: Algorithm, random: &dyn Random) -> Result<Self> {
        let material = Material::generate(algorithm, random)?;
        SigningKey::from_material(material, Some(algorithm), None)
    }

    /// A private key in PEM: PKCS#8 (`PRIVATE KEY`), SEC1 (`EC PRIVATE KEY`) or PKCS#1 (`RSA PRIVATE
    /// KEY`), not encrypted. An RSA key is for RS256 unless `algorithm` says PS256; every other key
    /// has one algorithm, which may be left out.
    ///
    /// # Errors
    /// [`Status::ConfigKey`](crate::error::Status::ConfigKey), saying what is wrong with the key.
    pub fn from_pem(algorithm: Option<Algorithm>, pem: &str) -> Result<Self> {
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
            unusable("the PEM holds no private key that is readable and not encrypted")
        })?;
        SigningKey::from_der(algorithm, key.secret_der())
    }

    /// As [`SigningKey::from_pem`], in DER.
    ///
    /// # Errors
    /// [`Status::ConfigKey`](crate::error::Status::ConfigKey), saying what is wrong with the key.
    pub fn from_der(algorithm: Option<Algorithm>, der: &[u8]) -> Result<Self> {
        SigningKey::from_material(der::private_key(der).map_err(unusable)?, algorithm, None)
    }

    /// A private JWK of type EC, OKP, RSA or oct. Its `alg` and `kid` are kept.
    ///
    /// # Errors
    /// [`Status::ConfigKey`](crate::error::Status::ConfigKey), saying what is wrong with the key.
    pub fn from_jwk(jwk: &Value) -> Result<Self> {
        let (algorithm, kid) = labels(jwk)?;
        SigningKey::from_material(Material::from_jwk(jwk)?, algorithm, kid)
    }

    /// A secret for HS256, shared with whoever verifies.
    ///
    /// # Errors
    /// [`Status::ConfigKey`](crate::error::Status::ConfigKey) if it has fewer than 32 bytes
    /// (RFC 7518 §3.2).
    pub fn from_secret(secret: &[u8]) -> Result<Self> {
        SigningKey::from_material(
            Material::Oct {
                k: Secret::new(secret),
            },
            None,
            None,
        )
    }

    /// A key whose private half stays with `signer`. `public_jwk` may name its `alg` and `kid`.
    ///
    /// # Errors
    /// [`Status::ConfigKey`](crate::error::Status::ConfigKey), saying what is wrong with the key.
    pub fn external(public_jwk: &Value, signer: Arc<dyn Signer>) -> Result<Self> {
        Ok(SigningKey {
            private: Private::External(signer),
            ..SigningKey::absent(public_jwk)?
        })
    }

    /// An external key as it was left behind: its public half alone.
    pub(super) fn absent(public_jwk: &Value) -> Result<Self> {
        let (asked, kid) = labels(public_jwk)?;
        let public = PublicKey::from_jwk(public_jwk)?;
        Ok(SigningKey {
            kid: kid.map_or_else(|| public_kid(&public), Ok)?,
            algorithm: public.algorithm(asked)?,
            public: Some(public),
            private: Private::Absent,
            private_jwk: None,
        })
    }

    /// The one way in for a private key: ring parses it, and checks that its halves belong together.
    fn from_material(
        material: Material,
        asked: Option<Algorithm>,
        kid: Option<String>,
    ) -> Result<Self> {
        let (private, public) = material.open()?;
        let algorithm = match &public {
            Some(public) => public.algorithm(asked)?,
            None => agreed(Algorithm::HS256, asked)?,
        };
        let kid = match (kid, &private, &public) {
            (Some(kid), ..) => kid,
            (None, PrivateKey::Hmac(key), _) => secret_kid(key),
            (None, _, Some(public)) => public_kid(public)?,
            (None, _, None) => {
                return Err(Error::server("an asymmetric key without a public half"));
            }
        };
        let private_jwk = material.to_jwk(public.as_ref(), algorithm, &kid);
        Ok(SigningKey {
            kid,
            algorithm,
            public,
            private: Private::Own(Guarded::new(private)),
            private_jwk: Some(GuardedBytes::new(private_jwk.expose())),
        })
    }

    /// The name that tokens and the JWKS know the key by: its RFC 7638 thumbprint, unless an imported
    /// JWK brought a name along.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm that the key is used with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether a host's [`Signer`] holds the private half.
    pub(crate) fn is_external(&self) -> bool {
        matches!(self.private, Private::External(_) | Private::Absent)
    }

    /// Whether nobody here holds the private half.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self.private, Private::Absent)
    }

    /// The public half as the JWKS shows it; an HMAC key has none.
    pub fn public_jwk(&self) -> Option<Value> {
        let mut jwk = self.public.as_ref()?.to_jwk();
        jwk.extend([
            ("kid".to_owned(), self.kid.as_str().into()),
            ("use".to_owned(), "sig".into()),
            ("alg".to_owned(), self.algorithm.name().into()),
        ]);
        Some(Value::Object(jwk))
    }

    /// The whole key as the JSON text of a JWK, for sealing or export; an external key has none.
    pub fn to_private_jwk(&self) -> Option<Secret> {
        let jwk = self.private_jwk.as_ref()?;
        Some(Secret::new(jwk.expose()))
    }

    /// Appends the JOSE signature over `input`.
    ///
    /// # Errors
    /// Those of a host's [`Signer`]; [`Status::ServerError`](crate::error::Status::ServerError) if it
    /// returned no signature of this algorithm, or the system gave no random bytes. `out` is unchanged.
    pub fn sign(&self, input: &[u8], out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(self.signature(input)?.as_ref());
        Ok(())
    }

    /// How many bytes [`SigningKey::sign`] appends.
    pub fn signature_len(&self) -> usize {
        self.public.as_ref().map_or(
            hmac::HMAC_SHA256.digest_algorithm().output_len(),
            PublicKey::signature_len,
        )
    }

    /// Whether `signature` is this key's over `input`.
    pub fn verify(&self, input: &[u8], signature: &[u8]) -> bool {
        match (&self.public, &self.private) {
            (Some(public), _) => public.verify(self.algorithm, input, signature),
            (None, Private::Own(key)) => key.verify_mac(input, signature),
            (None, Private::External(_) | Private::Absent) => false,
        }
    }

    /// The signature over `input`; on the stack for every kind of key but RSA and external ones.
    pub(super) fn signature(&self, input: &[u8]) -> Result<Signature> {
        match &self.private {
            Private::Own(key) => key.sign(self.algorithm, input),
            Private::External(signer) => self.normalized(signer.sign(input)?).map(Signature::Bytes),
            Private::Absent => Err(Error::server("the host's signer of this key is not here")),
        }
    }

    /// What an external signer returned, as JOSE wants it. R‖S is known by its length: a DER signature
    /// is as short as that only where R and S happen to start with six zero bytes between them.
    fn normalized(&self, signature: Vec<u8>) -> Result<Vec<u8>> {
        let expected = self.signature_len();
        let converted = match &self.public {
            _ if signature.len() == expected => Some(signature),
            Some(PublicKey::Ec { curve, .. }) => der::ecdsa_signature(&signature, curve.width()),
            _ => None,
        };
        converted.ok_or_else(|| {
            Error::server(format!(
                "the signer returned no {} signature",
                self.algorithm
            ))
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

fn public_kid(public: &PublicKey) -> Result<String> {
    thumbprint(&Value::Object(public.to_jwk()))
        .ok_or_else(|| Error::server("a public key without a thumbprint"))
}

/// The name of an HMAC key. Its RFC 7638 thumbprint would be a plain hash of the secret, the same
/// wherever that secret is used, and so one to look weak secrets up by (RFC 7638 §7). A MAC of a
/// fixed label tells a guesser no more than the signature beside it does. The label is no signing
/// input, which is base64url and dots, and a cut MAC is no signature: the name never stands for a token.
/// Nine bytes are plenty to tell the keys of one keyring apart.
fn secret_kid(key: &hmac::Key) -> String {
    let tag = hmac::sign(key, HS256_KID_LABEL);
    BASE64URL.encode(tag.as_ref().get(..HS256_KID_LEN).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use base64::prelude::BASE64_STANDARD;
    use serde_json::json;

    use super::*;
    use crate::error::Status;
    use crate::jose::jws::parse;
    use crate::random::ScriptedRandom;

    const GENERATED: [Algorithm; 4] = [
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
        Algorithm::HS256,
    ];

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../tests/vectors/keys.json")).unwrap()
    }

    fn rfc_vectors() -> Value {
        serde_json::from_str(include_str!("../../tests/vectors/jose_rfc.json")).unwrap()
    }

    fn text<'a>(value: &'a Value, name: &str) -> &'a str {
        value[name].as_str().unwrap()
    }

    fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
        value[name].as_array().unwrap()
    }

    fn algorithm(vector: &Value) -> Algorithm {
        Algorithm::from_name(text(vector, "alg")).unwrap()
    }

    fn decode(value: &str) -> Vec<u8> {
        BASE64URL.decode(value).unwrap()
    }

    fn signed(key: &SigningKey, input: &[u8]) -> Vec<u8> {
        let mut out = b"before".to_vec();
        key.sign(input, &mut out).unwrap();
        assert_eq!(out.len(), 6 + key.signature_len());
        out.split_off(6)
    }

    /// The signature holds, and no longer once any part of it or of the input is touched.
    fn assert_verifies(key: &SigningKey, input: &[u8], signature: &[u8]) {
        assert!(key.verify(input, signature));
        for index in 0..signature.len() {
            let mut tampered = signature.to_vec();
            tampered[index] ^= 1;
            assert!(!key.verify(input, &tampered), "signature byte {index}");
        }
        for index in 0..input.len().min(8) {
            let mut tampered = input.to_vec();
            tampered[index] ^= 1;
            assert!(!key.verify(&tampered, signature), "input byte {index}");
        }
        assert!(!key.verify(input, &signature[..signature.len() - 1]));
        assert!(!key.verify(input, &[signature, &[0]].concat()));
        assert!(!key.verify(input, &[]));
    }

    /// The one error that every refused key gives; its text says why.
    fn refusal(result: Result<SigningKey>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.status(), Status::ConfigKey);
        error.description().to_owned()
    }

    fn private_jwk(key: &SigningKey) -> Value {
        serde_json::from_slice(key.to_private_jwk().unwrap().expose()).unwrap()
    }

    #[test]
    fn rfc7515_a_and_rfc8037_a4_tokens_verify_and_tampered_ones_do_not() {
        for vector in items(&rfc_vectors(), "tokens") {
            let key = SigningKey::from_jwk(&vector["jwk"]).unwrap();
            assert_eq!(key.algorithm(), algorithm(vector));
            let token = parse(text(vector, "token")).unwrap();
            assert_verifies(&key, token.signing_input, &token.signature);
            let again = signed(&key, token.signing_input);
            assert!(key.verify(token.signing_input, &again));
            if vector["deterministic"] == true {
                assert_eq!(again, token.signature, "{}", vector["name"]);
            }
        }
    }

    #[test]
    fn every_form_of_a_key_is_the_same_key() {
        let vectors = vectors();
        let message = text(&vectors, "message").as_bytes();
        for vector in items(&vectors, "keys") {
            let mut keys = vec![SigningKey::from_jwk(&vector["private_jwk"]).unwrap()];
            for pem in vector["pem"].as_object().unwrap().values() {
                keys.push(SigningKey::from_pem(None, pem.as_str().unwrap()).unwrap());
                keys.push(
                    SigningKey::from_pem(Some(algorithm(vector)), pem.as_str().unwrap()).unwrap(),
                );
            }
            for der in vector["der"].as_object().unwrap().values() {
                let der = BASE64_STANDARD.decode(der.as_str().unwrap()).unwrap();
                keys.push(SigningKey::from_der(None, &der).unwrap());
            }
            let mut public = vector["public_jwk"].clone();
            public["kid"] = vector["thumbprint"].clone();
            public["alg"] = vector["alg"].clone();
            public["use"] = "sig".into();
            for key in &keys {
                assert_eq!(key.kid(), text(vector, "thumbprint"), "{}", vector["name"]);
                assert_eq!(key.algorithm(), algorithm(vector));
                assert_eq!(key.public_jwk().unwrap(), public);
                assert!(keys[0].verify(message, &signed(key, message)));
            }
            assert_verifies(&keys[0], message, &decode(text(vector, "signature")));
        }
    }

    #[test]
    fn rfc7518_s3_5_an_rsa_key_is_for_ps256_where_that_is_asked_for() {
        let vectors = vectors();
        let message = text(&vectors, "message").as_bytes();
        let rsa = items(&vectors, "keys")
            .iter()
            .find(|vector| vector["name"] == "rsa2048")
            .unwrap();
        let pem = text(&rsa["pem"], "pkcs8");
        let key = SigningKey::from_pem(Some(Algorithm::PS256), pem).unwrap();
        assert_eq!(key.algorithm(), Algorithm::PS256);
        assert_verifies(&key, message, &decode(text(rsa, "signature_ps256")));
        assert!(!key.verify(message, &decode(text(rsa, "signature"))));
        assert!(key.verify(message, &signed(&key, message)));
        assert_eq!(
            SigningKey::from_jwk(&private_jwk(&key))
                .unwrap()
                .algorithm(),
            Algorithm::PS256
        );
    }

    #[test]
    fn a_private_jwk_is_what_was_imported_and_imports_again() {
        for vector in items(&vectors(), "keys") {
            let key = SigningKey::from_jwk(&vector["private_jwk"]).unwrap();
            let mut expected = vector["private_jwk"].clone();
            expected["kid"] = vector["thumbprint"].clone();
            expected["alg"] = vector["alg"].clone();
            expected["use"] = "sig".into();
            assert_eq!(private_jwk(&key), expected);
            assert_eq!(
                private_jwk(&SigningKey::from_jwk(&expected).unwrap()),
                expected
            );
        }
    }

    #[test]
    fn generated_keys_sign_survive_export_and_differ() {
        let random = ScriptedRandom::new(7);
        for algorithm in GENERATED {
            let key = SigningKey::generate(algorithm, &random).unwrap();
            assert_eq!(key.algorithm(), algorithm);
            assert_verifies(&key, b"header.claims", &signed(&key, b"header.claims"));

            let again = SigningKey::from_jwk(&private_jwk(&key)).unwrap();
            assert_eq!((again.kid(), again.algorithm()), (key.kid(), algorithm));
            assert!(key.verify(b"x", &signed(&again, b"x")));

            let other = SigningKey::generate(algorithm, &random).unwrap();
            assert_ne!(other.kid(), key.kid());
            assert!(!other.verify(b"x", &signed(&key, b"x")));
        }
        for algorithm in [Algorithm::RS256, Algorithm::PS256] {
            assert!(refusal(SigningKey::generate(algorithm, &random)).contains("import"));
        }
    }

    #[test]
    fn eddsa_and_hs256_keys_come_from_the_given_randomness() {
        for algorithm in [Algorithm::EdDSA, Algorithm::HS256] {
            let kid = |seed| {
                SigningKey::generate(algorithm, &ScriptedRandom::new(seed))
                    .unwrap()
                    .kid()
                    .to_owned()
            };
            assert_eq!(kid(1), kid(1));
            assert_ne!(kid(1), kid(2));
        }
    }

    #[test]
    fn a_failing_generator_makes_no_key() {
        struct Broken;
        impl Random for Broken {
            fn fill(&self, _: &mut [u8]) -> Result<()> {
                Err(Error::server("no entropy"))
            }
        }
        assert!(SigningKey::generate(Algorithm::EdDSA, &Broken).is_err());
        assert!(SigningKey::generate(Algorithm::HS256, &Broken).is_err());
    }

    #[test]
    fn unusable_pem_is_refused_with_its_reason() {
        for vector in items(&vectors(), "refused_pem") {
            let reason = refusal(SigningKey::from_pem(None, text(vector, "pem")));
            assert!(
                reason.contains(text(vector, "reason")),
                "{}: {reason}",
                vector["name"]
            );
        }
        refusal(SigningKey::from_pem(None, ""));
        refusal(SigningKey::from_pem(
            None,
            "-----BEGIN PRIVATE KEY-----\n@@@@\n-----END PRIVATE KEY-----\n",
        ));
    }

    #[test]
    fn der_that_is_cut_or_goes_on_is_refused() {
        for vector in items(&vectors(), "keys") {
            for der in vector["der"].as_object().unwrap().values() {
                let der = BASE64_STANDARD.decode(der.as_str().unwrap()).unwrap();
                for end in (0..der.len()).step_by(7) {
                    refusal(SigningKey::from_der(None, &der[..end]));
                }
                refusal(SigningKey::from_der(None, &[&der[..], &[0]].concat()));
            }
        }
    }

    #[test]
    fn rfc8725_s3_1_a_key_is_not_used_with_another_algorithm() {
        for vector in items(&vectors(), "keys") {
            let own = algorithm(vector);
            for asked in Algorithm::ALL {
                let both_rsa = [own, asked] == [Algorithm::RS256, Algorithm::PS256];
                let mut jwk = vector["private_jwk"].clone();
                jwk["alg"] = asked.name().into();
                let pem = vector["pem"].as_object().unwrap().values().next().unwrap();
                let imports = [
                    SigningKey::from_jwk(&jwk),
                    SigningKey::from_pem(Some(asked), pem.as_str().unwrap()),
                ];
                for import in imports {
                    if asked == own || both_rsa {
                        assert_eq!(import.unwrap().algorithm(), asked);
                    } else {
                        assert!(refusal(import).contains("asked for"));
                    }
                }
            }
        }
        assert!(
            refusal(SigningKey::from_jwk(&json!({
                "kty": "oct", "alg": "ES256", "k": BASE64URL.encode([7; 32])
            })))
            .contains("asked for")
        );
    }

    #[test]
    fn halves_that_do_not_belong_together_are_refused() {
        let vectors = vectors();
        for vector in items(&vectors, "keys") {
            let mut jwk = vector["private_jwk"].clone();
            // Of an RSA key ring uses, and so checks, the numbers of the Chinese remainder form.
            let name = if jwk["kty"] == "RSA" { "dp" } else { "d" };
            let mut number = decode(text(&jwk, name));
            *number.last_mut().unwrap() ^= 2;
            jwk[name] = BASE64URL.encode(number).into();
            refusal(SigningKey::from_jwk(&jwk));
        }
    }

    #[test]
    fn rfc7518_s3_3_rsa_keys_below_2048_bits_are_refused() {
        let vectors = vectors();
        let jwk = &vectors["rsa1024_jwk"];
        assert!(refusal(SigningKey::from_jwk(jwk)).contains("2048"));
        let public = json!({ "kty": "RSA", "n": jwk["n"], "e": jwk["e"] });
        assert!(
            refusal(SigningKey::external(&public, Arc::new(Scripted::default()))).contains("2048")
        );
    }

    #[test]
    fn rfc7518_s3_2_a_short_secret_is_refused() {
        assert!(refusal(SigningKey::from_secret(&[7; 31])).contains("32 bytes"));
        assert!(refusal(SigningKey::from_secret(b"")).contains("32 bytes"));
        refusal(SigningKey::from_jwk(
            &json!({ "kty": "oct", "k": BASE64URL.encode([7; 31]) }),
        ));
        let key = SigningKey::from_secret(&[7; 32]).unwrap();
        assert_verifies(&key, b"x", &signed(&key, b"x"));
    }

    #[test]
    fn rfc7638_s7_the_kid_of_a_secret_is_no_hash_of_it() {
        let key = SigningKey::from_secret(&[7; 32]).unwrap();
        assert_ne!(Some(key.kid().to_owned()), thumbprint(&private_jwk(&key)));
        assert_eq!(key.kid().len(), HS256_KID_LEN * 4 / 3);
        assert!(!key.verify(HS256_KID_LABEL, &decode(key.kid())));
        assert_eq!(key.kid(), SigningKey::from_secret(&[7; 32]).unwrap().kid());
        assert_ne!(key.kid(), SigningKey::from_secret(&[8; 32]).unwrap().kid());
    }

    #[test]
    fn malformed_jwks_are_refused() {
        let good = items(&vectors(), "keys")[0]["private_jwk"].clone();
        let with = |name: &str, value: Value| {
            let mut jwk = good.clone();
            jwk[name] = value;
            jwk
        };
        for (what, jwk) in [
            ("no object", json!("ES256")),
            ("no kty", with("kty", Value::Null)),
            ("another kty", with("kty", "AKP".into())),
            ("another curve", with("crv", "secp256k1".into())),
            ("use enc", with("use", "enc".into())),
            ("alg unknown", with("alg", "ES512".into())),
            ("alg none", with("alg", "none".into())),
            ("alg no text", with("alg", 1.into())),
            ("kid empty", with("kid", "".into())),
            ("kid long", with("kid", "k".repeat(129).into())),
            ("kid no text", with("kid", 7.into())),
            ("d missing", with("d", Value::Null)),
            (
                "d padded",
                with("d", format!("{}=", text(&good, "d")).into()),
            ),
            ("d short", with("d", "AQ".into())),
            ("x short", with("x", "AQ".into())),
            ("x in the standard alphabet", with("x", "+/+/".into())),
        ] {
            assert!(!refusal(SigningKey::from_jwk(&jwk)).is_empty(), "{what}");
        }
    }

    #[test]
    fn an_imported_kid_is_kept() {
        let mut jwk = items(&vectors(), "keys")[0]["private_jwk"].clone();
        jwk["kid"] = "2026-\"late\"".into();
        let key = SigningKey::from_jwk(&jwk).unwrap();
        assert_eq!(key.kid(), "2026-\"late\"");
        assert_eq!(key.public_jwk().unwrap()["kid"], "2026-\"late\"");
        assert_eq!(private_jwk(&key)["kid"], "2026-\"late\"");
    }

    /// Returns what it is told to, and remembers what it was asked.
    #[derive(Default)]
    struct Scripted {
        answer: Mutex<Option<Vec<u8>>>,
        asked: Mutex<Vec<u8>>,
    }

    impl Signer for Scripted {
        fn sign(&self, input: &[u8]) -> Result<Vec<u8>> {
            *self.asked.lock().unwrap() = input.to_vec();
            self.answer
                .lock()
                .unwrap()
                .clone()
                .ok_or_else(|| Error::new(Status::TemporarilyUnavailable, "locked"))
        }
    }

    #[test]
    fn an_external_signer_may_answer_in_either_form() {
        let vectors = vectors();
        let message = text(&vectors, "message").as_bytes();
        for vector in items(&vectors, "keys") {
            let signer = Arc::new(Scripted::default());
            let key = SigningKey::external(&vector["public_jwk"], Arc::<Scripted>::clone(&signer))
                .unwrap();
            assert!(key.is_external());
            assert_eq!(
                (key.kid(), key.algorithm()),
                (text(vector, "thumbprint"), algorithm(vector))
            );
            assert!(key.to_private_jwk().is_none());

            for form in ["signature", "signature_der"]
                .iter()
                .filter_map(|name| vector[name].as_str())
            {
                *signer.answer.lock().unwrap() = Some(decode(form));
                assert_eq!(signed(&key, message), decode(text(vector, "signature")));
                assert_eq!(*signer.asked.lock().unwrap(), message);
            }
            assert_verifies(&key, message, &decode(text(vector, "signature")));
        }
    }

    #[test]
    fn an_external_signer_that_fails_leaves_nothing_behind() {
        for vector in items(&vectors(), "keys") {
            let signer = Arc::new(Scripted::default());
            let key = SigningKey::external(&vector["public_jwk"], Arc::<Scripted>::clone(&signer))
                .unwrap();
            let mut out = Vec::new();
            assert_eq!(
                key.sign(b"x", &mut out).unwrap_err().status(),
                Status::TemporarilyUnavailable
            );
            for answer in [&[][..], &[1; 63], &[0x30, 6, 2, 1, 1, 2, 1], &[0x30; 72]] {
                *signer.answer.lock().unwrap() = Some(answer.to_vec());
                assert_eq!(
                    key.sign(b"x", &mut out).unwrap_err().status(),
                    Status::ServerError
                );
            }
            assert!(out.is_empty());
        }
    }

    #[test]
    fn an_external_key_is_public_and_asymmetric() {
        let vectors = vectors();
        let signer = || Arc::new(Scripted::default());
        for vector in items(&vectors, "keys") {
            assert!(
                refusal(SigningKey::external(&vector["private_jwk"], signer())).contains("private")
            );
        }
        refusal(SigningKey::external(&json!({ "kty": "oct" }), signer()));
        refusal(SigningKey::external(
            &json!({ "kty": "oct", "k": BASE64URL.encode([7; 32]) }),
            signer(),
        ));
    }

    #[test]
    fn rfc7517_s9_nothing_private_is_shown() {
        let random = ScriptedRandom::new(3);
        let imported = items(&vectors(), "keys")
            .iter()
            .map(|v| SigningKey::from_jwk(&v["private_jwk"]).unwrap())
            .collect::<Vec<_>>();
        let generated =
            GENERATED.map(|algorithm| SigningKey::generate(algorithm, &random).unwrap());
        for key in imported.into_iter().chain(generated) {
            let private = private_jwk(&key);
            let shown = format!("{key:?} {:?}", key.to_private_jwk());
            let public = key.public_jwk().unwrap_or_default();
            assert_eq!(public.is_null(), key.algorithm() == Algorithm::HS256);
            for name in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                assert!(public.get(name).is_none(), "{name}");
                if let Some(value) = private.get(name).and_then(Value::as_str) {
                    assert!(
                        !shown.contains(value) && !public.to_string().contains(value),
                        "{name}"
                    );
                }
            }
            assert!(shown.contains(key.kid()));
        }
    }
}
