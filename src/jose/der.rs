//! The little DER that key files and ECDSA signatures are made of.
//!
//! Reads strictly (definite, minimal lengths; minimal, positive integers) and returns slices of its
//! input; knows no cryptography. That a key's numbers belong together is for ring to say.

use super::jwk::Curve;
use super::private::{Material, RsaPrivate};
use crate::secret::Secret;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `[0]` and `[1]`, explicit (constructed) and implicit (primitive).
const EXPLICIT_0: u8 = 0xa0;
const EXPLICIT_1: u8 = 0xa1;
const IMPLICIT_1: u8 = 0x81;

const OID_EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const OID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const OID_P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const OID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const OID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// Why key bytes are no key; written for whoever made the file.
type Reason = &'static str;

const MALFORMED: Reason = "the private key is not well-formed DER";
const NO_PUBLIC_HALF: Reason = "the EC private key lacks its public half, which is needed";

/// The private key in PKCS#8 (RFC 5958), SEC1 (RFC 5915) or PKCS#1 (RFC 8017 §A.1.2). Each is a
/// sequence of a version and then something different, which tells them apart.
pub(super) fn private_key(der: &[u8]) -> Result<Material, Reason> {
    let mut fields = Reader::new(der).only(SEQUENCE).ok_or(MALFORMED)?;
    let version = fields.take(INTEGER).ok_or(MALFORMED)?;
    match (fields.peek(), version) {
        (Some(SEQUENCE), [0 | 1]) => pkcs8(fields),
        (Some(OCTET_STRING), [1]) => sec1(fields, None),
        (Some(INTEGER), [0]) => pkcs1(fields).ok_or(MALFORMED),
        (Some(INTEGER), [1]) => Err("RSA keys of more than two primes are not supported"),
        _ => Err(MALFORMED),
    }
}

fn pkcs8(mut fields: Reader<'_>) -> Result<Material, Reason> {
    let mut algorithm = fields.nested(SEQUENCE).ok_or(MALFORMED)?;
    let private = Reader::new(fields.take(OCTET_STRING).ok_or(MALFORMED)?);
    // Attributes: whatever they say, it is not about the key's numbers.
    let _ = fields.take(EXPLICIT_0);
    let public = fields.take(IMPLICIT_1);
    if !fields.is_empty() {
        return Err(MALFORMED);
    }

    match algorithm.take(OID).ok_or(MALFORMED)? {
        OID_EC_PUBLIC_KEY => {
            let curve = named_curve(algorithm)?;
            let mut inner = private.only(SEQUENCE).ok_or(MALFORMED)?;
            if inner.take(INTEGER) != Some(&[1]) {
                return Err(MALFORMED);
            }
            sec1(inner, Some(curve))
        }
        OID_ED25519 => ed25519(private, public).ok_or(MALFORMED),
        OID_RSA => {
            let _ = algorithm.take(NULL);
            let mut inner = private.only(SEQUENCE).ok_or(MALFORMED)?;
            match inner.take(INTEGER) {
                Some([0]) => pkcs1(inner).ok_or(MALFORMED),
                _ => Err(MALFORMED),
            }
        }
        _ => {
            Err("the private key is of a kind that is not supported; EC, Ed25519 and RSA keys are")
        }
    }
}

/// What follows the version of an `ECPrivateKey`. The curve is named inside, outside or twice.
fn sec1(mut fields: Reader<'_>, outer: Option<Curve>) -> Result<Material, Reason> {
    let d = fields.take(OCTET_STRING).ok_or(MALFORMED)?;
    let inner = fields
        .take(EXPLICIT_0)
        .map(Reader::new)
        .map(named_curve)
        .transpose()?;
    let curve = match (outer, inner) {
        (Some(outer), Some(inner)) if outer != inner => {
            return Err("the private key names two different curves");
        }
        (outer, inner) => outer
            .or(inner)
            .ok_or("the EC private key does not name its curve")?,
    };
    let mut public = fields.nested(EXPLICIT_1).ok_or(NO_PUBLIC_HALF)?;
    let point = public
        .take(BIT_STRING)
        .and_then(whole_bytes)
        .ok_or(MALFORMED)?;
    if !(fields.is_empty() && public.is_empty()) {
        return Err(MALFORMED);
    }
    Ok(Material::Ec {
        curve,
        d: Secret::new(d),
        point: point.to_vec(),
    })
}

fn named_curve(mut parameters: Reader<'_>) -> Result<Curve, Reason> {
    match parameters.take(OID) {
        Some(OID_P256) => Ok(Curve::P256),
        Some(OID_P384) => Ok(Curve::P384),
        Some(_) => {
            Err("the EC private key is on a curve that is not supported; P-256 and P-384 are")
        }
        None => Err("the EC private key does not name its curve"),
    }
}

/// RFC 8410 §7: the seed is an octet string inside the octet string; version 2 adds the public key.
fn ed25519(private: Reader<'_>, public: Option<&[u8]>) -> Option<Material> {
    let seed = Secret::new(private.only(OCTET_STRING)?.0);
    let x = match public {
        Some(bits) => Some(whole_bytes(bits)?.to_vec()),
        None => None,
    };
    Some(Material::Ed25519 { seed, x })
}

/// What follows the version of an `RSAPrivateKey`.
fn pkcs1(mut fields: Reader<'_>) -> Option<Material> {
    let (n, e) = (fields.positive()?.to_vec(), fields.positive()?.to_vec());
    let mut next = || fields.positive().map(Secret::new);
    let private = RsaPrivate {
        d: next()?,
        p: next()?,
        q: next()?,
        dp: next()?,
        dq: next()?,
        qi: next()?,
    };
    fields.is_empty().then_some(Material::Rsa { n, e, private })
}

