//! OpenID Connect Core: the ID token, what a sign-in may ask for, and UserInfo.

use std::sync::Arc;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use grantlet::{Config, Error, Login, Prompt, Status, UserClaimsRequest};
use ring::digest;
use serde_json::{Map, Value, json};

use crate::support::{
    API, Fixture, ISSUER, START, app_query, changed, code, decode, encode, json_of, param, tenant,
};

fn ask(change: &[(&str, &str)]) -> String {
    changed(&app_query("openid read:notes offline_access"), change)
}

/// The ID token's claims that come of this login.
fn id_token(fixture: &Fixture, query: &str, login: &Login) -> Map<String, Value> {
    let tokens = fixture
        .redeem(&code(&fixture.approve_as(query, login)))
        .unwrap();
    decode(&tokens.id_token.unwrap()).1
}

#[test]
fn s2_an_id_token_says_who_for_whom_and_when() {
    let fixture = Fixture::new();
    let login = Login::new("alice")
        .auth_time(START - 5)
        .acr("urn:loa:2")
        .amr(["pwd", "otp"])
        .sid("s-1");
    let claims = id_token(&fixture, &ask(&[]), &login);
    for (name, value) in [
        ("iss", json!(ISSUER)),
        ("sub", json!("alice")),
        ("aud", json!("notes-app")),
        ("iat", json!(START)),
        ("exp", json!(START + 3600)),
        ("auth_time", json!(START - 5)),
        ("nonce", json!("n-0S6_WzA2Mj")),
        ("acr", json!("urn:loa:2")),
        ("amr", json!(["pwd", "otp"])),
        ("sid", json!("s-1")),
    ] {
        assert_eq!(claims.get(name), Some(&value), "{name}");
    }
    assert_eq!(claims.len(), 11, "and at_hash: {claims:?}");
}

#[test]
fn s2_what_is_not_known_is_left_out() {
    let claims = id_token(
        &Fixture::new(),
        &ask(&[("nonce", "")]),
        &Login::new("alice"),
    );
    for name in ["auth_time", "nonce", "acr", "amr", "sid"] {
        assert_eq!(claims.get(name), None, "{name}");
    }
}

#[test]
fn s3_1_3_3_an_id_token_comes_where_openid_was_granted_and_only_there() {
    let fixture = Fixture::new();
    assert!(
        fixture
            .redeem(&fixture.app_code("openid"))
            .unwrap()
            .id_token
            .is_some()
    );
    for scope in ["", "read:notes", "profile email"] {
        let tokens = fixture.redeem(&fixture.app_code(scope)).unwrap();
        assert!(tokens.id_token.is_none(), "{scope}");
    }
    let pending = fixture.engine.authorize(&ask(&[])).unwrap();
    let less = Login::new("alice").scope(["read:notes", "offline_access"]);
    let tokens = fixture
        .redeem(&code(&fixture.engine.approve(&pending, &less).unwrap()))
        .unwrap();
    assert!(tokens.id_token.is_none());
    assert!(
        fixture
            .refresh(&tokens.refresh_token.unwrap())
            .unwrap()
            .id_token
            .is_none()
    );
}

#[test]
fn s3_1_3_6_at_hash_is_the_left_half_of_the_algorithms_digest() {
    for (alg, digest) in [
        ("ES256", &digest::SHA256),
        ("ES384", &digest::SHA384),
        ("EdDSA", &digest::SHA512),
    ] {
        let fixture = Fixture::with(|tenant| {
            tenant["clients"][2]["id_token_signed_response_alg"] = alg.into();
        });
        let first = fixture.sign_in();
        let second = fixture
            .refresh(first.refresh_token.as_deref().unwrap())
            .unwrap();
        for tokens in [first, second] {
            let (header, claims) = decode(&tokens.id_token.unwrap());
            assert_eq!(
                (&header["alg"], &header["typ"]),
                (&json!(alg), &json!("JWT"))
            );
            let digest = digest::digest(digest, tokens.access_token.as_bytes());
            let (left, _) = digest.as_ref().split_at(digest.as_ref().len() / 2);
            assert_eq!(
                claims["at_hash"],
                BASE64_URL_SAFE_NO_PAD.encode(left),
                "{alg}"
            );
        }
    }
}

#[test]
fn s12_2_a_refreshed_id_token_is_the_same_sign_in() {
    let fixture = Fixture::new();
    let login = Login::new("alice")
        .auth_time(START - 100)
        .acr("urn:loa:2")
        .amr(["pwd"])
        .sid("s-1");
    let first = fixture
        .redeem(&code(&fixture.approve_as(&ask(&[]), &login)))
        .unwrap();
    fixture.clock.advance(500);
    let second = fixture
        .refresh(first.refresh_token.as_deref().unwrap())
        .unwrap();
    let (_, first) = decode(&first.id_token.unwrap());
    let (_, second) = decode(&second.id_token.unwrap());
    for name in ["iss", "sub", "aud", "auth_time", "acr", "amr", "sid"] {
        assert_eq!(first[name], second[name], "{name}");
    }
    assert_eq!(second["iat"], START + 500);
    assert_eq!(second["exp"], START + 500 + 3600);
    assert_eq!(
        (first.contains_key("nonce"), second.contains_key("nonce")),
        (true, false)
    );
}

