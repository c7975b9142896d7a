//! RFC 6749 at the authorization endpoint: what is redirected, what never is, and what comes back.

use grantlet::{Denial, Login, Status};
use proptest::prelude::*;

use crate::support::{
    APP_CALLBACK, Fixture, WEB_CALLBACK, app_query, changed, code, encode, param, web_query,
};

#[test]
fn s4_1_2_an_approval_redirects_with_code_and_state() {
    let fixture = Fixture::new();
    let response = fixture.approve(&web_query("read:notes"));
    let location = response.location().unwrap();
    assert!(location.starts_with(&format!("{WEB_CALLBACK}?")));
    assert_eq!(param(&response, "state").as_deref(), Some("xyz"));
    assert!(code(&response).starts_with("grl_ac_"));
    assert_eq!(param(&response, "error"), None);
}

#[test]
fn s4_1_2_state_absent_stays_absent() {
    let fixture = Fixture::new();
    let response = fixture.approve(&changed(&web_query("read:notes"), &[("state", "")]));
    assert_eq!(param(&response, "state"), None);
}

#[test]
fn s4_1_2_1_a_bad_client_or_redirect_uri_is_never_redirected_to() {
    let fixture = Fixture::new();
    let query = app_query("read:notes");
    let twice = |name: &str, value: &str| format!("{query}&{}", encode(&[(name, value)]));
    let cases = [
        (
            changed(&query, &[("client_id", "")]),
            Status::InvalidRequestMissing,
        ),
        (
            changed(&query, &[("client_id", "nobody")]),
            Status::InvalidClientUnknown,
        ),
        (
            changed(&query, &[("client_id", "NOTES-APP")]),
            Status::InvalidClientUnknown,
        ),
        (
            changed(&query, &[("redirect_uri", "https://evil.example/")]),
            Status::InvalidRequestRedirectUri,
        ),
        (
            changed(&query, &[("redirect_uri", WEB_CALLBACK)]),
            Status::InvalidRequestRedirectUri,
        ),
        (
            changed(
                &query,
                &[("redirect_uri", "http://127.0.0.1/callback/../x")],
            ),
            Status::InvalidRequestRedirectUri,
        ),
        // Two are registered: which is meant cannot be guessed.
        (
            changed(&query, &[("redirect_uri", "")]),
            Status::InvalidRequestRedirectUri,
        ),
        (
            twice("client_id", "notes-app"),
            Status::InvalidRequestRepeated,
        ),
        (
            twice("redirect_uri", APP_CALLBACK),
            Status::InvalidRequestRepeated,
        ),
        (format!("{query}&extra=%00"), Status::InvalidRequest),
        (format!("{query}&extra=%FF"), Status::InvalidRequest),
    ];
    for (query, status) in &cases {
        let (found, response) = fixture.refused(query);
        assert_eq!(found, *status, "{query}");
        assert!(response.is_none(), "{query}");
        let page = fixture.http("GET", &format!("/authorize?{query}"), &[], "");
        assert_eq!(page.status, 400, "{query}");
        assert_eq!(page.header("location"), None, "{query}");
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(page.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn s4_1_2_1_every_other_error_is_redirected_with_state() {
    let fixture = Fixture::new();
    let query = app_query("read:notes");
    let long = "s".repeat(5_000);
    let cases = [
        (changed(&query, &[("response_type", "")]), "invalid_request"),
        (
            changed(&query, &[("response_type", "token")]),
            "unsupported_response_type",
        ),
        (
            changed(&query, &[("response_type", "code id_token")]),
            "unsupported_response_type",
        ),
        (changed(&query, &[("scope", "a\"b")]), "invalid_scope"),
        (changed(&query, &[("scope", &long)]), "invalid_scope"),
        (
            changed(&query, &[("audience", "https://nowhere.example/")]),
            "invalid_target",
        ),
        (
            changed(&query, &[("prompt", "none login")]),
            "invalid_request",
        ),
        (changed(&query, &[("prompt", "juggle")]), "invalid_request"),
        (changed(&query, &[("max_age", "-1")]), "invalid_request"),
        (changed(&query, &[("max_age", "+1")]), "invalid_request"),
        (changed(&query, &[("nonce", &long)]), "invalid_request"),
        (changed(&query, &[("claims", "[]")]), "invalid_request"),
        (
            changed(&query, &[("response_mode", "web_message")]),
            "invalid_request",
        ),
        (
            changed(&query, &[("request", "eyJ")]),
            "request_not_supported",
        ),
        (
            changed(&query, &[("request_uri", "https://a.example/")]),
            "request_uri_not_supported",
        ),
        (
            changed(&query, &[("registration", "{}")]),
            "registration_not_supported",
        ),
        (format!("{query}&scope=again"), "invalid_request"),
        (
            format!("{query}&unheard_of=1&unheard_of=2"),
            "invalid_request",
        ),
    ];
    for (query, error) in &cases {
        let (_, response) = fixture.refused(query);
        let response = response.unwrap_or_else(|| panic!("{query}"));
        assert!(
            response.location().unwrap().starts_with(APP_CALLBACK),
            "{query}"
        );
        assert_eq!(
            param(&response, "error").as_deref(),
            Some(*error),
            "{query}"
        );
        assert_eq!(param(&response, "state").as_deref(), Some("xyz"), "{query}");
        assert_eq!(param(&response, "code"), None, "{query}");
        let page = fixture.http("GET", &format!("/authorize?{query}"), &[], "");
        assert_eq!(
            (page.status, page.header("location")),
            (303, response.location()),
            "{query}"
        );
    }
}

#[test]
fn s3_1_a_repeated_state_is_refused_and_neither_is_echoed() {
    let fixture = Fixture::new();
    let (status, response) = fixture.refused(&format!("{}&state=other", app_query("read:notes")));
    assert_eq!(status, Status::InvalidRequestRepeated);
    let response = response.unwrap();
    assert_eq!(
        param(&response, "error").as_deref(),
        Some("invalid_request")
    );
    assert_eq!(param(&response, "state"), None);
}

#[test]
fn s3_1_an_empty_parameter_counts_as_absent_and_an_unknown_one_is_ignored() {
    let fixture = Fixture::new();
    let query = format!("{}&scope=&prompt=&unheard_of=1", app_query("read:notes"));
    let pending = fixture.engine.authorize(&query).unwrap();
    assert_eq!(pending.request().scope.as_str(), "read:notes");
    assert!(pending.request().prompt.is_empty());
}

#[test]
fn s3_1_2_3_a_lone_registered_uri_may_be_left_out() {
    let fixture = Fixture::new();
    let query = changed(&web_query("read:notes"), &[("redirect_uri", "")]);
    let response = fixture.approve(&query);
    assert!(response.location().unwrap().starts_with(WEB_CALLBACK));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code(&response)),
    ];
    assert!(fixture.token_as_web(&form).is_ok());
}

#[test]
fn s3_1_2_a_query_in_the_redirect_uri_is_kept() {
    let uri = "https://notes.example.com/callback?tenant=1";
    let fixture = Fixture::with(|tenant| tenant["clients"][0]["redirect_uris"] = [uri].into());
    let response = fixture.approve(&changed(&web_query("read:notes"), &[("redirect_uri", uri)]));
    assert!(
        response
            .location()
            .unwrap()
            .starts_with(&format!("{uri}&code="))
    );
}

#[test]
fn s4_1_a_client_without_the_grant_type_is_unauthorized() {
    let fixture = Fixture::with(|tenant| {
        tenant["clients"][0]["grant_types"] = ["client_credentials"].into();
    });
    let (status, response) = fixture.refused(&web_query("read:notes"));
    assert_eq!(status, Status::UnauthorizedClient);
    let error = param(&response.unwrap(), "error");
    assert_eq!(error.as_deref(), Some("unauthorized_client"));
}

#[test]
fn s3_3_what_nobody_knows_is_left_out_and_the_answer_says_so() {
    let fixture = Fixture::new();
    let tokens = fixture
        .redeem(&fixture.app_code("read:notes read:minds"))
        .unwrap();
    assert_eq!(tokens.scope, "read:notes");
}

#[test]
fn s3_3_the_user_may_consent_to_less_but_the_host_not_to_more() {
    let fixture = Fixture::new();
    let pending = fixture
        .engine
        .authorize(&app_query("read:notes write:notes"))
        .unwrap();
    let more = Login::new("alice").scope(["read:notes", "offline_access"]);
    assert_eq!(
        fixture
            .engine
            .approve(&pending, &more)
            .unwrap_err()
            .status(),
        Status::Usage
    );
    let less = Login::new("alice").scope(["read:notes"]);
    let response = fixture.engine.approve(&pending, &less).unwrap();
    assert_eq!(
        fixture.redeem(&code(&response)).unwrap().scope,
        "read:notes"
    );
}

#[test]
fn s4_1_2_1_a_denial_says_why() {
    let fixture = Fixture::new();
    for (denial, error) in [
        (Denial::AccessDenied, "access_denied"),
        (Denial::LoginRequired, "login_required"),
        (Denial::ConsentRequired, "consent_required"),
        (Denial::InteractionRequired, "interaction_required"),
        (
            Denial::AccountSelectionRequired,
            "account_selection_required",
        ),
        (
            Denial::UnmetAuthenticationRequirements,
            "unmet_authentication_requirements",
        ),
        (Denial::TemporarilyUnavailable, "temporarily_unavailable"),
        (Denial::ServerError, "server_error"),
    ] {
        let pending = fixture.engine.authorize(&app_query("read:notes")).unwrap();
        let response = fixture.engine.deny(&pending, denial);
        assert_eq!(param(&response, "error").as_deref(), Some(error));
        assert_eq!(param(&response, "state").as_deref(), Some("xyz"));
        assert_eq!(param(&response, "code"), None);
    }
}

#[test]
fn an_authorization_is_answered_with_one_code() {
    let fixture = Fixture::new();
    let pending = fixture.engine.authorize(&app_query("read:notes")).unwrap();
    let login = Login::new("alice");
    assert!(fixture.engine.approve(&pending, &login).is_ok());
    let again = fixture
        .engine
        .approve(&pending, &Login::new("mallory"))
        .unwrap_err();
    assert_eq!(again.status(), Status::UsageAnswered);
}

proptest! {
    /// RFC 6749 §4.1.2: «the exact value received from the client».
    #[test]
    fn s4_1_2_any_state_comes_back_as_it_was(state in "[^\0\u{fffd}]{1,40}") {
        let fixture = Fixture::new();
        for mode in ["query", "fragment"] {
            let query = changed(&web_query("read:notes"), &[("state", &state), ("response_mode", mode)]);
            let response = fixture.approve(&query);
            prop_assert_eq!(param(&response, "state"), Some(state.clone()));
            let location = response.location().unwrap();
            prop_assert!(location.bytes().all(|b| b.is_ascii_graphic()), "{}", location);
        }
    }

    /// Whatever the query: never a panic, and a redirect goes to a registered place or nowhere.
    #[test]
    fn s10_15_no_query_redirects_elsewhere(
        uri in prop_oneof!["http://127\\.0\\.0\\.1.{0,12}", "[ -~]{0,30}", Just(APP_CALLBACK.to_owned())],
        junk in "[ -~]{0,60}",
    ) {
        let fixture = Fixture::new();
        let query = format!("{}&{junk}", changed(&app_query("openid"), &[("redirect_uri", &uri)]));
        let response = match fixture.engine.authorize(&query) {
            Ok(pending) => Some(fixture.engine.deny(&pending, Denial::AccessDenied)),
            Err(refused) => refused.response,
        };
        if let Some(response) = response {
            let location = response.location().unwrap();
            let rest = location.strip_prefix("http://127.0.0.1").unwrap();
            let port = rest.split_once("/callback").unwrap().0;
            prop_assert!(port.is_empty() || port[1..].parse::<u16>().is_ok(), "{}", location);
        }
    }
}
