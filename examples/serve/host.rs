//! HTTP on one side, the engine on the other, and the user in between.
//!
//! Every request goes to [`Engine::handle`] but one: the sign-in page's own form. The sign-in keeps
//! nothing: the page carries the authorization request as it came, and the engine reads it again.
//! The engine is synchronous, and with a store that is a file it waits for the disk: so it is called on
//! threads that may wait. Those that wait at the same moment share one flush.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header, request::Parts};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use grantlet::http::{self, Reply, Request};
use grantlet::{
    AuthorizeError, Class, Denial, Engine, Login, PendingAuthorization, Prompt, limits,
};

use crate::pages;

/// The engine has its own limit and says so in its own words; this one bounds what is read at all.
/// The sign-in form holds a whole request, encoded once more.
const MAX_BODY_BYTES: usize = 4 * limits::MAX_REQUEST_BYTES;

#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) engine: Engine,
    /// Of the issuer: where the sign-in page is at home.
    pub(crate) origin: String,
    /// The user that every request is approved as.
    pub(crate) login: Option<String>,
}

pub(crate) fn router(host: Host) -> Router {
    Router::new()
        .route(pages::SIGN_IN_PATH, post(sign_in))
        .route("/callback", get(callback))
        .fallback(any)
        .with_state(host)
}

async fn any(State(host): State<Host>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    match to_bytes(body, MAX_BODY_BYTES).await {
        Ok(body) => answer(move || host.handle(&parts, &body)).await,
        Err(_) => too_large(),
    }
}

/// Asks the engine, on a thread that may wait.
async fn answer(ask: impl FnOnce() -> Response + Send + 'static) -> Response {
    let answer = tokio::task::spawn_blocking(ask).await;
    answer.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// The authorization request's parameters: the query, or the form that was posted.
fn as_it_came<'a>(parts: &'a Parts, body: &'a [u8]) -> &'a str {
    match parts.method.as_str() {
        "POST" => std::str::from_utf8(body).unwrap_or_default(),
        _ => parts.uri.query().unwrap_or_default(),
    }
}

impl Host {
    /// Hands a request to the engine, as it came.
    fn handle(&self, parts: &Parts, body: &[u8]) -> Response {
        // What is not text is no header that the engine reads.
        let text = |(name, value)| {
            Some((
                header::HeaderName::as_str(name),
                header::HeaderValue::to_str(value).ok()?,
            ))
        };
        let headers: Vec<(&str, &str)> = parts.headers.iter().filter_map(text).collect();
        let target = parts
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let request = Request {
            method: parts.method.as_str(),
            target,
            headers: &headers,
            body,
        };
        match self.engine.handle(&request) {
            Reply::Response(response) => sent(response),
            Reply::Authorize(pending) => self.authorize(&pending, as_it_came(parts, body)),
        }
    }

    fn authorize(&self, pending: &PendingAuthorization, query: &str) -> Response {
        if let Some(subject) = &self.login {
            return match self.engine.approve(pending, &signed_in_now(subject)) {
                Ok(response) => answered(response),
                // Somebody else is asked for, and nobody is here to ask.
                Err(error) if error.class() == Class::LoginRequired => {
                    self.deny(pending, Denial::LoginRequired)
                }
                Err(_) => self.deny(pending, Denial::ServerError),
            };
        }
        // There is no session here: whoever must not be asked cannot be known.
        if pending.request().prompt.contains(&Prompt::None) {
            return self.deny(pending, Denial::LoginRequired);
        }
        page(
            StatusCode::OK,
            pages::sign_in(pending.request(), query, None),
        )
    }

    fn deny(&self, pending: &PendingAuthorization, denial: Denial) -> Response {
        answered(self.engine.deny(pending, denial))
    }

    /// The sign-in page's form.
    fn sign_in(&self, body: &[u8]) -> Response {
        let field = |wanted: &str| {
            let mut fields = form_urlencoded::parse(body);
            fields
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        let query = field("request");
        let pending = match self.engine.authorize(&query) {
            Ok(pending) => pending,
            Err(AuthorizeError {
                response: Some(response),
                ..
            }) => return answered(response),
            Err(AuthorizeError { error, .. }) => {
                return page(
                    StatusCode::BAD_REQUEST,
                    pages::notice("Sign-in error", error.description()),
                );
            }
        };
        if field("answer") != "allow" {
            return self.deny(&pending, Denial::AccessDenied);
        }
        match self
            .engine
            .approve(&pending, &signed_in_now(field("user").trim()))
        {
            Ok(response) => answered(response),
            // No such user, or not the one that is asked for: once more.
            Err(error) if matches!(error.class(), Class::Usage | Class::LoginRequired) => {
                let again = pages::sign_in(pending.request(), &query, Some(error.description()));
                page(StatusCode::UNPROCESSABLE_ENTITY, again)
            }
            Err(_) => self.deny(&pending, Denial::ServerError),
        }
    }
}

/// The user's answer to the sign-in page.
async fn sign_in(State(host): State<Host>, headers: HeaderMap, body: Body) -> Response {
    // A page of another origin could otherwise consent in the user's name. Browsers say the origin of
    // every form that is posted, and no page can say another's.
    if headers
        .get(header::ORIGIN)
        .is_none_or(|origin| origin != host.origin.as_str())
    {
        let what = format!("This form must be sent from {}.", host.origin);
        return page(StatusCode::FORBIDDEN, pages::notice("Not from here", &what));
    }
    match to_bytes(body, MAX_BODY_BYTES).await {
        Ok(body) => answer(move || host.sign_in(&body)).await,
        Err(_) => too_large(),
    }
}

/// Stands in for a client that is not there: a registered loopback redirect URI may end here.
async fn callback(uri: Uri) -> Response {
    page(
        StatusCode::OK,
        pages::callback(uri.query().unwrap_or_default()),
    )
}

fn signed_in_now(subject: &str) -> Login {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Login::new(subject).auth_time(now.as_secs())
}

fn answered(response: grantlet::AuthorizationResponse) -> Response {
    sent(response.into())
}

/// An engine's response, on its way out.
fn sent(response: http::Response) -> Response {
    let mut out = axum::http::Response::builder().status(response.status);
    for (name, value) in response.headers {
        out = out.header(name, value);
    }
    out.body(Body::from(response.body))
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

fn page(status: StatusCode, html: String) -> Response {
    (status, pages::HEADERS, html).into_response()
}

fn too_large() -> Response {
    let what = format!("A request may have {MAX_BODY_BYTES} bytes.");
    page(
        StatusCode::PAYLOAD_TOO_LARGE,
        pages::notice("Too large", &what),
    )
}
