//! Redirect URIs: which may be registered, and which of those a request means.
//!
//! Knows RFC 6749 §3.1.2, RFC 8252 §7 and RFC 9700 §2.1. A request's URI is only ever compared as
//! text with a registered one, never parsed: there is nothing that a parser could be tricked with.

use fluent_uri::Uri;

use crate::client::ApplicationType;

/// Longer than any URI that a browser would follow.
pub(crate) const MAX_URI_BYTES: usize = 2_048;

/// A registered redirect URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri {
    text: Box<str>,
    /// For a loopback IP, where a port may stand: the end of the host, and the start of the path.
    any_port: Option<(usize, usize)>,
}

impl RedirectUri {
    /// Accepts `text` as a redirect URI of an application of this type.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that starts with the URI.
    pub(crate) fn register(
        text: &str,
        application_type: ApplicationType,
        allow_http: bool,
    ) -> Result<Self, &'static str> {
        if text.len() > MAX_URI_BYTES {
            return Err("is too long");
        }
        let uri =
            Uri::parse(text).map_err(|_| "is not an absolute URI (RFC 3986; no wildcards)")?;
        // RFC 6749 §3.1.2: «The endpoint URI MUST NOT include a fragment component.»
        if uri.has_fragment() {
            return Err("has a fragment (RFC 6749 §3.1.2)");
        }
        if text.contains('*') {
            return Err("has a wildcard: redirect URIs are compared exactly (RFC 9700 §2.1)");
        }
        if uri
            .authority()
            .is_some_and(|authority| authority.userinfo().is_some())
        {
            return Err("has user information before its host");
        }
        let scheme = uri.scheme().as_str();
        let host = uri.authority().map_or("", |authority| authority.host());
        let mut any_port = None;
        match scheme {
            "https" if !host.is_empty() => {}
            "http" if is_loopback_ip(host) => any_port = port_place(text, host),
            "http" if host == "localhost" || allow_http => {}
            "http" => {
                return Err("is http to a host other than the loopback: use https (RFC 9700 §2.6)");
            }
            "https" => return Err("has no host"),
            // RFC 8252 §7.1: «apps MUST use a URI scheme based on a domain name under their control,
            // expressed in reverse order».
            custom if !custom.contains('.') => {
                return Err(
                    "has a custom scheme without a dot: use your reversed domain (RFC 8252 §7.1)",
                );
            }
            _ if application_type != ApplicationType::Native => {
                return Err(
                    "has a custom scheme, which only native applications may use (RFC 8252 §7.1)",
                );
            }
            _ => {}
        }
        Ok(RedirectUri {
            text: text.into(),
            any_port,
        })
    }

    /// The registered text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a request that says `candidate` means this one: the same text, except that RFC 8252
    /// §7.3 «MUST allow any port to be specified at the time of the request for loopback IP redirect
    /// URIs».
    pub(crate) fn matches(&self, candidate: &str) -> bool {
        if candidate == &*self.text {
            return true;
        }
        let Some((host_end, path_start)) = self.any_port else {
            return false;
        };
        let Some(rest) = candidate.strip_prefix(&self.text[..host_end]) else {
            return false;
        };
        let Some(port) = rest.strip_suffix(&self.text[path_start..]) else {
            return false;
        };
        port.is_empty() || port.strip_prefix(':').is_some_and(is_port)
    }
}

fn is_loopback_ip(host: &str) -> bool {
    host == "127.0.0.1" || host == "[::1]"
}

/// A port as a client writes it: digits only (`u16::from_str` would take a sign), not zero.
fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port != 0)
}

fn port_place(text: &str, host: &str) -> Option<(usize, usize)> {
    let host_end = text.find(host)? + host.len();
    let path_start = text[host_end..]
        .find(['/', '?'])
        .map_or(text.len(), |at| host_end + at);
    Some((host_end, path_start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn native(text: &str) -> Result<RedirectUri, &'static str> {
        RedirectUri::register(text, ApplicationType::Native, false)
    }

    #[test]
    fn rfc8252_s7_3_a_loopback_ip_takes_any_port_and_nothing_else() {
        for registered in ["http://127.0.0.1/cb?x=1", "http://127.0.0.1:8080/cb?x=1"] {
            let uri = native(registered).unwrap();
            for good in [
                "http://127.0.0.1/cb?x=1",
                "http://127.0.0.1:1/cb?x=1",
                "http://127.0.0.1:65535/cb?x=1",
            ] {
                assert!(uri.matches(good), "{registered} {good}");
            }
            for bad in [
                "http://127.0.0.1:/cb?x=1",
                "http://127.0.0.1:0/cb?x=1",
                "http://127.0.0.1:+80/cb?x=1",
                "http://127.0.0.1:65536/cb?x=1",
                "http://127.0.0.1:80@evil.example/cb?x=1",
                "http://127.0.0.1.evil.example/cb?x=1",
                "http://127.0.0.2:80/cb?x=1",
                "http://localhost:80/cb?x=1",
                "https://127.0.0.1:80/cb?x=1",
                "http://127.0.0.1:80/cb?x=2",
                "http://127.0.0.1:80/cb/?x=1",
                "http://127.0.0.1:80/cb",
                "http://127.0.0.1:80/CB?x=1",
            ] {
                assert!(!uri.matches(bad), "{registered} {bad}");
            }
        }
        assert!(
            native("http://[::1]/cb")
                .unwrap()
                .matches("http://[::1]:4000/cb")
        );
        assert!(
            native("http://127.0.0.1")
                .unwrap()
                .matches("http://127.0.0.1:4000")
        );
        assert!(
            !native("http://localhost:3000/cb")
                .unwrap()
                .matches("http://localhost:3001/cb")
        );
    }

    #[test]
    fn rfc9700_s2_1_everything_else_is_compared_exactly() {
        let uri = native("https://app.example.com/cb").unwrap();
        assert!(uri.matches("https://app.example.com/cb"));
        for bad in [
            "https://app.example.com/cb/",
            "https://app.example.com:443/cb",
            "https://app.example.com/cb?a=b",
        ] {
            assert!(!uri.matches(bad), "{bad}");
        }
    }

    #[test]
    fn what_may_not_be_registered_is_told_why() {
        for (bad, why) in [
            ("/relative", "absolute"),
            ("https://a.example/cb#f", "fragment"),
            ("https://*.a.example/cb", "wildcard"),
            ("https://user@a.example/cb", "user information"),
            ("http://a.example/cb", "https"),
            ("myapp:/cb", "dot"),
            ("javascript:alert(1)", "dot"),
            ("https:/cb", "no host"),
        ] {
            let error = native(bad).unwrap_err();
            assert!(error.contains(why), "{bad}: {error}");
        }
        assert!(native("com.example.app:/cb").is_ok());
        assert!(RedirectUri::register("com.example.app:/cb", ApplicationType::Web, false).is_err());
        assert!(RedirectUri::register("http://idp:8080/cb", ApplicationType::Web, true).is_ok());
    }
}
