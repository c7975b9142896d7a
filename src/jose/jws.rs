//! Signed tokens: JWS in its compact form (RFC 7515 §7.1), written and read.
//!
//! Knows the shape of a token and whose signature it carries; what the claims mean is for `claims` and
//! above. Reading is strict, so that a token has one meaning for everyone: one spelling of each
//! base64url part, no member named twice, no critical extension, no algorithm but the key's.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use serde::Serialize;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value, json};

use super::{Algorithm, BASE64URL, Keyring, LONG_BASE64URL, SigningKey};
use crate::error::{Error, Result, Status};
use crate::secret::SecretText;

/// The longest token that is read, in bytes.
pub(crate) const MAX_TOKEN: usize = 16 * 1024;

/// Room for the claims that a token adds to its template's; more than this costs a reallocation.
const TAIL_GUESS: usize = 384;

/// What the tokens of one key and one configuration have in common, encoded once: the header, and the
/// claims that never change.
#[derive(Clone)]
pub(crate) struct Template {
    key: Arc<SigningKey>,
    /// base64url(header) `.` base64url(fixed claims).
    prefix: String,
    /// Whether the prefix ends in the bare `{` of an object that has no fixed claims.
    bare: bool,
}

impl Template {
    /// A template for tokens of type `typ` (RFC 8725 §3.11) that carry the claims of `fixed`.
    pub(crate) fn new(key: Arc<SigningKey>, typ: &str, fixed: &Map<String, Value>) -> Self {
        let header = json!({ "alg": key.algorithm(), "kid": key.kid(), "typ": typ }).to_string();
        let mut claims = Value::from(fixed.clone()).to_string();
        claims.pop(); // The closing brace: each token goes on from here.
        // Spaces up to a whole group of three bytes, which JSON allows between two members, so that
        // the base64 of what follows starts a group of its own.
        while claims.len() % 3 != 0 {
            claims.push(' ');
        }
        let prefix = format!("{}.{}", BASE64URL.encode(header), BASE64URL.encode(claims));
        Template {
            key,
            prefix,
            bare: fixed.is_empty(),
        }
    }

    /// The key that signs.
    pub(crate) fn key(&self) -> &Arc<SigningKey> {
        &self.key
    }

    /// A token with the fixed claims and those that `rest` adds, in compact form.
    ///
    /// # Errors
    /// Those of [`SigningKey::sign`].
    pub(crate) fn sign(&self, rest: impl FnOnce(&mut Claims<'_>)) -> Result<SecretText> {
        let start = self.prefix.len();
        let signature_len = base64_len(self.key.signature_len());
        let mut token =
            Vec::with_capacity(start + TAIL_GUESS + base64_len(TAIL_GUESS) + 1 + signature_len);
        token.extend_from_slice(self.prefix.as_bytes());
        rest(&mut Claims(&mut token));
        token.push(b'}');
        if let Some(separator @ b',') = token.get_mut(start).filter(|_| self.bare) {
            *separator = b' ';
        }
        encode_tail(&mut token, start)?;
        let signature = self.key.signature(&token)?;
        token.push(b'.');
        append_base64(&mut token, signature.as_ref())?;
        String::from_utf8(token)
            .map(SecretText::new)
            .map_err(Error::server)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template")
            .field("key", &self.key)
            .field("prefix", &self.prefix)
            .finish()
    }
}

/// The claims of one token, added member by member behind the fixed ones.
///
/// What is written cannot be taken back, and nobody checks for a name that is there already: no name
/// may be used twice, nor one of the template's.
pub(crate) struct Claims<'a>(&'a mut Vec<u8>);

impl Claims<'_> {
    /// A member that is text.
    pub(crate) fn text(&mut self, name: &'static str, value: &str) {
        self.name(name);
        put(self.0, value);
    }

    /// A member that is a number.
    pub(crate) fn number(&mut self, name: &'static str, value: u64) {
        self.name(name);
        put(self.0, &value);
    }

    /// A member of any kind, whose name may come from a host.
    pub(crate) fn json(&mut self, name: &str, value: &Value) {
        self.0.push(b',');
        put(self.0, name);
        self.0.push(b':');
        put(self.0, value);
    }

    /// A member that is an array of text.
    pub(crate) fn texts<'t>(
        &mut self,
        name: &'static str,
        values: impl IntoIterator<Item = &'t str>,
    ) {
        self.name(name);
        self.0.push(b'[');
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.0.push(b',');
            }
            put(self.0, value);
        }
        self.0.push(b']');
    }

    /// A name out of our own source has nothing to escape.
    #[inline]
    fn name(&mut self, name: &'static str) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }
}

