//! HTTP without a socket: a request in, a response out, for every endpoint.
//!
//! The host's server, of whatever kind, hands over method, path, headers and body as it has them and
//! sends back what it gets. Knows the routes, methods, content types, caching, challenges and CORS;
//! knows no rule of OAuth's. At `/authorize` it hands the pending authorization to the host.

use serde_json::Value;

use crate::config::limits::MAX_REQUEST_BYTES;
use crate::endpoint::approve::AuthorizationResponse;
use crate::endpoint::authorize::{self, AuthorizeError, PendingAuthorization};
use crate::endpoint::{Context, FormRequest, introspect, metadata, revoke, token, userinfo};
use crate::error::{Class, Error, Result, Status};

/// A request as the host's server has it.
#[derive(Clone, Copy, Default)]
pub struct Request<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// The path and, behind a `?`, the query, as they stand in the request line.
    pub target: &'a str,
    /// The headers; names in any case. Those that a server would fold may stand in several entries.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

impl std::fmt::Debug for Request<'_> {
    /// Hides query, headers and body: credentials are in them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.target.split('?').next().unwrap_or_default();
        write!(f, "Request {{ {} {path}, .. }}", self.method)
    }
}

/// A response for the host's server to send.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers. `Content-Length` is the server's to add.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty in the answer to a `HEAD` request.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header; its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl std::fmt::Debug for Response {
    /// Hides headers and body: codes and tokens are in them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Response {{ status: {}, .. }}", self.status)
    }
}

/// What comes of a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// An answer to send.
    Response(Response),
    /// A valid authorization request: the host signs the user in, and answers with the
    /// [`Response`] that it makes of [`Engine::approve`](crate::Engine::approve)'s or
    /// [`Engine::deny`](crate::Engine::deny)'s result.
    Authorize(Box<PendingAuthorization>),
}

impl From<AuthorizationResponse> for Response {
    fn from(response: AuthorizationResponse) -> Self {
        let mut headers = vec![
            no_store(),
            no_sniff(),
            ("Referrer-Policy", "no-referrer".to_owned()),
        ];
        match response {
            // RFC 9700 §4.12: 303, so that no browser posts the user's password on.
            AuthorizationResponse::Redirect { location } => {
                headers.push(("Location", location));
                Response {
                    status: 303,
                    headers,
                    body: Vec::new(),
                }
            }
            AuthorizationResponse::FormPost { html } => {
                headers.push(("Content-Type", "text/html; charset=utf-8".to_owned()));
                Response {
                    status: 200,
                    headers,
                    body: html.into_bytes(),
                }
            }
        }
    }
}

impl From<AuthorizeError> for Response {
    /// The redirect to the client, or, where there must be none, a page for the user.
    fn from(refused: AuthorizeError) -> Self {
        match refused.response {
            Some(response) => response.into(),
            None => error_page(&refused.error),
        }
    }
}

/// What lies at a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Route {
    Authorize,
    Token,
    Revoke,
    Introspect,
    Userinfo,
    Metadata,
    Jwks,
}

impl Route {
    fn find(ctx: &Context, path: &str) -> Option<Self> {
        let base = ctx.issuer.base_path();
        // RFC 8414 §3.1: the well-known segment goes between the host and the issuer's path.
        if path.strip_prefix("/.well-known/oauth-authorization-server") == Some(base) {
            return Some(Route::Metadata);
        }
        let path = path.strip_prefix(base)?;
        let endpoints = &ctx.endpoints;
        let routes = [
            (&*endpoints.authorization, Route::Authorize),
            (&*endpoints.token, Route::Token),
            (&*endpoints.revocation, Route::Revoke),
            (&*endpoints.introspection, Route::Introspect),
            (&*endpoints.userinfo, Route::Userinfo),
            (&*endpoints.jwks, Route::Jwks),
            // OIDC Discovery §4: behind the issuer's path.
            ("/.well-known/openid-configuration", Route::Metadata),
        ];
        routes
            .into_iter()
            .find(|(other, _)| *other == path)
            .map(|(_, route)| route)
    }