#[test]
fn s3_1_2_1_redirect_uri_is_required() {
    let fixture = Fixture::new();
    let query = changed(
        &crate::support::web_query("openid"),
        &[("redirect_uri", "")],
    );
    let (status, response) = fixture.refused(&query);
    assert_eq!(
        (status, response.is_none()),
        (Status::InvalidRequestRedirectUri, true)
    );
}

#[test]
fn s3_1_2_1_what_was_asked_reaches_the_host_and_changes_nothing_by_itself() {
    let fixture = Fixture::new();
    let query = ask(&[
        ("prompt", "login  consent"),
        ("max_age", "0"),
        ("login_hint", "alice@example.com"),
        ("ui_locales", "fr-CA fr en"),
        ("acr_values", "urn:b urn:a"),
        ("display", "touch"),
        ("claims", r#"{"id_token":{"acr":{"essential":true}}}"#),
    ]);
    let pending = fixture.engine.authorize(&query).unwrap();
    let request = pending.request();
    assert_eq!(request.prompt, [Prompt::Login, Prompt::Consent]);
    assert_eq!(request.max_age, Some(0));
    assert_eq!(request.login_hint.as_deref(), Some("alice@example.com"));
    assert_eq!(request.ui_locales, ["fr-CA", "fr", "en"]);
    assert_eq!(request.acr_values, ["urn:b", "urn:a"]);
    assert_eq!(request.display.as_deref(), Some("touch"));
    assert_eq!(
        request.claims.as_ref().unwrap()["id_token"]["acr"]["essential"],
        true
    );
    assert_eq!(request.scope.as_str(), "openid read:notes offline_access");
    assert!(request.offline_access);
    let json = serde_json::to_value(request).unwrap();
    assert_eq!(json["prompt"], json!(["login", "consent"]));
    assert_eq!(json["redirect_uri"], crate::support::APP_CALLBACK);
}

#[test]
fn s3_1_2_1_prompt_none_stands_alone() {
    let fixture = Fixture::new();
    let pending = fixture
        .engine
        .authorize(&ask(&[("prompt", "none")]))
        .unwrap();
    assert_eq!(pending.request().prompt, [Prompt::None]);
    for prompt in ["none login", "consent none", "none none", "None", "create"] {
        let (status, response) = fixture.refused(&ask(&[("prompt", prompt)]));
        assert_eq!(status, Status::InvalidRequest, "{prompt}");
        assert_eq!(
            param(&response.unwrap(), "error").as_deref(),
            Some("invalid_request")
        );
    }
}

#[test]
fn s3_1_2_1_max_age_makes_auth_time_needed_and_young() {
    let fixture = Fixture::new();
    let approve = |max_age: &str, login: &Login| {
        let pending = fixture
            .engine
            .authorize(&ask(&[("max_age", max_age)]))
            .unwrap();
        fixture
            .engine
            .approve(&pending, login)
            .map(|_| ())
            .map_err(|error| error.status())
    };
    let at = |secs: u64| Login::new("alice").auth_time(secs);
    assert_eq!(approve("60", &Login::new("alice")), Err(Status::Usage));
    assert_eq!(approve("60", &at(START - 61)), Err(Status::LoginRequired));
    assert_eq!(approve("60", &at(START - 60)), Ok(()));
    assert_eq!(approve("0", &at(START - 1)), Err(Status::LoginRequired));
    assert_eq!(approve("0", &at(START)), Ok(()));
}

#[test]
fn s3_1_2_1_who_signs_in_for_the_request_is_not_too_old_for_it() {
    let fixture = Fixture::new();
    let pending = fixture.engine.authorize(&ask(&[("max_age", "0")])).unwrap();
    fixture.clock.advance(90); // The user looks for their phone, signs in, and reads the consent page.
    let login = |at: u64| Login::new("alice").auth_time(at);
    let old = fixture
        .engine
        .approve(&pending, &login(START - 1))
        .unwrap_err();
    assert_eq!(old.status(), Status::LoginRequired);
    assert!(fixture.engine.approve(&pending, &login(START + 60)).is_ok());
}

#[test]
fn registration_s2_a_client_may_always_want_auth_time() {
    let fixture = Fixture::with(|tenant| {
        tenant["clients"][2]["require_auth_time"] = true.into();
        tenant["clients"][2]["default_max_age"] = 100.into();
    });
    let pending = fixture.engine.authorize(&ask(&[])).unwrap();
    assert_eq!(pending.request().max_age, Some(100));
    let refused = fixture
        .engine
        .approve(&pending, &Login::new("alice"))
        .unwrap_err();
    assert_eq!(refused.status(), Status::Usage);
    let named = fixture.engine.authorize(&ask(&[("max_age", "7")])).unwrap();
    assert_eq!(named.request().max_age, Some(7));
}

#[test]
fn s3_1_2_1_an_id_token_hint_names_the_user_however_old_it_is() {
    let fixture = Fixture::new();
    let hint = fixture.sign_in().id_token.unwrap();
    fixture.clock.advance(1_000_000);
    let pending = fixture
        .engine
        .authorize(&ask(&[("id_token_hint", &hint)]))
        .unwrap();
    assert_eq!(pending.request().required_subject.as_deref(), Some("alice"));
    let other = fixture
        .engine
        .approve(&pending, &Login::new("bob"))
        .unwrap_err();
    assert_eq!(other.status(), Status::LoginRequired);
    assert!(
        fixture
            .engine
            .approve(&pending, &Login::new("alice"))
            .is_ok()
    );
    let foreign = Fixture::new().sign_in().id_token.unwrap();
    let mangled = format!("{}A", &hint[..hint.len() - 2]);
    for bad in [&*foreign, &mangled, "x"] {
        let (status, response) = fixture.refused(&ask(&[("id_token_hint", bad)]));
        assert_eq!((status, response.is_some()), (Status::InvalidRequest, true));
    }
}

#[test]
fn s2_a_subject_has_1_to_255_bytes() {
    let fixture = Fixture::new();
    for (subject, good) in [
        ("", false),
        ("a\0b", false),
        (&*"x".repeat(255), true),
        (&"x".repeat(256), false),
    ] {
        let pending = fixture.engine.authorize(&ask(&[])).unwrap();
        let answer = fixture.engine.approve(&pending, &Login::new(subject));
        assert_eq!(answer.is_ok(), good, "{}", subject.len());
    }
}

#[test]
fn s11_offline_access_stays_where_client_and_apis_allow_it() {
    let cases: [(&str, &[&str], bool); 4] = [
        (API, &["authorization_code", "refresh_token"], true),
        (API, &["authorization_code"], false),
        (
            "https://online.example.com/",
            &["authorization_code", "refresh_token"],
            false,
        ),
        ("", &["authorization_code", "refresh_token"], true),
    ];
    for (audience, grant_types, offline) in cases {
        let fixture =
            Fixture::with(|tenant| tenant["clients"][2]["grant_types"] = json!(grant_types));
        let query = ask(&[("audience", audience)]);
        let pending = fixture.engine.authorize(&query).unwrap();
        assert_eq!(
            pending.request().offline_access,
            offline,
            "{audience} {grant_types:?}"
        );
        let tokens = fixture.redeem(&code(&fixture.approve(&query))).unwrap();
        assert_eq!(tokens.refresh_token.is_some(), offline);
        assert_eq!(tokens.scope.contains("offline_access"), offline);
    }
}

#[test]
fn s11_an_api_that_forbids_offline_access_forbids_it_to_the_whole_request() {
    let fixture = Fixture::new();
    let query = format!("{}&resource=https%3A%2F%2Fonline.example.com%2F", ask(&[]));
    let tokens = fixture.redeem(&code(&fixture.approve(&query))).unwrap();
    assert!(tokens.refresh_token.is_none());
}

/// An engine whose host knows alice, has lost bob, and fails over carol.
fn with_users() -> Fixture {
    let users = |request: &UserClaimsRequest<'_>| match request.subject {
        "alice" => Ok(json!({
            "sub": "mallory", "name": "Alice", "email": "a@example.com", "email_verified": true,
            "address": {"country": "FR"}, "phone_number": "+33", "picture": null, "team": "blue",
        })
        .as_object()
        .cloned()),
        "bob" => Ok(None),
        _ => Err(Error::server("the directory is down")),
    };
    let config = Config::from_value(tenant()).unwrap();
    Fixture::of(config, |builder| builder.user_claims(Arc::new(users)))
}