/// Appends JSON. Text, numbers and `Value`s always have a JSON form, and memory takes what is written.
fn put<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let _ = serde_json::to_writer(out, value);
}

/// Replaces the JSON behind `start` by its base64url. The codec's input and output must not overlap:
/// it writes behind the JSON, which then makes way.
fn encode_tail(token: &mut Vec<u8>, start: usize) -> Result<()> {
    let end = token.len();
    token.resize(end + base64_len(end - start), 0);
    let (json, place) = token.split_at_mut(end);
    let base64url = &*LONG_BASE64URL;
    base64url
        .encode_slice(&json[start..], place)
        .map_err(Error::server)?;
    token.drain(start..end);
    Ok(())
}

fn append_base64(out: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    let start = out.len();
    out.resize(start + base64_len(bytes.len()), 0);
    BASE64URL
        .encode_slice(bytes, &mut out[start..])
        .map_err(Error::server)?;
    Ok(())
}

/// The length of the base64url of `len` bytes.
const fn base64_len(len: usize) -> usize {
    (len * 4).div_ceil(3)
}

/// A token taken apart, its signature not yet looked at.
#[derive(Debug)]
pub(crate) struct Jws<'a> {
    /// The protected header.
    pub(crate) header: Header,
    /// What the signature is over.
    pub(crate) signing_input: &'a [u8],
    /// The payload, decoded.
    pub(crate) payload: Vec<u8>,
    /// The signature, decoded.
    pub(crate) signature: Vec<u8>,
}

/// What we read of a token's header. Everything else in it is ignored (RFC 7515 §4); above all the
/// keys that it may bring along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// What the token says that it is signed with; the key has the last word.
    pub(crate) alg: Algorithm,
    /// The name of the key.
    pub(crate) kid: Option<String>,
    /// What kind of token it is.
    pub(crate) typ: Option<String>,
}

/// Why a text is no token; names a rule, and nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(&'static str);

impl From<Malformed> for Error {
    fn from(reason: Malformed) -> Self {
        Error::new(Status::InvalidToken, reason.0)
    }
}

/// What a token said whose signature is a key's of ours.
#[derive(Clone, Debug)]
pub(crate) struct Verified {
    /// The key that signed it.
    pub(crate) key: Arc<SigningKey>,
    /// The header's `typ`.
    pub(crate) typ: Option<String>,
    /// The claims; none is checked yet.
    pub(crate) claims: Map<String, Value>,
}

/// Takes a compact JWS apart, strictly.
///
/// # Errors
/// [`Malformed`], with the rule that the token breaks.
pub(crate) fn parse(token: &str) -> Result<Jws<'_>, Malformed> {
    if token.len() > MAX_TOKEN {
        return Err(Malformed("the token is too long"));
    }
    const PARTS: Malformed = Malformed("the token does not have three parts");
    let (signing_input, signature) = token.rsplit_once('.').ok_or(PARTS)?;
    let (header, payload) = signing_input.split_once('.').ok_or(PARTS)?;
    if payload.contains('.') {
        return Err(PARTS);
    }
    Ok(Jws {
        header: Header::parse(&decode(header)?)?,
        signing_input: signing_input.as_bytes(),
        payload: decode(payload)?,
        signature: decode(signature)?,
    })
}

/// Verifies that one of the keyring's keys signed this token.
///
/// # Errors
/// [`Status::InvalidToken`] if it is malformed, [`Status::InvalidTokenSignature`] if it names no key of
/// ours, names an algorithm that is not the key's, or the signature does not match.
pub(crate) fn verify(token: &str, keyring: &Keyring) -> Result<Verified> {
    verify_with(token, |kid| keyring.find(kid).cloned())
}

