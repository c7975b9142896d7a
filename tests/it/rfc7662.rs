//! RFC 7662: what a token means now, and to whom that is told.

use serde_json::{Value, json};

use crate::support::{
    API, FORM, Fixture, START, WEB_CALLBACK, WEB_SECRET, basic, code, encode, json_of, web_query,
};

/// What `client_id` is told of `token`.
fn ask(fixture: &Fixture, client_id: &str, token: &str) -> Value {
    let form = [
        ("client_id", client_id),
        ("client_secret", WEB_SECRET),
        ("token", token),
    ];
    let response = fixture.post("/oauth/introspect", &form);
    assert_eq!(response.status, 200);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    json_of(&response)
}

fn inactive() -> Value {
    json!({"active": false})
}

/// Tokens of notes-web's, for alice.
fn web_tokens(fixture: &Fixture) -> grantlet::TokenResponse {
    let code = code(&fixture.approve(&web_query("openid read:notes offline_access")));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", WEB_CALLBACK),
    ];
    fixture.token_as_web(&form).unwrap()
}

#[test]
fn s2_2_an_active_access_token_is_described() {
    let fixture = Fixture::new();
    let token = fixture.sign_in().access_token;
    let claims = ask(&fixture, "notes-api", &token);
    for (name, value) in [
        ("active", json!(true)),
        ("sub", json!("alice")),
        ("client_id", json!("notes-app")),
        ("scope", json!("openid read:notes offline_access")),
        ("aud", json!(API)),
        ("iss", json!(crate::support::ISSUER)),
        ("iat", json!(START)),
        ("exp", json!(START + 3600)),
        ("token_type", json!("Bearer")),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert!(claims["jti"].is_string());
}

#[test]
fn s2_2_an_active_refresh_token_is_described_to_its_own_client() {
    let fixture = Fixture::new();
    let token = web_tokens(&fixture).refresh_token.unwrap();
    let claims = ask(&fixture, "notes-web", &token);
    assert_eq!(
        (&claims["active"], &claims["sub"]),
        (&json!(true), &json!("alice"))
    );
    assert_eq!(claims["scope"], "openid read:notes offline_access");
    assert!(claims["exp"].as_u64().unwrap() > START);
    // To ask is not to use.
    assert_eq!(ask(&fixture, "notes-web", &token), claims);
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*token)];
    assert!(fixture.token_as_web(&form).is_ok());
}

#[test]
fn s2_2_what_is_not_active_is_exactly_that() {
    let fixture = Fixture::new();
    let tokens = web_tokens(&fixture);
    let old = tokens.refresh_token.unwrap();
    let refresh = |token: &str| {
        fixture
            .token_as_web(&[("grant_type", "refresh_token"), ("refresh_token", token)])
            .unwrap()
    };
    let newer = refresh(&old);
    refresh(newer.refresh_token.as_deref().unwrap());
    let unredeemed = code(&fixture.approve(&web_query("openid")));
    let id_token = tokens.id_token.unwrap();
    for token in [&*old, &*id_token, &*unredeemed, "x", "grl_rt_x", "a.b.c"] {
        assert_eq!(ask(&fixture, "notes-web", token), inactive(), "{token}");
    }
    assert_eq!(
        ask(&fixture, "notes-web", &tokens.access_token)["active"],
        true
    );
    fixture.clock.advance(3600);
    assert_eq!(ask(&fixture, "notes-web", &tokens.access_token), inactive());
    fixture.clock.advance(3600 * 24 * 30);
    assert_eq!(
        ask(
            &fixture,
            "notes-web",
            newer.refresh_token.as_deref().unwrap()
        ),
        inactive()
    );
}

#[test]
fn s2_2_a_spent_refresh_token_revokes_nothing_by_being_asked_about() {
    let fixture = Fixture::new();
    let first = web_tokens(&fixture).refresh_token.unwrap();
    let refresh = |token: &str| {
        fixture.token_as_web(&[("grant_type", "refresh_token"), ("refresh_token", token)])
    };
    let second = refresh(&first).unwrap().refresh_token.unwrap();
    fixture.clock.advance(60);
    assert_eq!(ask(&fixture, "notes-web", &first), inactive());
    assert!(refresh(&second).is_ok());
}

#[test]
fn s2_2_a_revoked_grant_is_inactive_at_once() {
    let fixture = Fixture::new();
    let tokens = web_tokens(&fixture);
    fixture.post(
        "/oauth/revoke",
        &[
            ("client_id", "notes-web"),
            ("client_secret", WEB_SECRET),
            ("token", tokens.refresh_token.as_deref().unwrap()),
        ],
    );
    for token in [&*tokens.access_token, &*tokens.refresh_token.unwrap()] {
        assert_eq!(ask(&fixture, "notes-web", token), inactive());
        assert_eq!(ask(&fixture, "notes-api", token), inactive());
    }
}

#[test]
fn s4_there_is_no_oracle_across_clients() {
    let fixture = Fixture::new();
    let tokens = web_tokens(&fixture);
    let refresh_token = tokens.refresh_token.unwrap();
    // notes-service is neither the client nor named by the API; notes-api is named.
    assert_eq!(
        ask(&fixture, "notes-service", &tokens.access_token),
        inactive()
    );
    assert_eq!(ask(&fixture, "notes-service", &refresh_token), inactive());
    assert_eq!(
        ask(&fixture, "notes-api", &tokens.access_token)["active"],
        true
    );
    assert_eq!(ask(&fixture, "notes-api", &refresh_token), inactive());
}

#[test]
fn s4_an_api_sees_its_own_tokens_only() {
    let fixture = Fixture::new();
    let query = crate::support::changed(
        &crate::support::app_query("read:files"),
        &[("audience", "https://other.example.com/")],
    );
    let token = fixture
        .redeem(&code(&fixture.approve(&query)))
        .unwrap()
        .access_token;
    assert_eq!(ask(&fixture, "notes-api", &token), inactive());
}

#[test]
fn s2_1_the_caller_authenticates_and_is_no_public_client() {
    let fixture = Fixture::new();
    let token = fixture.sign_in().access_token;
    for client in [
        &[][..],
        &[("client_id", "notes-app")],
        &[("client_id", "notes-web")],
        &[("client_id", "notes-web"), ("client_secret", "wrong")],
    ] {
        let response = fixture.post(
            "/oauth/introspect",
            &[client, &[("token", &*token)]].concat(),
        );
        assert_eq!(response.status, 401, "{client:?}");
        assert_eq!(json_of(&response)["error"], "invalid_client");
    }
}

#[test]
fn s2_1_token_is_required_and_the_hint_is_only_a_hint() {
    let fixture = Fixture::new();
    let header = basic("notes-basic", WEB_SECRET);
    let post = |form: &[(&str, &str)]| {
        fixture.http(
            "POST",
            "/oauth/introspect",
            &[FORM, ("Authorization", &header)],
            &encode(form),
        )
    };
    assert_eq!(json_of(&post(&[]))["error"], "invalid_request");
    assert_eq!(
        json_of(&post(&[("token", "x"), ("token", "y")]))["error"],
        "invalid_request"
    );
    let token = web_tokens(&fixture).access_token;
    let form = [
        ("client_id", "notes-web"),
        ("client_secret", WEB_SECRET),
        ("token", &*token),
        ("token_type_hint", "refresh_token"),
    ];
    assert_eq!(
        json_of(&fixture.post("/oauth/introspect", &form))["active"],
        true
    );
}
