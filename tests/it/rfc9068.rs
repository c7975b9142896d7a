//! RFC 9068: access tokens as JWTs.

use grantlet::Login;
use serde_json::{Value, json};

use crate::support::{API, Fixture, ISSUER, START, app_query, code, decode};

#[test]
fn s2_1_the_header_says_at_jwt_and_names_a_published_key() {
    let fixture = Fixture::new();
    for token in [
        fixture.sign_in().access_token,
        fixture.service_token().access_token,
    ] {
        let (header, _) = decode(&token);
        assert_eq!(header["typ"], "at+jwt");
        assert_eq!(header["alg"], "ES256");
        let jwks = fixture.engine.jwks();
        assert!(
            jwks["keys"]
                .as_array()
                .unwrap()
                .iter()
                .any(|key| key["kid"] == header["kid"])
        );
        assert_eq!(header.len(), 3);
    }
}

#[test]
fn s2_2_every_required_claim_is_there() {
    let fixture = Fixture::new();
    for (token, subject, client_id) in [
        (fixture.sign_in().access_token, "alice", "notes-app"),
        (
            fixture.service_token().access_token,
            "notes-service",
            "notes-service",
        ),
    ] {
        let (_, claims) = decode(&token);
        for (name, value) in [
            ("iss", json!(ISSUER)),
            ("aud", json!(API)),
            ("sub", json!(subject)),
            ("client_id", json!(client_id)),
            ("iat", json!(START)),
            ("exp", json!(START + 3600)),
        ] {
            assert_eq!(claims.get(name), Some(&value), "{name}");
        }
        assert!(!claims["jti"].as_str().unwrap().is_empty());
    }
}