/// As [`verify`], with the keys that `find` knows by their `kid`: for a caller that has more of them
/// than a keyring.
///
/// # Errors
/// Those of [`verify`].
pub(crate) fn verify_with(
    token: &str,
    find: impl FnOnce(&str) -> Option<Arc<SigningKey>>,
) -> Result<Verified> {
    let jws = parse(token)?;
    let refused = |description| Error::new(Status::InvalidTokenSignature, description);

    let kid = jws.header.kid.as_deref();
    let kid = kid.ok_or_else(|| refused("the token names no key"))?;
    let key =
        find(kid).ok_or_else(|| refused("the token is not signed with a key of this issuer"))?;
    // RFC 8725 §3.1: a key is used with exactly one algorithm, and that is checked here, at its use.
    if jws.header.alg != key.algorithm() {
        return Err(refused("the token's algorithm is not its key's"));
    }
    if !key.verify(jws.signing_input, &jws.signature) {
        return Err(refused("the token's signature does not match"));
    }
    let claims = object(
        &jws.payload,
        "the token's claims are no JSON object with each name once",
    )?;
    Ok(Verified {
        key,
        typ: jws.header.typ,
        claims,
    })
}

impl Header {
    fn parse(json: &[u8]) -> Result<Self, Malformed> {
        let members = object(
            json,
            "the token's header is no JSON object with each name once",
        )?;
        // RFC 7515 §4.1.11: extensions that are not understood make the JWS invalid, and we know none.
        if members.contains_key("crit") {
            return Err(Malformed("the token's header has a critical extension"));
        }
        let text = |name| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Malformed("a member of the token's header is no text")),
        };
        let alg = text("alg")?.as_deref().and_then(Algorithm::from_name);
        Ok(Header {
            alg: alg.ok_or(Malformed("the token's algorithm is not supported"))?,
            kid: text("kid")?,
            typ: text("typ")?,
        })
    }
}

fn decode(part: &str) -> Result<Vec<u8>, Malformed> {
    BASE64URL
        .decode(part)
        .map_err(|_| Malformed("a part of the token is not base64url without padding"))
}

fn object(json: &[u8], reason: &'static str) -> Result<Map<String, Value>, Malformed> {
    serde_json::from_slice(json)
        .map(|Members(members)| members)
        .map_err(|_| Malformed(reason))
}