    /// The methods, but `OPTIONS`, which all have. To ask `/authorize` for its head would be to ask for
    /// a sign-in: some hosts answer by themselves.
    fn methods(self) -> &'static [&'static str] {
        match self {
            // OIDC Core §3.1.2.1, §5.3.1: «MUST support the use of the HTTP GET and HTTP POST methods».
            Route::Authorize => &["GET", "POST"],
            Route::Userinfo => &["GET", "HEAD", "POST"],
            Route::Token | Route::Revoke | Route::Introspect => &["POST"],
            Route::Metadata | Route::Jwks => &["GET", "HEAD"],
        }
    }

    /// Whether a page of another origin may call it. No cookie plays a part at any of these, so every
    /// origin may. Not `/authorize`, which is navigated to, and not introspection, which is for servers.
    fn is_cross_origin(self) -> bool {
        !matches!(self, Route::Authorize | Route::Introspect)
    }
}

/// Answers a request. See `Engine::handle`.
pub(crate) fn handle(ctx: &Context, request: &Request<'_>) -> Reply {
    let (path, query) = request
        .target
        .split_once('?')
        .unwrap_or((request.target, ""));
    let Some(route) = Route::find(ctx, path) else {
        let error = Error::new(Status::InvalidRequestPath, "no endpoint has this path");
        return Reply::Response(without_body_for_head(request, error_response(&error)));
    };
    let reply = match request.method {
        "OPTIONS" => Reply::Response(options(route, request)),
        method if !route.methods().contains(&method) => Reply::Response(method_not_allowed(route)),
        _ if route == Route::Authorize => authorize(ctx, request, query),
        _ => Reply::Response(endpoint(ctx, route, request)),
    };
    match reply {
        Reply::Response(response) => Reply::Response(finish(route, request, response)),
        pending => pending,
    }
}

/// What holds for every response: CORS, and no body for `HEAD`. CORS also for a request without an
/// `Origin`: a cache may give the same answer to one that has it.
fn finish(route: Route, request: &Request<'_>, mut response: Response) -> Response {
    if route.is_cross_origin() {
        response
            .headers
            .push(("Access-Control-Allow-Origin", "*".to_owned()));
        response.headers.push((
            "Access-Control-Expose-Headers",
            "WWW-Authenticate".to_owned(),
        ));
    }
    without_body_for_head(request, response)
}

/// RFC 9110 §9.3.2.
fn without_body_for_head(request: &Request<'_>, mut response: Response) -> Response {
    if request.method == "HEAD" {
        response.body.clear();
    }
    response
}

/// A CORS preflight, or somebody who asks which methods there are.
fn options(route: Route, request: &Request<'_>) -> Response {
    let mut headers = vec![("Allow", allow(route))];
    if route.is_cross_origin() && header(request, "access-control-request-method").is_some() {
        headers.push(("Access-Control-Allow-Methods", allow(route)));
        headers.push((
            "Access-Control-Allow-Headers",
            "Authorization, Content-Type".to_owned(),
        ));
        headers.push(("Access-Control-Max-Age", "3600".to_owned()));
    }
    Response {
        status: 204,
        headers,
        body: Vec::new(),
    }
}

fn method_not_allowed(route: Route) -> Response {
    let error = Error::new(
        Status::InvalidRequestMethod,
        format!("the endpoint takes {}", allow(route)),
    );
    let mut response = error_response(&error);
    response.headers.push(("Allow", allow(route)));
    response
}

fn allow(route: Route) -> String {
    [route.methods(), &["OPTIONS"]].concat().join(", ")
}

fn authorize(ctx: &Context, request: &Request<'_>, query: &str) -> Reply {
    let pending = match request.method {
        "POST" => form(request)
            .map_err(|error| ctx.refused("authorize", None, error).into())
            .and_then(|form| authorize::authorize(ctx, form)),
        _ => authorize::authorize(ctx, query),
    };
    Reply::Response(match pending {
        Ok(pending) => return Reply::Authorize(Box::new(pending)),
        Err(refused) => refused.into(),
    })
}

