//! RFC 9700: the best current practice, as far as an authorization server keeps it.

use grantlet::{AuthorizationResponse, Status, http};
use serde_json::json;

use crate::support::{API, Fixture, WEB_CALLBACK, WEB_SECRET, app_query, changed, code, web_query};

/// An engine whose notes-app has this refresh policy.
fn with_policy(policy: serde_json::Value) -> Fixture {
    Fixture::with(|tenant| tenant["clients"][2]["refresh_token"] = policy)
}

#[test]
fn s2_1_a_redirect_uri_is_compared_exactly() {
    let fixture = Fixture::new();
    for bad in [
        "https://notes.example.com/callback/",
        "https://notes.example.com/callback?",
        "https://notes.example.com/callback?x=1",
        "https://notes.example.com/Callback",
        "https://notes.example.com/%63allback",
        "https://notes.example.com:443/callback",
        "https://notes.example.com/a/../callback",
        "https://NOTES.example.com/callback",
        "http://notes.example.com/callback",
        "https://notes.example.com",
        " https://notes.example.com/callback",
    ] {
        let query = changed(&web_query("openid"), &[("redirect_uri", bad)]);
        assert_eq!(
            fixture.refused(&query).0,
            Status::InvalidRequestRedirectUri,
            "{bad}"
        );
    }
}

#[test]
fn s2_1_2_and_s2_4_there_is_no_implicit_and_no_password_grant() {
    let fixture = Fixture::new();
    for response_type in [
        "token",
        "id_token",
        "id_token token",
        "code token",
        "none",
        "CODE",
    ] {
        let query = changed(&web_query("openid"), &[("response_type", response_type)]);
        assert_eq!(
            fixture.refused(&query).0,
            Status::UnsupportedResponseType,
            "{response_type}"
        );
    }
    for grant_type in [
        "password",
        "implicit",
        "refresh_token ",
        "urn:ietf:params:oauth:grant-type:device_code",
    ] {
        let refused = fixture
            .token_as_web(&[("grant_type", grant_type)])
            .unwrap_err();
        assert_eq!(
            refused.status(),
            Status::UnsupportedGrantType,
            "{grant_type}"
        );
    }
}

#[test]
fn s2_2_2_a_public_clients_refresh_tokens_rotate() {
    let fixture = Fixture::new();
    let client = |policy: serde_json::Value, method: &str| {
        let client = json!({
            "client_id": "x", "client_secret": "secret", "redirect_uris": [WEB_CALLBACK],
            "token_endpoint_auth_method": method, "refresh_token": policy,
        });
        fixture
            .engine
            .put_client_json(&client.to_string())
            .map_err(|error| error.status())
    };
    let fixed = json!({"rotation_type": "non-rotating"});
    assert_eq!(client(fixed.clone(), "none"), Err(Status::Config));
    assert_eq!(client(fixed, "client_secret_post"), Ok(()));
    let said = json!({"rotation_type": "non-rotating", "dangerous_public_without_rotation": true});
    assert_eq!(client(said, "none"), Ok(()));
    // Nor does a default that does not rotate reach a public client.
    let mut tenant = crate::support::tenant();
    tenant["defaults"] = json!({"refresh_token": {"rotation_type": "non-rotating"}});
    let engine = grantlet::Config::from_value(tenant).and_then(grantlet::Engine::new);
    assert_eq!(engine.unwrap_err().status(), Status::Config);
}

#[test]
fn s4_14_2_a_reused_refresh_token_revokes_the_grant() {
    let fixture = with_policy(json!({"leeway": 0}));
    let first = fixture.sign_in().refresh_token.unwrap();
    let second = fixture.refresh(&first).unwrap();
    assert_ne!(second.refresh_token.as_deref(), Some(&*first));
    assert_eq!(
        fixture.refresh(&first).unwrap_err().status(),
        Status::InvalidGrantReused
    );
    let token = second.refresh_token.unwrap();
    assert_eq!(
        fixture.refresh(&token).unwrap_err().status(),
        Status::InvalidGrantRevoked
    );
    assert!(
        fixture
            .engine
            .verify(&second.access_token, API, &[])
            .is_err()
    );
}

#[test]
fn s4_14_2_a_lost_response_is_repeated_inside_the_leeway_only() {
    let fixture = with_policy(json!({"leeway": 10}));
    let first = fixture.sign_in().refresh_token.unwrap();
    let second = fixture.refresh(&first).unwrap().refresh_token.unwrap();
    fixture.clock.advance(9);
    let again = fixture.refresh(&first).unwrap().refresh_token.unwrap();
    assert_eq!(again, second, "the same successor, never a fork");
    fixture.clock.advance(1);
    assert_eq!(
        fixture.refresh(&first).unwrap_err().status(),
        Status::InvalidGrantReused
    );
}

