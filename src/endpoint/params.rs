//! The parameters of a request, from a query string or a form.
//!
//! Knows the rules that hold for every endpoint (RFC 6749 §3.1, §3.2): a parameter is given at most
//! once, one without a value counts as absent, unknown ones are passed over. Knows no endpoint.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::config::limits::{MAX_PARAMETERS, MAX_REQUEST_BYTES};
use crate::error::{Error, Result, Status};

/// Parameters that may be given more than once (RFC 8707 §2).
const REPEATABLE: [&str; 1] = ["resource"];

/// Decoded parameters, in their order; those without a value are gone.
pub(crate) struct Params<'a> {
    text: &'a str,
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Params<'a> {
    /// Decodes `text`. Repetition is not yet checked: see [`Params::refuse_repeated`].
    ///
    /// # Errors
    /// [`Status::InvalidRequestTooLarge`]; [`Status::InvalidRequest`] for a NUL or for bytes that are
    /// not UTF-8 once decoded.
    pub(crate) fn parse(text: &'a str) -> Result<Self> {
        if text.len() > MAX_REQUEST_BYTES {
            let what = format!("the request has more than {MAX_REQUEST_BYTES} bytes");
            return Err(Error::new(Status::InvalidRequestTooLarge, what));
        }
        let mut pairs = Vec::with_capacity(8);
        let mut rest = Some(text);
        while let Some(text) = rest {
            let pair;
            (pair, rest) = split(text, b'&');
            let (name, value) = split(pair, b'=');
            let value = decode(value.unwrap_or_default())?;
            if value.is_empty() {
                continue;
            }
            if pairs.len() == MAX_PARAMETERS {
                let what = format!("the request has more than {MAX_PARAMETERS} parameters");
                return Err(Error::new(Status::InvalidRequestTooLarge, what));
            }
            pairs.push((decode(name)?, value));
        }
        Ok(Params { text, pairs })
    }

    /// What was decoded.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// RFC 6749 §3.1, §3.2: «Request and response parameters MUST NOT be included more than once.»
    pub(crate) fn refuse_repeated(&self) -> Result<()> {
        for (index, (name, _)) in self.pairs.iter().enumerate() {
            let before = &self.pairs[..index];
            if before.iter().any(|(other, _)| other == name) && !REPEATABLE.contains(&&**name) {
                return Err(repeated(name));
            }
        }
        Ok(())
    }

    /// The value, or none.
    #[inline]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The only value, or none.
    pub(crate) fn single(&self, name: &str) -> Result<Option<&str>> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() {
            Err(repeated(name))
        } else {
            Ok(first)
        }
    }

    /// The value; a missing one is an error.
    pub(crate) fn require(&self, name: &'static str) -> Result<&str> {
        self.get(name).ok_or_else(|| {
            Error::new(
                Status::InvalidRequestMissing,
                format!("the parameter '{name}' is missing"),
            )
        })
    }

    /// Every value of a repeatable parameter.
    #[inline]
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.pairs
            .iter()
            .filter(move |(other, _)| other == name)
            .map(|(_, value)| &**value)
    }
}

/// What precedes the first `separator`, and what follows it.
#[inline]
fn split(text: &str, separator: u8) -> (&str, Option<&str>) {
    match memchr::memchr(separator, text.as_bytes()) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// Undoes `application/x-www-form-urlencoded` for one name or value; most have nothing to undo.
pub(crate) fn decode(text: &str) -> Result<Cow<'_, str>> {
    let not_text = || Error::new(Status::InvalidRequest, "a parameter is not UTF-8 text");
    if memchr::memchr3(b'%', b'+', 0, text.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(text));
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced)
        .decode_utf8()
        .map_err(|_| not_text())?;
    // A NUL could cut a value short in a C host.
    match decoded.contains('\0') {
        true => Err(not_text()),
        false => Ok(Cow::Owned(decoded.into_owned())),
    }
}

fn repeated(name: &str) -> Error {
    let shown: String = name.chars().take(40).collect();
    Error::new(
        Status::InvalidRequestRepeated,
        format!("the parameter '{shown}' is given more than once"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_1_empty_is_absent_and_repeated_is_refused() {
        let params = Params::parse("a=&b=1&c=x%20y+z&resource=1&resource=2&d=%C3%A9").unwrap();
        assert_eq!(params.get("a"), None);
        assert_eq!(params.get("c"), Some("x y z"));
        assert_eq!(params.get("d"), Some("é"));
        assert_eq!(params.all("resource").count(), 2);
        assert!(params.refuse_repeated().is_ok());
        let repeated = Params::parse("b=1&b=1")
            .unwrap()
            .refuse_repeated()
            .unwrap_err();
        assert_eq!(repeated.status(), Status::InvalidRequestRepeated);
        // Twice, but once without a value: that one counts as absent.
        assert!(Params::parse("b=&b=1").unwrap().refuse_repeated().is_ok());
    }

    #[test]
    fn what_is_not_text_is_refused() {
        for bad in ["a=%00", "a=%FF", "%00=a"] {
            assert_eq!(
                Params::parse(bad).err().map(|e| e.status()),
                Some(Status::InvalidRequest),
                "{bad}"
            );
        }
        let many = "a=1&".repeat(MAX_PARAMETERS + 1);
        assert_eq!(
            Params::parse(&many).err().map(|e| e.status()),
            Some(Status::InvalidRequestTooLarge)
        );
        let long = format!("a={}", "x".repeat(MAX_REQUEST_BYTES));
        assert_eq!(
            Params::parse(&long).err().map(|e| e.status()),
            Some(Status::InvalidRequestTooLarge)
        );
    }
}