fn endpoint(ctx: &Context, route: Route, request: &Request<'_>) -> Response {
    let answer = match route {
        Route::Token => form_request(request)
            .map_err(|error| ctx.refused("token", None, error))
            .and_then(|form| token::token(ctx, form, &|_| Ok(())))
            .map(|tokens| json_response(tokens.to_json().as_bytes().to_vec())),
        Route::Revoke => form_request(request)
            .map_err(|error| ctx.refused("revoke", None, error))
            .and_then(|form| revoke::revoke(ctx, form))
            .map(|()| Response {
                status: 200,
                headers: vec![no_store(), no_sniff()],
                body: Vec::new(),
            }),
        Route::Introspect => form_request(request)
            .map_err(|error| ctx.refused("introspect", None, error))
            .and_then(|form| introspect::introspect(ctx, form))
            .map(|claims| json_response(Value::from(claims).to_string().into_bytes())),
        Route::Userinfo => {
            return match bearer(request)
                .map_err(|error| ctx.refused("userinfo", None, error))
                .and_then(|token| userinfo::userinfo(ctx, &token))
            {
                Ok(claims) => json_response(Value::from(claims).to_string().into_bytes()),
                Err(error) => bearer_error(&error),
            };
        }
        Route::Metadata => Ok(public_document(&metadata::metadata(ctx))),
        Route::Jwks => Ok(public_document(&ctx.registry_or_last().keyring.jwks())),
        // Answered by `authorize`.
        Route::Authorize => Err(Error::server("/authorize is not an endpoint that answers")),
    };
    answer.unwrap_or_else(|error| {
        let mut response = error_response(&error);
        // RFC 6749 §5.2: a challenge «matching the authentication scheme used by the client»; to one
        // that used the form, none: its library would read the challenge in the body's place.
        if error.class() == Class::InvalidClient && header(request, "authorization").is_some() {
            let challenge = "Basic realm=\"oauth\", charset=\"UTF-8\"";
            response
                .headers
                .push(("WWW-Authenticate", challenge.to_owned()));
        }
        response
    })
}

fn form_request<'a>(request: &Request<'a>) -> Result<FormRequest<'a>> {
    Ok(FormRequest {
        form: form(request)?,
        authorization: single_header(request, "authorization")?,
    })
}

/// The body as a form (RFC 6749 §3.2, appendix B).
fn form<'a>(request: &Request<'a>) -> Result<&'a str> {
    let content_type = single_header(request, "content-type")?.unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Error::new(
            Status::InvalidRequestContentType,
            "Content-Type must be application/x-www-form-urlencoded",
        ));
    }
    if request.body.len() > MAX_REQUEST_BYTES {
        let what = format!("the request has more than {MAX_REQUEST_BYTES} bytes");
        return Err(Error::new(Status::InvalidRequestTooLarge, what));
    }
    std::str::from_utf8(request.body)
        .map_err(|_| Error::new(Status::InvalidRequest, "the form is not UTF-8"))
}

/// The access token of a request. RFC 6750 §2: «Clients MUST NOT use more than one method to transmit
/// the token in each request.»
fn bearer(request: &Request<'_>) -> Result<String> {
    let missing = || {
        Error::new(
            Status::InvalidTokenMissing,
            "the request has no access token",
        )
    };
    let in_form = match single_header(request, "content-type")? {
        Some(content_type) if request.method == "POST" && !content_type.is_empty() => {
            let form = form(request).unwrap_or_default();
            let params = crate::endpoint::params::Params::parse(form)?;
            params.single("access_token")?.map(str::to_owned)
        }
        _ => None,
    };
    let in_header = match single_header(request, "authorization")? {
        None => None,
        Some(value) => {
            let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
            scheme
                .eq_ignore_ascii_case("bearer")
                .then(|| token.trim().to_owned())
        }
    };
    match (in_header, in_form) {
        (Some(_), Some(_)) => Err(Error::new(
            Status::InvalidRequest,
            "the access token is sent both in the header and in the form",
        )),
        (Some(token), None) | (None, Some(token)) => Ok(token),
        (None, None) => Err(missing()),
    }
}