#[test]
fn s2_2_no_two_tokens_share_a_jti() {
    let fixture = Fixture::new();
    let first = fixture.sign_in();
    let again = fixture
        .refresh(first.refresh_token.as_deref().unwrap())
        .unwrap();
    let tokens = [
        first.access_token,
        again.access_token,
        fixture.service_token().access_token,
        fixture.service_token().access_token,
    ];
    let mut ids: Vec<_> = tokens
        .iter()
        .map(|token| decode(token).1["jti"].to_string())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[test]
fn s2_2_1_the_authentication_travels_and_a_refresh_does_not_move_it() {
    let fixture = Fixture::new();
    let login = Login::new("alice")
        .auth_time(START - 100)
        .acr("urn:loa:2")
        .amr(["pwd", "otp"])
        .sid("s-1");
    let code = code(&fixture.approve_as(&app_query("read:notes offline_access"), &login));
    let first = fixture.redeem(&code).unwrap();
    fixture.clock.advance(1000);
    let second = fixture
        .refresh(first.refresh_token.as_deref().unwrap())
        .unwrap();
    for token in [&first.access_token, &second.access_token] {
        let (_, claims) = decode(token);
        assert_eq!(claims["auth_time"], START - 100);
        assert_eq!(claims["acr"], "urn:loa:2");
        assert_eq!(claims["amr"], json!(["pwd", "otp"]));
    }
    assert_eq!(decode(&second.access_token).1["iat"], START + 1000);
    assert_eq!(
        decode(&fixture.service_token().access_token)
            .1
            .get("auth_time"),
        None
    );
}

#[test]
fn s2_2_2_the_host_adds_claims_and_redefines_none() {
    let fixture = Fixture::new();
    let query = app_query("openid read:notes offline_access");
    let login = Login::new("alice")
        .access_token_claim("roles", json!(["admin"]))
        .id_token_claim("name", "Alice");
    let tokens = fixture
        .redeem(&code(&fixture.approve_as(&query, &login)))
        .unwrap();
    let again = fixture
        .refresh(tokens.refresh_token.as_deref().unwrap())
        .unwrap();
    for tokens in [tokens, again] {
        let (_, access) = decode(&tokens.access_token);
        let (_, id) = decode(&tokens.id_token.unwrap());
        assert_eq!(
            (&access["roles"], access.get("name")),
            (&json!(["admin"]), None)
        );
        assert_eq!((&id["name"], id.get("roles")), (&json!("Alice"), None));
    }
    for name in [
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "client_id",
        "azp",
        "scope",
        "auth_time",
        "acr",
        "amr",
        "nonce",
        "at_hash",
        "sid",
        "cnf",
        "act",
    ] {
        let pending = fixture.engine.authorize(&query).unwrap();
        for login in [
            Login::new("alice").access_token_claim(name, "x"),
            Login::new("alice").id_token_claim(name, "x"),
        ] {
            let refused = fixture.engine.approve(&pending, &login).unwrap_err();
            assert_eq!(refused.status(), grantlet::Status::Usage, "{name}");
        }
    }
}

#[test]
fn s2_2_3_scope_is_what_the_api_knows() {
    let fixture = Fixture::new();
    let token = fixture
        .redeem(&fixture.app_code("openid read:notes read:files"))
        .unwrap()
        .access_token;
    assert_eq!(decode(&token).1["scope"], "openid read:notes");
}

#[test]
fn s3_without_an_api_the_token_is_for_userinfo_or_the_default() {
    let no_audience = crate::support::changed(&app_query("openid"), &[("audience", "")]);
    let fixture = Fixture::new();
    let token = fixture
        .redeem(&code(&fixture.approve(&no_audience)))
        .unwrap()
        .access_token;
    assert_eq!(
        decode(&token).1["aud"],
        fixture.engine.metadata()["userinfo_endpoint"]
    );
    let fixture = Fixture::with(|tenant| tenant["default_audience"] = API.into());
    let token = fixture
        .redeem(&code(&fixture.approve(&no_audience)))
        .unwrap()
        .access_token;
    assert_eq!(decode(&token).1["aud"], API);
}

#[test]
fn s4_an_at_jwt_is_refused_where_an_id_token_is_meant() {
    let fixture =
        Fixture::with(|tenant| tenant["apis"][1]["token_dialect"] = "access_token".into());
    let tokens = fixture.sign_in();
    let auth0 = crate::support::changed(
        &app_query("openid"),
        &[("audience", "https://online.example.com/")],
    );
    let auth0 = fixture
        .redeem(&code(&fixture.approve(&auth0)))
        .unwrap()
        .access_token;
    let hint =
        |token: &str| crate::support::changed(&app_query("openid"), &[("id_token_hint", token)]);
    assert!(
        fixture
            .engine
            .authorize(&hint(tokens.id_token.as_deref().unwrap()))
            .is_ok()
    );
    for token in [&tokens.access_token, &auth0] {
        assert_eq!(
            fixture.refused(&hint(token)).0,
            grantlet::Status::InvalidRequest
        );
    }
}

#[test]
fn s4_what_verify_gives_is_what_the_token_says() {
    let fixture = Fixture::new();
    let tokens = fixture.sign_in();
    let access = fixture
        .engine
        .verify(&tokens.access_token, API, &["read:notes"])
        .unwrap();
    assert_eq!(
        Value::from(access.claims().clone()),
        Value::from(decode(&tokens.access_token).1)
    );
    assert_eq!(
        (access.subject(), access.client_id()),
        ("alice", "notes-app")
    );
    assert_eq!(access.expires_at(), START + 3600);
    let grant = fixture
        .engine
        .grant(&access.grant_id().unwrap())
        .unwrap()
        .unwrap();
    assert_eq!((&*grant.subject, &*grant.client_id), ("alice", "notes-app"));
}

#[test]
fn s5_the_lifetime_is_the_apis() {
    let fixture = Fixture::with(|tenant| tenant["apis"][0]["token_lifetime"] = 120.into());
    let tokens = fixture.sign_in();
    assert_eq!(tokens.expires_in, 120);
    assert_eq!(decode(&tokens.access_token).1["exp"], START + 120);
}
