//! HTTP without a socket: routes, methods, content types, headers.

use grantlet::http::{Reply, Request};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{API, FORM, Fixture, WEB_SECRET, app_query, basic, encode, json_of};

const ROUTES: [(&str, &str, bool); 8] = [
    // path, methods, whether a page of another origin may call it
    ("/authorize", "GET, POST, OPTIONS", false),
    ("/oauth/token", "POST, OPTIONS", true),
    ("/oauth/revoke", "POST, OPTIONS", true),
    ("/oauth/introspect", "POST, OPTIONS", false),
    ("/userinfo", "GET, HEAD, POST, OPTIONS", true),
    ("/.well-known/jwks.json", "GET, HEAD, OPTIONS", true),
    (
        "/.well-known/openid-configuration",
        "GET, HEAD, OPTIONS",
        true,
    ),
    (
        "/.well-known/oauth-authorization-server",
        "GET, HEAD, OPTIONS",
        true,
    ),
];

#[test]
fn rfc9110_s15_5_6_another_method_is_405_and_says_which_there_are() {
    let fixture = Fixture::new();
    for (path, allow, _) in ROUTES {
        for method in [
            "GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "get", "",
            "CONNECT",
        ] {
            let response = fixture.http(method, path, &[], "");
            if allow.split(", ").any(|allowed| allowed == method) {
                assert_ne!(response.status, 405, "{method} {path}");
            } else {
                assert_eq!(response.status, 405, "{method} {path}");
                assert_eq!(response.header("allow"), Some(allow), "{method} {path}");
            }
        }
    }
}

#[test]
fn rfc9110_s9_3_7_options_says_which_methods_there_are() {
    let fixture = Fixture::new();
    for (path, allow, _) in ROUTES {
        let response = fixture.http("OPTIONS", path, &[], "");
        assert_eq!(
            (response.status, response.header("allow")),
            (204, Some(allow)),
            "{path}"
        );
        assert!(response.body.is_empty());
    }
}

#[test]
fn rfc9110_s9_3_2_head_is_get_without_a_body() {
    let fixture = Fixture::new();
    for path in [
        "/.well-known/jwks.json",
        "/.well-known/openid-configuration",
        "/userinfo",
        "/nowhere",
        "/oauth/token",
    ] {
        let (get, head) = (
            fixture.http("GET", path, &[], ""),
            fixture.http("HEAD", path, &[], ""),
        );
        assert_eq!(
            (head.status, &head.headers),
            (get.status, &get.headers),
            "{path}"
        );
        assert!(head.body.is_empty(), "{path}");
    }
}

#[test]
fn rfc9110_s15_5_5_what_is_nowhere_is_404() {
    let fixture = Fixture::new();
    for path in [
        "",
        "/",
        "/nowhere",
        "/oauth/token/",
        "/OAUTH/TOKEN",
        "//oauth/token",
        "/oauth/token%00",
        "/oauth%2Ftoken",
        "/../oauth/token",
        "oauth/token",
        "https://id.example.com/oauth/token",
    ] {
        let response = fixture.http("POST", path, &[FORM], "");
        assert_eq!(response.status, 404, "{path}");
        assert_eq!(json_of(&response)["error"], "invalid_request");
    }
}

#[test]
fn rfc6749_b_a_form_has_its_content_type() {
    let fixture = Fixture::new();
    let form = encode(&[
        ("grant_type", "client_credentials"),
        ("client_id", "notes-service"),
        ("client_secret", WEB_SECRET),
        ("audience", API),
    ]);
    for (content_type, status) in [
        ("application/x-www-form-urlencoded", 200),
        ("Application/X-WWW-Form-Urlencoded", 200),
        ("application/x-www-form-urlencoded; charset=UTF-8", 200),
        ("application/x-www-form-urlencoded ;charset=utf-8", 200),
        ("application/json", 415),
        ("application/x-www-form-urlencoded2", 415),
        ("multipart/form-data; boundary=x", 415),
        ("text/plain", 415),
        ("", 415),
    ] {
        let response = fixture.http(
            "POST",
            "/oauth/token",
            &[("content-type", content_type)],
            &form,
        );
        assert_eq!(response.status, status, "{content_type}");
    }
    for path in [
        "/oauth/token",
        "/oauth/revoke",
        "/oauth/introspect",
        "/authorize",
    ] {
        assert_eq!(fixture.http("POST", path, &[], &form).status, 415, "{path}");
    }
}

