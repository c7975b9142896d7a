//! Scope: a set of scope tokens, kept as the space-separated text that goes over the wire.
//!
//! Knows the grammar of RFC 6749 §3.3 and the names that OpenID Connect gives a meaning; knows
//! neither APIs nor clients.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::config::limits::MAX_SCOPE_BYTES;
use crate::error::{Error, Result, Status};

/// Asks for an ID token (OIDC Core §3.1.2.1).
pub(crate) const OPENID: &str = "openid";
/// Asks for a refresh token (OIDC Core §11).
pub(crate) const OFFLINE_ACCESS: &str = "offline_access";
/// The scopes that OIDC Core §5.4 and §11 define, known whatever API is asked for.
pub(crate) const OPENID_SCOPES: [&str; 6] = [
    OPENID,
    OFFLINE_ACCESS,
    "profile",
    "email",
    "address",
    "phone",
];

/// A set of scope tokens in the order in which they were first named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(Box<str>);

impl Scope {
    /// Reads space-separated scope tokens; a token named twice counts once.
    ///
    /// # Errors
    /// [`Status::InvalidScope`] where a token breaks the grammar of RFC 6749 §3.3, or the text is
    /// longer than [`MAX_SCOPE_BYTES`].
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_SCOPE_BYTES {
            return Err(Error::new(Status::InvalidScope, "the scope is too long"));
        }
        if !text.bytes().all(|b| b == b' ' || is_token_byte(b)) {
            return Err(Error::new(
                Status::InvalidScope,
                "scope must be space-separated tokens of visible ASCII without quotes and backslashes",
            ));
        }
        Ok(text.split(' ').filter(|token| !token.is_empty()).collect())
    }

    /// The tokens.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|token| !token.is_empty())
    }

    /// Whether `token` is one of them.
    pub fn contains(&self, token: &str) -> bool {
        self.iter().any(|t| t == token)
    }

    /// The first token that `other` lacks.
    pub fn first_outside<'a>(&'a self, other: &Scope) -> Option<&'a str> {
        self.iter().find(|token| !other.contains(token))
    }

    /// The tokens for which `keep` holds.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(&str) -> bool) -> Scope {
        self.iter().filter(|token| keep(token)).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The wire form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'a> FromIterator<&'a str> for Scope {
    /// Joins tokens that are known to keep the grammar.
    fn from_iter<I: IntoIterator<Item = &'a str>>(tokens: I) -> Self {
        let mut text = String::new();
        for token in tokens {
            if text.split(' ').all(|t| t != token) {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(token);
            }
        }
        Scope(text.into())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ).
fn is_token_byte(b: u8) -> bool {
    matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_set_in_the_order_of_first_mention() {
        let scope = Scope::parse("  b a  b c ").unwrap();
        assert_eq!(scope.as_str(), "b a c");
        assert!(scope.contains("a") && !scope.contains("") && !scope.contains("b a"));
        assert_eq!(Scope::parse("").unwrap().iter().count(), 0);
    }

    #[test]
    fn s3_3_grammar_is_kept() {
        for bad in ["a\"b", "a\\b", "a\tb", "é", "a\u{7f}"] {
            assert_eq!(
                Scope::parse(bad).unwrap_err().status(),
                Status::InvalidScope,
                "{bad}"
            );
        }
    }
}