/// An `Ecdsa-Sig-Value` (RFC 3279 §2.2.3) as JOSE wants it: R‖S, each of `width` bytes (RFC 7518 §3.4).
pub(super) fn ecdsa_signature(der: &[u8], width: usize) -> Option<Vec<u8>> {
    let mut fields = Reader::new(der).only(SEQUENCE)?;
    let mut fixed = Vec::with_capacity(2 * width);
    for _ in 0..2 {
        let integer = fields.positive()?;
        let padding = width.checked_sub(integer.len())?;
        fixed.resize(fixed.len() + padding, 0);
        fixed.extend_from_slice(integer);
    }
    fields.is_empty().then_some(fixed)
}

/// A BIT STRING's bytes, where it holds whole ones.
fn whole_bytes(bits: &[u8]) -> Option<&[u8]> {
    match bits.split_first() {
        Some((0, bytes)) => Some(bytes),
        _ => None,
    }
}

/// Takes one element after the other off its input.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn new(input: &'a [u8]) -> Self {
        Reader(input)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The content of the next element, if it has this tag; otherwise nothing is taken.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&actual, rest) = self.0.split_first()?;
        let (length, rest) = length(rest)?;
        let (content, rest) = rest.split_at_checked(length)?;
        (actual == tag).then(|| {
            self.0 = rest;
            content
        })
    }

    fn nested(&mut self, tag: u8) -> Option<Reader<'a>> {
        self.take(tag).map(Reader)
    }

    /// The content of the one element that the input consists of.
    fn only(mut self, tag: u8) -> Option<Reader<'a>> {
        let content = self.nested(tag)?;
        self.is_empty().then_some(content)
    }

    /// The next element as an integer greater than zero, without its sign byte.
    fn positive(&mut self) -> Option<&'a [u8]> {
        match self.take(INTEGER)? {
            [0, magnitude @ ..] => magnitude
                .first()
                .is_some_and(|first| *first >= 0x80)
                .then_some(magnitude),
            magnitude => magnitude
                .first()
                .is_some_and(|first| *first < 0x80)
                .then_some(magnitude),
        }
    }
}

/// A length and what follows it. Two length bytes are enough for every RSA key that ring takes.
fn length(input: &[u8]) -> Option<(usize, &[u8])> {
    match input {
        [short @ 0..=0x7f, rest @ ..] => Some((usize::from(*short), rest)),
        [0x81, one @ 0x80..=0xff, rest @ ..] => Some((usize::from(*one), rest)),
        [0x82, high @ 1..=0xff, low, rest @ ..] => {
            Some((usize::from(u16::from_be_bytes([*high, *low])), rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An element with a short length.
    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag, u8::try_from(content.len()).unwrap()];
        out.extend_from_slice(content);
        out
    }

    fn signature(r: &[u8], s: &[u8]) -> Vec<u8> {
        element(
            SEQUENCE,
            &[element(INTEGER, r), element(INTEGER, s)].concat(),
        )
    }

    #[test]
    fn rfc7518_s3_4_integers_are_widened_and_lose_their_sign_byte() {
        let high = [&[0][..], &[0xff; 32]].concat();
        assert_eq!(
            ecdsa_signature(&signature(&high, &[0x7f; 32]), 32).unwrap(),
            [[0xff; 32], [0x7f; 32]].concat()
        );

        let fixed = ecdsa_signature(&signature(&[1], &[0, 0x80]), 32).unwrap();
        assert_eq!(fixed.len(), 64);
        assert_eq!((fixed[31], fixed[63]), (1, 0x80));
        assert_eq!(fixed.iter().filter(|byte| **byte != 0).count(), 2);
    }

    #[test]
    fn a_malformed_signature_is_refused() {
        let good = signature(&[1; 32], &[2; 32]);
        assert!(ecdsa_signature(&good, 32).is_some());
        for cut in 0..good.len() {
            assert!(ecdsa_signature(&good[..cut], 32).is_none(), "cut to {cut}");
        }
        let trailing = [&good[..], &[0]].concat();
        let inside = element(
            SEQUENCE,
            &[element(INTEGER, &[1]), element(INTEGER, &[1]), vec![5, 0]].concat(),
        );
        let long_form = [&[SEQUENCE, 0x81, 6][..], &signature(&[1], &[1])[2..]].concat();
        let wrong_tag = element(0x31, &good[2..]);
        for (what, bad) in [
            ("trailing byte", trailing),
            ("third element", inside),
            ("length not minimal", long_form),
            ("a set", wrong_tag),
            ("negative", signature(&[0x80], &[1])),
            ("sign byte not needed", signature(&[0, 1], &[1])),
            ("zero", signature(&[0], &[1])),
            ("empty integer", signature(&[], &[1])),
            ("too wide", signature(&[1; 33], &[1])),
        ] {
            assert!(ecdsa_signature(&bad, 32).is_none(), "{what}");
        }
    }

    #[test]
    fn lengths_are_minimal() {
        assert_eq!(length(&[0x7f, 9]), Some((127, &[9][..])));
        assert_eq!(length(&[0x81, 0x80]), Some((128, &[][..])));
        assert_eq!(length(&[0x82, 1, 0]), Some((256, &[][..])));
        for bad in [
            &[][..],
            &[0x80],
            &[0x81],
            &[0x81, 0x7f],
            &[0x82, 0, 0xff],
            &[0x82, 1],
            &[0x83, 1, 0, 0],
        ] {
            assert_eq!(length(bad), None, "{bad:x?}");
        }
    }
}