#[test]
fn rfc9110_s5_3_a_header_that_counts_is_given_once() {
    let fixture = Fixture::new();
    let header = basic("notes-basic", WEB_SECRET);
    let authorization = ("Authorization", &*header);
    for headers in [
        &[FORM, FORM][..],
        &[FORM, authorization, authorization],
        &[FORM, authorization, ("AUTHORIZATION", "Basic x")],
    ] {
        let response = fixture.http(
            "POST",
            "/oauth/token",
            headers,
            "grant_type=refresh_token&refresh_token=x",
        );
        assert_eq!(response.status, 400, "{headers:?}");
        assert_eq!(json_of(&response)["error"], "invalid_request");
    }
}

#[test]
fn sizes_are_limited_and_the_answer_says_413() {
    let fixture = Fixture::new();
    let long = format!("token={}", "x".repeat(33_000));
    let many = "a=1&".repeat(65);
    for path in [
        "/oauth/token",
        "/oauth/revoke",
        "/oauth/introspect",
        "/authorize",
    ] {
        for body in [&long, &many] {
            let response = fixture.http("POST", path, &[FORM], body);
            assert_eq!(response.status, 413, "{path}");
            assert_eq!(response.header("location"), None);
        }
    }
    assert_eq!(
        fixture
            .http("GET", &format!("/authorize?{long}"), &[], "")
            .status,
        413
    );
    let limit = format!("token={}", "x".repeat(32 * 1024 - 6));
    assert_eq!(
        fixture
            .http("POST", "/oauth/revoke", &[FORM], &limit)
            .status,
        401
    );
}

#[test]
fn a_body_that_is_no_text_is_refused() {
    let fixture = Fixture::new();
    for body in [
        &b"token=\xff\xfe"[..],
        b"token=%FF",
        b"token=a%00b",
        b"\xc0\x80",
    ] {
        let request = Request {
            method: "POST",
            target: "/oauth/revoke",
            headers: &[FORM],
            body,
        };
        let Reply::Response(response) = fixture.engine.handle(&request) else {
            panic!("an answer");
        };
        assert_eq!(
            (response.status, json_of(&response)["error"].clone()),
            (400, json!("invalid_request"))
        );
    }
}

#[test]
fn cors_public_endpoints_may_be_called_from_any_page() {
    let fixture = Fixture::new();
    let origin = ("Origin", "https://spa.example.com");
    for (path, allow, public) in ROUTES {
        let preflight = [
            origin,
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization"),
        ];
        let response = fixture.http("OPTIONS", path, &preflight, "");
        assert_eq!(response.status, 204);
        let star = public.then_some("*");
        assert_eq!(
            response.header("access-control-allow-origin"),
            star,
            "{path}"
        );
        assert_eq!(
            response.header("access-control-allow-methods"),
            public.then_some(allow),
            "{path}"
        );
        // A wildcard would not cover Authorization (Fetch §3.3.4).
        let headers = response.header("access-control-allow-headers");
        assert_eq!(
            headers,
            public.then_some("Authorization, Content-Type"),
            "{path}"
        );
        // The answers themselves, errors too: a page must be able to read why.
        for method in ["GET", "POST"] {
            let response = fixture.http(method, path, &[origin, FORM], "");
            assert_eq!(
                response.header("access-control-allow-origin"),
                star,
                "{method} {path}"
            );
            assert_eq!(
                response.header("access-control-allow-credentials"),
                None,
                "{path}"
            );
            let exposed = response.header("access-control-expose-headers");
            assert_eq!(exposed, public.then_some("WWW-Authenticate"), "{path}");
        }
    }
}

#[test]
fn cors_a_cached_document_serves_every_origin() {
    // What one reader without an Origin put into a cache, another with one must be able to read.
    let fixture = Fixture::new();
    for path in [
        "/.well-known/jwks.json",
        "/.well-known/openid-configuration",
    ] {
        let response = fixture.http("GET", path, &[], "");
        assert_eq!(
            response.header("access-control-allow-origin"),
            Some("*"),
            "{path}"
        );
    }
}

#[test]
fn no_answer_is_sniffed_and_no_secret_is_cached() {
    let fixture = Fixture::new();
    for (path, _, _) in ROUTES {
        for method in ["GET", "POST"] {
            let response = fixture.http(method, path, &[FORM], "");
            assert_eq!(
                response.header("x-content-type-options"),
                Some("nosniff"),
                "{path}"
            );
            let cache = response.header("cache-control").unwrap();
            assert_eq!(
                cache != "no-store",
                path.contains("well-known") && method == "GET",
                "{method} {path}"
            );
            for (name, value) in &response.headers {
                assert!(
                    value.bytes().all(|b| (0x20..0x7f).contains(&b)),
                    "{name}: {value}"
                );
            }
        }
    }
}