/// RFC 6750 §3: the challenge. «If the request lacks any authentication information …, the resource
/// server SHOULD NOT include an error code or other error information.»
fn bearer_error(error: &Error) -> Response {
    let challenge = match error.class() {
        _ if error.status() == Status::InvalidTokenMissing => "Bearer realm=\"oauth\"".to_owned(),
        Class::InvalidRequest | Class::InvalidToken | Class::InsufficientScope => format!(
            "Bearer realm=\"oauth\", error=\"{}\", error_description=\"{}\"",
            error.oauth_code(),
            error.description()
        ),
        _ => return error_response(error),
    };
    let mut response = match error.status() {
        Status::InvalidTokenMissing => Response {
            status: 401,
            headers: vec![no_store(), no_sniff()],
            body: Vec::new(),
        },
        _ => error_response(error),
    };
    response.headers.push(("WWW-Authenticate", challenge));
    response
}

fn json_response(body: Vec<u8>) -> Response {
    Response {
        status: 200,
        headers: vec![json_type(), no_store(), no_cache(), no_sniff()],
        body,
    }
}

/// Metadata and keys: the same for everyone, cached for a while; a key is published before it signs.
fn public_document(document: &Value) -> Response {
    let headers = vec![
        json_type(),
        no_sniff(),
        ("Cache-Control", "public, max-age=300".to_owned()),
    ];
    Response {
        status: 200,
        headers,
        body: document.to_string().into_bytes(),
    }
}

fn error_response(error: &Error) -> Response {
    let headers = vec![json_type(), no_store(), no_cache(), no_sniff()];
    Response {
        status: error.http_status(),
        headers,
        body: error.to_json().into_bytes(),
    }
}

/// What a user sees whose browser cannot be sent back to the client.
fn error_page(error: &Error) -> Response {
    let headers = vec![
        ("Content-Type", "text/html; charset=utf-8".to_owned()),
        no_store(),
        no_sniff(),
    ];
    // An error's description holds no character that HTML gives a meaning but these.
    let text = error
        .description()
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let body = format!(
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"/><title>Sign-in error</title></head><body>\
         <h1>This sign-in link does not work</h1><p>{}: {text}</p></body></html>",
        error.oauth_code()
    );
    let status = match error.http_status() {
        401 => 400,
        status => status,
    };
    Response {
        status,
        headers,
        body: body.into_bytes(),
    }
}

fn header<'a>(request: &Request<'a>, name: &str) -> Option<&'a str> {
    let found = request
        .headers
        .iter()
        .find(|(other, _)| other.eq_ignore_ascii_case(name));
    found.map(|(_, value)| *value)
}

/// A header that must not be given twice: which of the two counts would be anybody's guess.
fn single_header<'a>(request: &Request<'a>, name: &str) -> Result<Option<&'a str>> {
    let mut found = request
        .headers
        .iter()
        .filter(|(other, _)| other.eq_ignore_ascii_case(name));
    let first = found.next().map(|(_, value)| *value);
    match found.next() {
        Some(_) => Err(Error::new(
            Status::InvalidRequest,
            format!("the header {name} is given more than once"),
        )),
        None => Ok(first),
    }
}

/// A body is what its type says.
fn no_sniff() -> (&'static str, String) {
    ("X-Content-Type-Options", "nosniff".to_owned())
}

fn json_type() -> (&'static str, String) {
    ("Content-Type", "application/json".to_owned())
}

/// RFC 6749 §5.1.
fn no_store() -> (&'static str, String) {
    ("Cache-Control", "no-store".to_owned())
}

/// RFC 6749 §5.1, for caches of HTTP/1.0.
fn no_cache() -> (&'static str, String) {
    ("Pragma", "no-cache".to_owned())
}
