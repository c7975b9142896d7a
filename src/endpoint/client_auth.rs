//! Client authentication (RFC 6749 §2.3): who posts this form?
//!
//! Knows how a client says who it is and how it proves it; knows no grant type.

use std::borrow::Cow;
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::client::{AuthMethod, Client};
use crate::config::limits::MAX_AUTHORIZATION_BYTES;
use crate::endpoint::params::{self, Params};
use crate::error::{Error, Result, Status};
use crate::registry::Registry;
use crate::secret::SecretText;

/// What the request carries.
struct Presented<'a> {
    client_id: Cow<'a, str>,
    secret: Option<SecretText>,
    /// The secret as the header has it: many clients leave the form-encoding out, and a base64
    /// secret with a `+` in it then decodes to something else.
    verbatim: Option<SecretText>,
    method: AuthMethod,
}

/// The client that posted the form, proven as it is registered to prove itself.
///
/// # Errors
/// [`Status::InvalidClient`] and its reasons; [`Status::InvalidRequest`] where the request uses more
/// than one method or names two clients.
pub(crate) fn authenticate(
    registry: &Registry,
    params: &Params<'_>,
    authorization: Option<&str>,
) -> Result<Arc<Client>> {
    let presented = presented(params, authorization)?;
    let Some(client) = registry.client(&presented.client_id) else {
        return Err(Error::new(
            Status::InvalidClientUnknown,
            "the client is unknown or its secret is wrong",
        )
        .with_detail("unknown client_id"));
    };
    let mut secrets = presented
        .secret
        .iter()
        .chain(&presented.verbatim)
        .peekable();
    if secrets.peek().is_some()
        && !client.is_public()
        && !secrets.any(|secret| client.has_secret(secret.as_bytes()))
    {
        return Err(Error::new(
            Status::InvalidClientSecret,
            "the client is unknown or its secret is wrong",
        )
        .with_detail("wrong secret"));
    }
    if presented.method != client.auth_method {
        let what = format!(
            "the client is registered to authenticate by {}, not by {}",
            client.auth_method.name(),
            presented.method.name()
        );
        return Err(Error::new(Status::InvalidClientMethod, what));
    }
    Ok(Arc::clone(client))
}

/// The client that a request names, proven or not: for the log.
pub(crate) fn named<'a>(
    params: &'a Params<'_>,
    authorization: Option<&str>,
) -> Option<Cow<'a, str>> {
    let in_header = || Some(Cow::Owned(basic(authorization?).ok()?.0));
    params
        .get("client_id")
        .map(Cow::Borrowed)
        .or_else(in_header)
}

fn presented<'a>(params: &'a Params<'_>, authorization: Option<&str>) -> Result<Presented<'a>> {
    let client_id = params.get("client_id");
    let client_secret = params.get("client_secret");
    if params.get("client_assertion").is_some() || params.get("client_assertion_type").is_some() {
        return Err(Error::new(
            Status::InvalidClientMethod,
            "client assertions are not supported",
        ));
    }
    if let Some(header) = authorization {
        let (id, secret, verbatim) = basic(header)?;
        // RFC 6749 §2.3: «The client MUST NOT use more than one authentication method in each request.»
        if client_secret.is_some() {
            return Err(Error::new(
                Status::InvalidRequest,
                "the client authenticates both in the header and in the form; use one",
            ));
        }
        if client_id.is_some_and(|other| other != id) {
            return Err(Error::new(
                Status::InvalidRequest,
                "the header and the form name different clients",
            ));
        }
        return Ok(Presented {
            client_id: Cow::Owned(id),
            secret: Some(secret),
            verbatim: Some(verbatim),
            method: AuthMethod::ClientSecretBasic,
        });
    }
    let client_id = client_id.ok_or_else(|| {
        Error::new(
            Status::InvalidClientMissing,
            "the request has no client authentication and no client_id",
        )
    })?;
    Ok(Presented {
        client_id: Cow::Borrowed(client_id),
        secret: client_secret.map(|secret| SecretText::new(secret.to_owned())),
        verbatim: None,
        method: if client_secret.is_some() {
            AuthMethod::ClientSecretPost
        } else {
            AuthMethod::None
        },
    })
}

/// RFC 6749 §2.3.1: id and secret, each form-encoded, joined by a colon, in base64. Gives the secret
/// decoded and as it stands.
fn basic(header: &str) -> Result<(String, SecretText, SecretText)> {
    let malformed = || {
        Error::new(
            Status::InvalidClient,
            "the Authorization header is not valid Basic credentials",
        )
    };
    if header.len() > MAX_AUTHORIZATION_BYTES {
        return Err(malformed());
    }
    let (scheme, encoded) = header.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Error::new(
            Status::InvalidClientMethod,
            "the Authorization header must use the Basic scheme",
        ));
    }
    let decoded = BASE64_STANDARD
        .decode(encoded.trim())
        .map_err(|_| malformed())?;
    let decoded = SecretText::new(String::from_utf8(decoded).map_err(|_| malformed())?);
    let (id, secret) = decoded.split_once(':').ok_or_else(malformed)?;
    let decode = |text| params::decode(text).map(|text| text.into_owned());
    Ok((
        decode(id)?,
        SecretText::new(decode(secret).unwrap_or_default()),
        SecretText::new(secret.to_owned()),
    ))
}