#[test]
fn oidc_core_s3_1_2_1_authorize_takes_get_and_post() {
    let fixture = Fixture::new();
    let query = app_query("openid");
    let target = format!("/authorize?{query}");
    for (method, target, headers, body) in [
        ("GET", &*target, &[][..], ""),
        ("POST", "/authorize", &[FORM][..], &*query),
    ] {
        let Reply::Authorize(pending) = fixture.reply(method, target, headers, body) else {
            panic!("{method}");
        };
        assert_eq!(pending.request().client_id, "notes-app");
    }
    // A POST has its parameters in the body, and there alone.
    assert_eq!(fixture.http("POST", &target, &[FORM], "").status, 400);
}

#[test]
fn an_error_page_shows_text_not_markup() {
    let fixture = Fixture::new();
    let query = encode(&[
        ("client_id", "<script>alert(1)</script>"),
        ("<b>", "1"),
        ("<b>", "2"),
    ]);
    let page = fixture.http("GET", &format!("/authorize?{query}"), &[], "");
    let html = String::from_utf8(page.body).unwrap();
    assert!(
        !html.contains("<script>") && !html.contains("<b>"),
        "{html}"
    );
}

#[test]
fn an_issuer_with_a_path_has_its_endpoints_below_it() {
    let fixture =
        Fixture::with(|tenant| tenant["issuer"] = "https://id.example.com/tenant/".into());
    for (path, _, _) in ROUTES {
        if !path.ends_with("oauth-authorization-server") {
            assert_eq!(
                fixture
                    .http("OPTIONS", &format!("/tenant{path}"), &[], "")
                    .status,
                204,
                "{path}"
            );
            assert_eq!(fixture.http("OPTIONS", path, &[], "").status, 404, "{path}");
            assert_eq!(
                fixture
                    .http("OPTIONS", &format!("/tenant2{path}"), &[], "")
                    .status,
                404,
                "{path}"
            );
        }
    }
}

#[test]
fn the_whole_flow_goes_over_http() {
    let fixture = Fixture::new();
    let post = |form: &[(&str, &str)]| json_of(&fixture.post("/oauth/token", form));
    let code = fixture.app_code("openid read:notes offline_access");
    let tokens = post(&[
        ("grant_type", "authorization_code"),
        ("client_id", "notes-app"),
        ("code", &code),
        ("redirect_uri", crate::support::APP_CALLBACK),
        ("code_verifier", crate::support::VERIFIER),
    ]);
    let stolen = tokens["refresh_token"].as_str().unwrap();
    let refresh = |token: &str| {
        post(&[
            ("grant_type", "refresh_token"),
            ("client_id", "notes-app"),
            ("refresh_token", token),
        ])
    };
    let second = refresh(stolen);
    assert_eq!(
        json_of(&fixture.userinfo(second["access_token"].as_str().unwrap()))["sub"],
        "alice"
    );
    let third = refresh(second["refresh_token"].as_str().unwrap());
    assert_eq!(refresh(stolen)["error"], "invalid_grant");
    assert_eq!(
        refresh(third["refresh_token"].as_str().unwrap())["error"],
        "invalid_grant"
    );
    assert_eq!(
        fixture
            .userinfo(third["access_token"].as_str().unwrap())
            .status,
        401
    );
}

proptest! {
    /// Whatever comes in: no panic, no success without credentials, and headers that a server can send.
    #[test]
    fn no_request_is_too_strange(
        method in "GET|POST|HEAD|OPTIONS|[A-Z]{0,5}",
        route in prop::sample::select(&ROUTES[..]),
        query in "(\\?[ -~]{0,60})?",
        name in "authorization|content-type|origin|[a-z]{1,8}",
        value in "(Bearer |Basic |DPoP )?[ -~\u{e9}]{0,40}",
        body in "((grant_type|client_id|token|code|scope|client_secret)=[ -~]{0,12}&?){0,5}|\\PC{0,40}",
    ) {
        let fixture = Fixture::new();
        let target = format!("{}{query}", route.0);
        let reply = fixture.reply(&method, &target, &[FORM, (&name, &value)], &body);
        let Reply::Response(response) = reply else {
            panic!("no query of this shape is valid");
        };
        for (name, value) in &response.headers {
            prop_assert!(value.bytes().all(|b| (0x20..0x7f).contains(&b)), "{}: {}", name, value);
        }
        let public = route.0.contains("well-known") && response.status == 200;
        let asked = method == "OPTIONS" && response.status == 204;
        prop_assert!(public || asked || response.status >= 400, "{} {}", method, target);
        prop_assert!(response.status < 500, "{}", response.status);
    }
}