/// A JSON object in which no name occurs twice (RFC 7515 §4, RFC 7519 §4): which of two values counts,
/// two readers could see differently.
struct Members(Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique;

        impl<'de> Visitor<'de> for Unique {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object that names each member once")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = access.next_entry()? {
                    if members.insert(name, value).is_some() {
                        return Err(de::Error::custom("a name occurs twice"));
                    }
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Unique)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::Signer;
    use crate::random::ScriptedRandom;

    fn keyring() -> Keyring {
        let random = ScriptedRandom::new(5);
        [
            Algorithm::ES256,
            Algorithm::ES384,
            Algorithm::EdDSA,
            Algorithm::HS256,
        ]
        .iter()
        .fold(Keyring::default(), |ring, algorithm| {
            ring.with_generated(*algorithm, &random).unwrap()
        })
    }

    fn key(ring: &Keyring, algorithm: Algorithm) -> Arc<SigningKey> {
        Arc::clone(ring.current(algorithm).unwrap())
    }

    fn object_of(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    /// A token of any header and payload, well signed.
    fn signed(key: &SigningKey, header: &str, payload: &str) -> String {
        let input = format!("{}.{}", BASE64URL.encode(header), BASE64URL.encode(payload));
        let signature = key.signature(input.as_bytes()).unwrap();
        format!("{input}.{}", BASE64URL.encode(signature.as_ref()))
    }

    fn refusal(token: &str, ring: &Keyring) -> Status {
        verify(token, ring).unwrap_err().status()
    }

    #[test]
    fn a_token_says_what_was_put_in_whatever_its_lengths() {
        let ring = keyring();
        for algorithm in ring.algorithms() {
            for fixed_len in 0..7 {
                for rest_len in 0..4 {
                    let fixed = object_of(
                        json!({ "iss": "x".repeat(fixed_len), "aud": ["https://api/", "\"é\\\n"] }),
                    );
                    let template = Template::new(key(&ring, algorithm), "at+jwt", &fixed);
                    let token = template
                        .sign(|claims| claims.text("sub", &"y".repeat(rest_len)))
                        .unwrap();
                    let verified = verify(&token, &ring).unwrap();
                    assert_eq!(verified.typ.as_deref(), Some("at+jwt"));
                    let mut expected = fixed;
                    expected.insert("sub".to_owned(), "y".repeat(rest_len).into());
                    assert_eq!(verified.claims, expected);
                }
            }
        }
    }

    #[test]
    fn every_kind_of_claim_survives() {
        let ring = keyring();
        let fixed = object_of(json!({ "iss": "https://issuer/" }));
        let awkward = "quote \" backslash \\ newline \n nul \0 é 漢 🦀 </script> \u{7f}\u{2028}";
        let nested = json!({ "a": [1, 2.5, null, true, { "b": awkward }] });
        let token = Template::new(key(&ring, Algorithm::EdDSA), "JWT", &fixed)
            .sign(|claims| {
                claims.text("sub", awkward);
                claims.text("empty", "");
                claims.number("iat", 0);
                claims.number("exp", u64::MAX);
                claims.json(awkward, &nested);
                claims.texts("none", []);
                claims.texts("one", ["a"]);
                claims.texts("amr", ["pwd", awkward]);
            })
            .unwrap();
        let expected = json!({
            "iss": "https://issuer/", "sub": awkward, "empty": "", "iat": 0, "exp": u64::MAX, awkward: nested,
            "none": [], "one": ["a"], "amr": ["pwd", awkward],
        });
        assert_eq!(
            Value::Object(verify(&token, &ring).unwrap().claims),
            expected
        );
    }

    #[test]
    fn a_template_without_fixed_claims_and_one_without_others_are_whole_objects() {
        let ring = keyring();
        let bare = Template::new(key(&ring, Algorithm::EdDSA), "JWT", &Map::new());
        assert_eq!(
            verify(&bare.sign(|_| {}).unwrap(), &ring).unwrap().claims,
            Map::new()
        );
        let token = bare.sign(|claims| claims.number("iat", 1)).unwrap();
        assert_eq!(
            verify(&token, &ring).unwrap().claims,
            object_of(json!({ "iat": 1 }))
        );

        let fixed = object_of(json!({ "iss": "i" }));
        let only_fixed = Template::new(key(&ring, Algorithm::EdDSA), "JWT", &fixed);
        assert_eq!(
            verify(&only_fixed.sign(|_| {}).unwrap(), &ring)
                .unwrap()
                .claims,
            fixed
        );
    }

    #[test]
    fn claims_beyond_the_guess_only_cost_a_reallocation() {
        let ring = keyring();
        let template = Template::new(
            key(&ring, Algorithm::HS256),
            "JWT",
            &object_of(json!({ "iss": "i" })),
        );
        for len in [0, TAIL_GUESS - 10, TAIL_GUESS, 3 * TAIL_GUESS, 10_000] {
            let text = "z".repeat(len);
            let token = template.sign(|claims| claims.text("z", &text)).unwrap();
            assert_eq!(verify(&token, &ring).unwrap().claims["z"], *text);
        }
    }

    #[test]
    fn a_failing_signer_makes_no_token() {
        struct Locked;
        impl Signer for Locked {
            fn sign(&self, _: &[u8]) -> Result<Vec<u8>> {
                Err(Error::new(Status::TemporarilyUnavailable, "locked"))
            }
        }
        let public = key(&keyring(), Algorithm::ES256).public_jwk().unwrap();
        let external = SigningKey::external(&public, Arc::new(Locked)).unwrap();
        let template = Template::new(Arc::new(external), "JWT", &object_of(json!({ "iss": "i" })));
        assert_eq!(
            template.sign(|_| {}).unwrap_err().status(),
            Status::TemporarilyUnavailable
        );
    }

    #[test]
    fn any_changed_character_is_noticed() {
        let ring = keyring();
        for algorithm in [Algorithm::EdDSA, Algorithm::HS256] {
            let template = Template::new(
                key(&ring, algorithm),
                "JWT",
                &object_of(json!({ "iss": "i" })),
            );
            let token = template.sign(|claims| claims.number("iat", 1)).unwrap();
            verify(&token, &ring).unwrap();
            for index in 0..token.len() {
                let mut tampered = token.as_bytes().to_vec();
                tampered[index] = if tampered[index] == b'A' { b'B' } else { b'A' };
                assert!(
                    verify(std::str::from_utf8(&tampered).unwrap(), &ring).is_err(),
                    "character {index}"
                );
            }
        }
    }

    #[test]
    fn rfc7515_s2_base64url_has_one_spelling() {
        let ring = keyring();
        let template = Template::new(
            key(&ring, Algorithm::EdDSA),
            "JWT",
            &object_of(json!({ "iss": "i" })),
        );
        let token = template.sign(|_| {}).unwrap();
        let (input, signature) = token.rsplit_once('.').unwrap();
        // 64 bytes leave four unused bits in the last of 86 symbols: Q is zero there, R is not.
        assert_eq!(signature.len(), 86);
        assert!(signature.ends_with(['A', 'Q', 'g', 'w']));
        let last = char::from(signature.as_bytes()[85] + 1);
        for bad in [
            format!("{input}.{}{last}", &signature[..85]),
            format!("{input}.{signature}=="),
            format!("{input}=.{signature}"),
            format!("{input}.{signature}\n"),
            format!(" {input}.{signature}"),
            format!("{input}.{}+", &signature[..85]),
            format!("{input}.{}", &signature[..85]),
        ] {
            assert_eq!(refusal(&bad, &ring), Status::InvalidToken, "{bad}");
        }
    }

    #[test]
    fn a_token_has_three_parts_and_a_limit() {
        let ring = keyring();
        let token = Template::new(
            key(&ring, Algorithm::HS256),
            "JWT",
            &object_of(json!({ "iss": "i" })),
        )
        .sign(|_| {})
        .unwrap();
        for bad in [
            "",
            ".",
            "..",
            "a.b",
            "a.b.c",
            "....",
            &format!("{}.", &*token),
            &format!(".{}", &*token),
        ] {
            assert_eq!(refusal(bad, &ring), Status::InvalidToken, "{bad}");
        }
        let long = "A".repeat(MAX_TOKEN + 1);
        assert_eq!(
            parse(&long).unwrap_err(),
            Malformed("the token is too long")
        );
        assert_ne!(
            parse(&long[1..]).unwrap_err(),
            Malformed("the token is too long")
        );
    }

    #[test]
    fn rfc7515_s4_headers_are_read_strictly() {
        let ring = keyring();
        let key = key(&ring, Algorithm::EdDSA);
        let kid = key.kid();
        let good = format!(r#"{{"alg":"EdDSA","kid":"{kid}","extra":{{"a":1}}}}"#);
        verify(&signed(&key, &good, "{}"), &ring).unwrap();
        for header in [
            format!(r#"{{"alg":"EdDSA","kid":"{kid}","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"EdDSA","alg":"EdDSA","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"EdDSA","\u0061lg":"EdDSA","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"EdDSA","kid":"{kid}","crit":["exp"]}}"#),
            format!(r#"{{"alg":"EdDSA","kid":"{kid}","crit":[]}}"#),
            format!(r#"{{"alg":"EdDSA","kid":"{kid}","b64":false,"crit":["b64"]}}"#),
            format!(r#"{{"alg":"none","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"None","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"","kid":"{kid}"}}"#),
            format!(r#"{{"alg":null,"kid":"{kid}"}}"#),
            format!(r#"{{"alg":["EdDSA"],"kid":"{kid}"}}"#),
            format!(r#"{{"kid":"{kid}"}}"#),
            format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":1}}"#),
            format!(r#"{{"alg":"EdDSA","kid":"{kid}"}} {{}}"#),
            r#"{"alg":"EdDSA","kid":7}"#.to_owned(),
            r#"["alg","EdDSA"]"#.to_owned(),
            "\"EdDSA\"".to_owned(),
            "{".to_owned(),
            String::new(),
        ] {
            assert_eq!(
                refusal(&signed(&key, &header, "{}"), &ring),
                Status::InvalidToken,
                "{header}"
            );
        }
    }

    #[test]
    fn rfc7519_s4_claims_are_one_object_with_each_name_once() {
        let ring = keyring();
        let key = key(&ring, Algorithm::EdDSA);
        let header = json!({ "alg": "EdDSA", "kid": key.kid() }).to_string();
        for payload in [
            r#"{"sub":"a","sub":"b"}"#,
            r#"{"sub":"a","s\u0075b":"a"}"#,
            "[]",
            "1",
            "",
            "{} x",
            "{\"a\":}",
        ] {
            let error = verify(&signed(&key, &header, payload), &ring).unwrap_err();
            assert_eq!(error.status(), Status::InvalidToken, "{payload}");
        }
    }

    #[test]
    fn an_unsigned_token_is_refused_however_it_is_spelled() {
        let ring = keyring();
        let kid = key(&ring, Algorithm::EdDSA).kid().to_owned();
        let payload = BASE64URL.encode("{}");
        for alg in ["none", "NONE", "nOnE"] {
            let header = BASE64URL.encode(json!({ "alg": alg, "kid": kid }).to_string());
            assert_eq!(
                refusal(&format!("{header}.{payload}."), &ring),
                Status::InvalidToken
            );
        }
        let header = BASE64URL.encode(json!({ "alg": "EdDSA", "kid": kid }).to_string());
        assert_eq!(
            refusal(&format!("{header}.{payload}."), &ring),
            Status::InvalidTokenSignature
        );
    }

    #[test]
    fn rfc8725_s3_1_the_key_says_which_algorithm() {
        let ring = keyring();
        for algorithm in ring.algorithms() {
            let key = key(&ring, algorithm);
            for claimed in Algorithm::ALL
                .into_iter()
                .filter(|claimed| *claimed != algorithm)
            {
                let header = json!({ "alg": claimed, "kid": key.kid() }).to_string();
                assert_eq!(
                    refusal(&signed(&key, &header, "{}"), &ring),
                    Status::InvalidTokenSignature
                );
            }
        }
    }

    #[test]
    fn rfc8725_s2_1_a_public_key_is_no_hmac_secret() {
        let ring = keyring();
        for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA] {
            let key = key(&ring, algorithm);
            let jwk = key.public_jwk().unwrap();
            let secrets = [
                jwk.to_string().into_bytes(),
                BASE64URL.decode(jwk["x"].as_str().unwrap()).unwrap(),
                jwk["x"].as_str().unwrap().as_bytes().to_vec(),
            ];
            for secret in secrets {
                let forger = SigningKey::from_secret(&secret).unwrap();
                let header = json!({ "alg": "HS256", "kid": key.kid() }).to_string();
                assert_eq!(
                    refusal(&signed(&forger, &header, "{}"), &ring),
                    Status::InvalidTokenSignature
                );
            }
        }
    }

    #[test]
    fn a_token_must_name_a_key_of_ours_and_brings_none_along() {
        let ring = keyring();
        let own = key(&ring, Algorithm::EdDSA);
        let foreign = SigningKey::generate(Algorithm::EdDSA, &ScriptedRandom::new(99)).unwrap();
        for header in [
            json!({ "alg": "EdDSA" }),
            json!({ "alg": "EdDSA", "kid": "" }),
            json!({ "alg": "EdDSA", "kid": foreign.kid() }),
            json!({ "alg": "EdDSA", "kid": own.kid(), "jwk": foreign.public_jwk() }),
            json!({ "alg": "EdDSA", "jwk": foreign.public_jwk() }),
        ] {
            let token = signed(&foreign, &header.to_string(), "{}");
            assert_eq!(
                refusal(&token, &ring),
                Status::InvalidTokenSignature,
                "{header}"
            );
        }
    }

    #[test]
    fn a_caller_may_know_more_keys_than_the_keyring() {
        let ring = keyring();
        let api = Arc::new(SigningKey::from_secret(&[7; 32]).unwrap());
        let header = json!({ "alg": "HS256", "kid": api.kid() }).to_string();
        let token = signed(&api, &header, "{}");
        let further = |kid: &str| {
            ring.find(kid)
                .cloned()
                .or_else(|| (kid == api.kid()).then(|| Arc::clone(&api)))
        };
        assert_eq!(verify_with(&token, further).unwrap().key.kid(), api.kid());
        assert_eq!(refusal(&token, &ring), Status::InvalidTokenSignature);
    }
}