fn access_token(fixture: &Fixture, subject: &str, scope: &str) -> String {
    let response = fixture.approve_as(&app_query(scope), &Login::new(subject));
    fixture
        .redeem(&code(&response))
        .unwrap()
        .access_token
        .into_string()
}

#[test]
fn s5_4_each_scope_lets_its_claims_through() {
    let fixture = with_users();
    for (scope, names) in [
        ("openid", &["sub", "team"][..]),
        ("openid profile", &["name", "sub", "team"]),
        ("openid email", &["email", "email_verified", "sub", "team"]),
        (
            "openid address phone",
            &["address", "phone_number", "sub", "team"],
        ),
    ] {
        let claims = fixture
            .engine
            .userinfo(&access_token(&fixture, "alice", scope))
            .unwrap();
        let mut found: Vec<_> = claims.keys().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, names, "{scope}");
        // §5.3.2: the same sub as in the ID token, whatever the host says; null claims are left out.
        assert_eq!(claims["sub"], "alice");
    }
}

#[test]
fn s5_3_2_the_answer_is_json_that_nobody_caches() {
    let fixture = with_users();
    let response = fixture.userinfo(&access_token(&fixture, "alice", "openid email"));
    assert_eq!(response.status, 200);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(json_of(&response)["email"], "a@example.com");
}

