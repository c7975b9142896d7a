//! OAuth 2.0 Form Post Response Mode, and the other response modes beside it.

use grantlet::{AuthorizationResponse, Denial, http};
use proptest::prelude::*;

use crate::support::{Fixture, ISSUER, WEB_CALLBACK, changed, param, web_query};

fn query() -> String {
    changed(&web_query("openid"), &[("response_mode", "form_post")])
}

/// The page's form: where it goes, and what it posts.
fn form(response: AuthorizationResponse) -> (String, Vec<(String, String)>) {
    let AuthorizationResponse::FormPost { html } = response else {
        panic!("a page");
    };
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!(" {name}=\"")).unwrap();
        unescape(rest.split('"').next().unwrap())
    };
    let tags: Vec<&str> = html
        .split('<')
        .filter_map(|tag| tag.split('>').next())
        .collect();
    let forms: Vec<_> = tags.iter().filter(|tag| tag.starts_with("form ")).collect();
    assert_eq!(forms.len(), 1);
    assert_eq!(attribute(forms[0], "method"), "post");
    let inputs = tags.iter().filter(|tag| tag.starts_with("input "));
    let inputs = inputs.map(|tag| {
        assert_eq!(attribute(tag, "type"), "hidden");
        (attribute(tag, "name"), attribute(tag, "value"))
    });
    assert!(!tags.iter().any(|tag| tag.starts_with("script")));
    (attribute(forms[0], "action"), inputs.collect())
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

fn value<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields
        .iter()
        .find(|(other, _)| other == name)
        .map(|(_, value)| value.as_str())
}

#[test]
fn s2_a_code_is_posted_to_the_redirect_uri() {
    let fixture = Fixture::new();
    let (action, fields) = form(fixture.approve(&query()));
    assert_eq!(action, WEB_CALLBACK);
    assert_eq!(value(&fields, "state"), Some("xyz"));
    assert_eq!(value(&fields, "iss"), Some(ISSUER));
    let code = value(&fields, "code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", WEB_CALLBACK),
    ];
    assert!(fixture.token_as_web(&form).is_ok());
}

#[test]
fn s2_errors_are_posted_as_well() {
    let fixture = Fixture::new();
    let pending = fixture.engine.authorize(&query()).unwrap();
    for (response, error) in [
        (
            fixture.engine.deny(&pending, Denial::AccessDenied),
            "access_denied",
        ),
        (
            fixture
                .refused(&changed(&query(), &[("response_type", "token")]))
                .1
                .unwrap(),
            "unsupported_response_type",
        ),
    ] {
        let (action, fields) = form(response);
        assert_eq!(action, WEB_CALLBACK);
        assert_eq!(value(&fields, "error"), Some(error));
        assert_eq!(value(&fields, "iss"), Some(ISSUER));
        assert_eq!(value(&fields, "code"), None);
    }
}

#[test]
fn s4_the_page_is_html_that_nobody_caches() {
    let fixture = Fixture::new();
    let response: http::Response = fixture.approve(&query()).into();
    assert_eq!(response.status, 200);
    assert_eq!(
        response.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("location"), None);
}

#[test]
fn multiple_response_types_s2_1_each_mode_puts_the_answer_in_its_place() {
    let fixture = Fixture::new();
    for (mode, start) in [("", "?"), ("query", "?"), ("fragment", "#")] {
        let response = fixture.approve(&changed(&web_query("openid"), &[("response_mode", mode)]));
        assert!(
            response
                .location()
                .unwrap()
                .starts_with(&format!("{WEB_CALLBACK}{start}code="))
        );
        assert_eq!(param(&response, "state").as_deref(), Some("xyz"));
    }
}

#[test]
fn a_redirect_uri_is_escaped_where_it_stands_in_the_page() {
    let uri = "https://notes.example.com/callback?a='1'&b=2";
    let fixture = Fixture::with(|tenant| tenant["clients"][0]["redirect_uris"] = [uri].into());
    let (action, _) = form(fixture.approve(&changed(&query(), &[("redirect_uri", uri)])));
    assert_eq!(action, uri);
}

proptest! {
    #[test]
    fn s2_no_state_breaks_out_of_the_page(state in "[^\0\u{fffd}]{1,30}|[<>\"'&;/a-z =]{1,30}") {
        let fixture = Fixture::new();
        let (_, fields) = form(fixture.approve(&changed(&query(), &[("state", &state)])));
        prop_assert_eq!(value(&fields, "state"), Some(&*state));
        prop_assert_eq!(fields.len(), 3);
    }
}
