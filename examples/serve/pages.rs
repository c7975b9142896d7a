//! The sign-in and consent page: plain HTML that needs no script.

use std::fmt::Write as _;

use axum::http::HeaderName;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use grantlet::AuthorizationRequest;

pub(crate) const SIGN_IN_PATH: &str = "/sign-in";

/// What every page is sent with. No `form-action`: browsers hold the redirect behind a form against
/// it too, and that goes to the client. Not `no-referrer`: browsers would then hide the form's origin,
/// and `same-origin` tells other sites as little.
pub(crate) const HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_TYPE, "text/html; charset=utf-8"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (X_FRAME_OPTIONS, "DENY"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "same-origin"),
    (CACHE_CONTROL, "no-store"),
];

const STYLE: &str = "\
body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 10vh auto; padding: 0 1rem; color-scheme: light dark }
input, button { font: inherit; padding: .4rem .8rem; box-sizing: border-box }
input { display: block; width: 100%; margin: .3rem 0 1rem }
code { overflow-wrap: anywhere }
.error { color: #b00020 }
small { opacity: .7 }";

/// Asks who the user is, and whether the client may have what it asks for. `query` is the
/// authorization request, to be read again with the answer; `error` is what was wrong with the last.
pub(crate) fn sign_in(request: &AuthorizationRequest, query: &str, error: Option<&str>) -> String {
    let client = request.client_name.as_deref().unwrap_or(&request.client_id);
    let mut wants = String::new();
    for scope in &request.scopes {
        let what = match scope.value.as_str() {
            "openid" => "Know who you are",
            "profile" => "See your name and profile",
            "email" => "See your e-mail address",
            "address" => "See your postal address",
            "phone" => "See your phone number",
            "offline_access" => "Keep this access while you are away",
            _ => &scope.description,
        };
        let _ = write!(
            wants,
            "<li>{} <small>{}</small></li>",
            escape(what),
            escape(&scope.value)
        );
    }
    let error = error.map_or(String::new(), |error| {
        format!("<p class=\"error\" role=\"alert\">{}</p>", escape(error))
    });
    let user = request
        .required_subject
        .as_ref()
        .or(request.login_hint.as_ref());
    let body = format!(
        "<h1>Sign in to {client}</h1>{error}
<form method=\"post\" action=\"{SIGN_IN_PATH}\">
<input type=\"hidden\" name=\"request\" value=\"{query}\">
<label>User name <input name=\"user\" value=\"{user}\" autocomplete=\"username\" autocapitalize=\"none\" autofocus></label>
<p>{client} would like to:</p><ul>{wants}</ul>
<p><small>Your answer goes to {redirect_uri}</small></p>
<button name=\"answer\" value=\"allow\">Allow</button>
<button name=\"answer\" value=\"deny\">Deny</button>
</form>
<p><small>A demo: any user name will do, and there is no password.</small></p>",
        client = escape(client),
        query = escape(query),
        user = escape(user.map_or("", String::as_str)),
        redirect_uri = escape(&request.redirect_uri),
    );
    document(&format!("Sign in to {client}"), &body)
}

/// What an authorization response says, for people who try the flow in a browser.
pub(crate) fn callback(query: &str) -> String {
    let mut body = "<h1>Back at the client</h1>".to_owned();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let _ = write!(
            body,
            "<p>{}<br><code>{}</code></p>",
            escape(&name),
            escape(&value)
        );
    }
    document("Back at the client", &body)
}

/// A page that says one thing.
pub(crate) fn notice(title: &str, what: &str) -> String {
    document(
        title,
        &format!("<h1>{}</h1><p>{}</p>", escape(title), escape(what)),
    )
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">
<title>{}</title><style>{STYLE}</style></head>
<body>{body}</body></html>
",
        escape(title)
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