#[test]
fn s5_3_3_a_user_who_is_gone_and_a_host_that_fails() {
    let fixture = with_users();
    let gone = fixture.userinfo(&access_token(&fixture, "bob", "openid"));
    assert_eq!(
        (gone.status, json_of(&gone)["error"].clone()),
        (401, json!("invalid_token"))
    );
    let failed = fixture.userinfo(&access_token(&fixture, "carol", "openid"));
    assert_eq!(
        (failed.status, json_of(&failed)["error"].clone()),
        (500, json!("server_error"))
    );
    assert!(
        !String::from_utf8(failed.body)
            .unwrap()
            .contains("directory")
    );
}

#[test]
fn s5_3_userinfo_wants_openid_and_a_user() {
    let fixture = with_users();
    for token in [
        access_token(&fixture, "alice", "profile email"),
        fixture.service_token().access_token.into_string(),
    ] {
        let refused = fixture.engine.userinfo(&token).unwrap_err();
        assert_eq!(refused.status(), Status::InsufficientScope);
    }
}

#[test]
fn s15_1_the_id_tokens_lifetime_is_the_clients() {
    let fixture = Fixture::with(|tenant| tenant["clients"][2]["id_token_lifetime"] = 300.into());
    assert_eq!(
        decode(&fixture.sign_in().id_token.unwrap()).1["exp"],
        START + 300
    );
}

#[test]
fn s3_1_2_1_prompt_login_takes_no_login_from_before_the_request() {
    let fixture = Fixture::new();
    let pending = fixture
        .engine
        .authorize(&format!("{}&prompt=login", app_query("openid")))
        .unwrap();
    let stale = Login::new("alice").auth_time(START - 1);
    let refused = fixture.engine.approve(&pending, &stale).unwrap_err();
    assert_eq!(refused.status(), Status::LoginRequired);
    fixture
        .engine
        .approve(&pending, &Login::new("alice").auth_time(START))
        .unwrap();
}

#[test]
fn s5_5_1_a_sub_asked_for_by_value_is_the_only_one_that_will_do() {
    let fixture = Fixture::new();
    let claims = r#"{"id_token":{"sub":{"value":"alice"}}}"#;
    let query = format!("{}&{}", app_query("openid"), encode(&[("claims", claims)]));
    let pending = fixture.engine.authorize(&query).unwrap();
    assert_eq!(pending.request().required_subject.as_deref(), Some("alice"));
    let refused = fixture
        .engine
        .approve(&pending, &Login::new("bob"))
        .unwrap_err();
    assert_eq!(refused.status(), Status::LoginRequired);
    fixture
        .engine
        .approve(&pending, &Login::new("alice"))
        .unwrap();
}

#[test]
fn s12_2_a_refresh_that_leaves_openid_out_gets_no_id_token() {
    let fixture = Fixture::new();
    let first = fixture.sign_in();
    let token = first.refresh_token.as_deref().unwrap();
    let narrowed = fixture
        .token(&[
            ("grant_type", "refresh_token"),
            ("client_id", "notes-app"),
            ("refresh_token", token),
            ("scope", "read:notes"),
        ])
        .unwrap();
    assert!(narrowed.id_token.is_none());
    let whole = fixture
        .refresh(narrowed.refresh_token.as_deref().unwrap())
        .unwrap();
    assert!(whole.id_token.is_some());
}

#[test]
fn an_authorization_is_approved_once_even_when_its_grant_is_long_gone() {
    let fixture = Fixture::new();
    let pending = fixture.engine.authorize(&app_query("openid")).unwrap();
    let alice = Login::new("alice");
    fixture.engine.approve(&pending, &alice).unwrap();
    fixture.clock.advance(3_600);
    assert_eq!(fixture.engine.sweep(10).unwrap(), 1);
    let again = fixture
        .engine
        .approve(&pending.clone(), &alice)
        .unwrap_err();
    assert_eq!(again.status(), Status::UsageAnswered);
}