#[test]
fn s4_14_2_the_successors_use_closes_the_leeway() {
    for leeway in [json!(3600), json!("until_used")] {
        let fixture = with_policy(json!({"leeway": leeway}));
        let first = fixture.sign_in().refresh_token.unwrap();
        let second = fixture.refresh(&first).unwrap().refresh_token.unwrap();
        fixture.clock.advance(3000);
        assert_eq!(
            fixture.refresh(&first).unwrap().refresh_token.unwrap(),
            second
        );
        fixture.refresh(&second).unwrap();
        assert_eq!(
            fixture.refresh(&first).unwrap_err().status(),
            Status::InvalidGrantReused
        );
    }
}

#[test]
fn s4_14_2_a_confidential_client_may_keep_its_refresh_token() {
    let fixture = Fixture::with(|tenant| {
        tenant["clients"][0]["refresh_token"] = json!({"rotation_type": "non-rotating"});
    });
    let code = code(&fixture.approve(&web_query("openid offline_access")));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", WEB_CALLBACK),
    ];
    let token = fixture.token_as_web(&form).unwrap().refresh_token.unwrap();
    for _ in 0..3 {
        fixture.clock.advance(1000);
        let form = [("grant_type", "refresh_token"), ("refresh_token", &*token)];
        assert_eq!(
            fixture.token_as_web(&form).unwrap().refresh_token.unwrap(),
            token
        );
    }
}

#[test]
fn s4_14_2_an_unused_refresh_token_ends() {
    let fixture =
        with_policy(json!({"idle_token_lifetime": 100, "token_lifetime": 250, "leeway": 0}));
    let idle = fixture.sign_in().refresh_token.unwrap();
    let mut used = fixture.sign_in().refresh_token.unwrap();
    for _ in 0..2 {
        fixture.clock.advance(99);
        used = fixture.refresh(&used).unwrap().refresh_token.unwrap();
    }
    assert_eq!(
        fixture.refresh(&idle).unwrap_err().status(),
        Status::InvalidGrantIdle
    );
    // §2.2.2: rotation does not move the absolute end.
    fixture.clock.advance(52);
    assert_eq!(
        fixture.refresh(&used).unwrap_err().status(),
        Status::InvalidGrantExpired
    );
}

#[test]
fn s2_3_a_token_of_one_api_is_refused_by_another() {
    let fixture = Fixture::new();
    let token = fixture.sign_in().access_token;
    let refused = fixture
        .engine
        .verify(&token, "https://other.example.com/", &[])
        .unwrap_err();
    assert_eq!(refused.status(), Status::InvalidTokenAudience);
}

#[test]
fn s4_12_a_redirect_is_303_and_leaks_nothing() {
    let fixture = Fixture::new();
    let response: http::Response = fixture.approve(&app_query("openid")).into();
    assert_eq!(response.status, 303);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("referrer-policy"), Some("no-referrer"));
    assert!(response.body.is_empty());
    let debug = format!("{response:?}");
    assert!(!debug.contains("grl_ac_"), "{debug}");
}

#[test]
fn s4_11_no_error_makes_an_open_redirector() {
    let fixture = Fixture::new();
    for change in [
        &[
            ("redirect_uri", "https://evil.example/"),
            ("response_type", "x"),
        ][..],
        &[("redirect_uri", "https://evil.example/"), ("scope", "\"")],
        &[
            ("redirect_uri", "https://evil.example/"),
            ("response_mode", "fragment"),
        ],
        &[("client_id", "nobody"), ("prompt", "none")],
    ] {
        assert!(
            fixture
                .refused(&changed(&app_query("openid"), change))
                .1
                .is_none(),
            "{change:?}"
        );
    }
}

#[test]
fn s4_4_a_code_is_of_no_use_to_another_client() {
    let fixture = Fixture::new();
    let code = fixture.app_code("openid");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", WEB_CALLBACK),
    ];
    assert_eq!(
        fixture.token_as_web(&form).unwrap_err().status(),
        Status::InvalidGrantWrongClient
    );
    assert!(fixture.redeem(&code).is_ok());
}

#[test]
fn s4_3_1_a_code_is_not_in_the_fragment_unless_asked() {
    let fixture = Fixture::new();
    let AuthorizationResponse::Redirect { location } = fixture.approve(&app_query("openid")) else {
        panic!("a redirect");
    };
    assert!(!location.contains('#'));
    assert!(!location.contains(WEB_SECRET));
}
