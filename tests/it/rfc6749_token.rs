//! RFC 6749 at the token endpoint: codes, refresh tokens, client credentials, and their errors.

use grantlet::{FormRequest, Login, Status};
use serde_json::json;

use crate::support::{
    API, APP_CALLBACK, FORM, Fixture, VERIFIER, WEB_CALLBACK, WEB_SECRET, app_query, changed, code,
    decode, encode, json_of, web_query,
};

#[test]
fn s5_1_a_success_is_json_that_nobody_caches() {
    let fixture = Fixture::new();
    let response = fixture.post(
        "/oauth/token",
        &[
            ("grant_type", "authorization_code"),
            ("client_id", "notes-app"),
            (
                "code",
                &fixture.app_code("openid read:notes offline_access"),
            ),
            ("redirect_uri", APP_CALLBACK),
            ("code_verifier", VERIFIER),
        ],
    );
    assert_eq!(response.status, 200);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("pragma"), Some("no-cache"));
    let body = json_of(&response);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3600);
    assert_eq!(body["scope"], "openid read:notes offline_access");
    for token in ["access_token", "refresh_token", "id_token"] {
        assert!(body[token].is_string(), "{token}");
    }
    assert_eq!(body.as_object().unwrap().len(), 6);
}

#[test]
fn s5_2_an_error_is_json_that_nobody_caches() {
    let fixture = Fixture::new();
    let response = fixture.post(
        "/oauth/token",
        &[("grant_type", "refresh_token"), ("client_id", "notes-app")],
    );
    assert_eq!(response.status, 400);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("pragma"), Some("no-cache"));
    assert_eq!(json_of(&response)["error"], "invalid_request");
    assert_eq!(response.header("www-authenticate"), None);
}

#[test]
fn s5_2_each_error_has_its_code() {
    let fixture = Fixture::new();
    let web = [("client_id", "notes-web"), ("client_secret", WEB_SECRET)];
    let app = [("client_id", "notes-app")];
    let service = [
        ("client_id", "notes-service"),
        ("client_secret", WEB_SECRET),
    ];
    let cases: [(&[_], &[_], &str, u16); 12] = [
        (&web, &[], "invalid_request", 400),
        (&web, &[("grant_type", "")], "invalid_request", 400),
        (
            &web,
            &[("grant_type", "password")],
            "unsupported_grant_type",
            400,
        ),
        (
            &web,
            &[("grant_type", "client_credentials")],
            "unauthorized_client",
            400,
        ),
        (
            &app,
            &[("grant_type", "client_credentials")],
            "unauthorized_client",
            400,
        ),
        (
            &service,
            &[("grant_type", "authorization_code"), ("code", "x")],
            "unauthorized_client",
            400,
        ),
        (
            &web,
            &[("grant_type", "authorization_code")],
            "invalid_request",
            400,
        ),
        (
            &web,
            &[("grant_type", "authorization_code"), ("code", "x")],
            "invalid_grant",
            400,
        ),
        (
            &web,
            &[("grant_type", "refresh_token"), ("refresh_token", "x")],
            "invalid_grant",
            400,
        ),
        (
            &service,
            &[("grant_type", "client_credentials")],
            "invalid_target",
            400,
        ),
        (
            &service,
            &[
                ("grant_type", "client_credentials"),
                ("audience", API),
                ("scope", "write:notes"),
            ],
            "invalid_scope",
            400,
        ),
        (
            &[],
            &[("grant_type", "refresh_token"), ("refresh_token", "x")],
            "invalid_client",
            401,
        ),
    ];
    for (client, form, error, http) in cases {
        let response = fixture.post("/oauth/token", &[client, form].concat());
        let body = json_of(&response);
        assert_eq!(
            (body["error"].as_str().unwrap(), response.status),
            (error, http),
            "{form:?}"
        );
        let description = body["error_description"].as_str().unwrap();
        // §5.2: %x20-21 / %x23-5B / %x5D-7E.
        assert!(
            description
                .bytes()
                .all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e))
        );
    }
}

#[test]
fn s3_2_a_repeated_parameter_is_refused_and_an_unknown_one_ignored() {
    let fixture = Fixture::new();
    let token = fixture.sign_in().refresh_token.unwrap();
    let form = encode(&[
        ("grant_type", "refresh_token"),
        ("client_id", "notes-app"),
        ("refresh_token", &token),
    ]);
    let post = |form: &str| {
        fixture.engine.token(FormRequest {
            form,
            authorization: None,
        })
    };
    for twice in [
        "&client_id=notes-app",
        "&grant_type=refresh_token",
        "&x=1&x=2",
    ] {
        let refused = post(&format!("{form}{twice}")).unwrap_err();
        assert_eq!(refused.status(), Status::InvalidRequestRepeated, "{twice}");
    }
    assert!(post(&format!("{form}&x=1&refresh_token=&client_secret=")).is_ok());
}

#[test]
fn s3_2_parameters_in_the_request_uri_do_not_count() {
    let fixture = Fixture::new();
    let form = encode(&[
        ("grant_type", "client_credentials"),
        ("client_id", "notes-service"),
        ("client_secret", WEB_SECRET),
        ("audience", API),
    ]);
    let response = fixture.http("POST", &format!("/oauth/token?{form}"), &[FORM], "");
    assert_eq!(response.status, 401);
}

#[test]
fn s4_1_2_a_code_is_single_use_and_a_replay_revokes_its_tokens() {
    let fixture = Fixture::new();
    for scope in ["openid read:notes", "openid read:notes offline_access"] {
        let code = fixture.app_code(scope);
        let tokens = fixture.redeem(&code).unwrap();
        assert!(
            fixture
                .engine
                .verify(&tokens.access_token, API, &[])
                .is_ok()
        );
        // A replayed code is never a lost response: no leeway.
        assert_eq!(
            fixture.redeem(&code).unwrap_err().status(),
            Status::InvalidGrantReused
        );
        let refused = fixture
            .engine
            .verify(&tokens.access_token, API, &[])
            .unwrap_err();
        assert_eq!(refused.status(), Status::InvalidTokenRevoked);
        if let Some(token) = tokens.refresh_token {
            assert_eq!(
                fixture.refresh(&token).unwrap_err().status(),
                Status::InvalidGrantRevoked
            );
        }
        assert_eq!(
            fixture.redeem(&code).unwrap_err().status(),
            Status::InvalidGrantRevoked
        );
    }
}

#[test]
fn s4_1_2_a_code_replayed_after_its_lifetime_still_revokes() {
    let fixture = Fixture::new();
    let code = fixture.app_code("read:notes offline_access");
    let tokens = fixture.redeem(&code).unwrap();
    fixture.clock.advance(3000);
    assert_eq!(
        fixture.redeem(&code).unwrap_err().status(),
        Status::InvalidGrantReused
    );
    assert!(
        fixture
            .engine
            .verify(&tokens.access_token, API, &[])
            .is_err()
    );
}

#[test]
fn s4_1_2_a_code_ends_on_its_last_second() {
    let fixture = Fixture::new();
    let (in_time, late) = (
        fixture.app_code("read:notes"),
        fixture.app_code("read:notes"),
    );
    fixture.clock.advance(59);
    assert!(fixture.redeem(&in_time).is_ok());
    fixture.clock.advance(1);
    assert_eq!(
        fixture.redeem(&late).unwrap_err().status(),
        Status::InvalidGrantExpired
    );
}

#[test]
fn s4_1_3_failed_attempts_do_not_burn_the_code() {
    let fixture = Fixture::new();
    let code = fixture.app_code("read:notes offline_access");
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "notes-app"),
        ("code", &code),
        ("redirect_uri", APP_CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let post = |change: &[(&str, &str)]| {
        let form = changed(&encode(&form), change);
        fixture.engine.token(FormRequest {
            form: &form,
            authorization: None,
        })
    };
    let other = "x".repeat(43);
    for (change, status) in [
        (
            &[("client_id", "notes-spa")][..],
            Status::InvalidGrantWrongClient,
        ),
        (
            &[("client_id", "notes-web"), ("client_secret", WEB_SECRET)],
            Status::InvalidGrantWrongClient,
        ),
        (&[("client_id", "nobody")], Status::InvalidClientUnknown),
        (
            &[("redirect_uri", "http://127.0.0.1:1/callback")],
            Status::InvalidGrantRedirectUri,
        ),
        (
            &[("redirect_uri", "com.example.notes:/callback")],
            Status::InvalidGrantRedirectUri,
        ),
        (&[("code_verifier", &other)], Status::InvalidGrantVerifier),
        (&[("code_verifier", "")], Status::InvalidRequestPkce),
        (
            &[("resource", "https://other.example.com/")],
            Status::InvalidTarget,
        ),
    ] {
        assert_eq!(post(change).unwrap_err().status(), status, "{change:?}");
    }
    assert!(post(&[]).is_ok());
}

#[test]
fn s4_1_3_redirect_uri_is_required_where_it_was_sent_and_pkce_was_not() {
    let fixture = Fixture::new();
    let code = code(&fixture.approve(&web_query("read:notes")));
    let form = [("grant_type", "authorization_code"), ("code", &code)];
    for sent in [
        &[][..],
        &[("redirect_uri", "https://notes.example.com/callback/")],
        &[("redirect_uri", APP_CALLBACK)],
    ] {
        let refused = fixture.token_as_web(&[&form, sent].concat()).unwrap_err();
        assert_eq!(
            refused.status(),
            Status::InvalidGrantRedirectUri,
            "{sent:?}"
        );
    }
    assert!(
        fixture
            .token_as_web(&[&form[..], &[("redirect_uri", WEB_CALLBACK)]].concat())
            .is_ok()
    );
}

#[test]
fn s4_1_3_neither_kind_of_credential_passes_for_the_other() {
    let fixture = Fixture::new();
    let code = fixture.app_code("read:notes offline_access");
    assert_eq!(
        fixture.refresh(&code).unwrap_err().status(),
        Status::InvalidGrantMalformed
    );
    let as_refresh = code.replace("grl_ac_", "grl_rt_");
    assert_eq!(
        fixture.refresh(&as_refresh).unwrap_err().status(),
        Status::InvalidGrantMalformed
    );
    let token = fixture.redeem(&code).unwrap().refresh_token.unwrap();
    assert_eq!(
        fixture.redeem(&token).unwrap_err().status(),
        Status::InvalidGrantMalformed
    );
    let as_code = token.replace("grl_rt_", "grl_ac_");
    assert_eq!(
        fixture.redeem(&as_code).unwrap_err().status(),
        Status::InvalidGrantMalformed
    );
    assert!(
        fixture.refresh(&token).is_ok(),
        "none of it changed anything"
    );
}

#[test]
fn s4_1_3_a_code_of_another_engine_is_refused() {
    let code = Fixture::new().app_code("read:notes");
    let refused = Fixture::new().redeem(&code).unwrap_err();
    assert_eq!(refused.status(), Status::InvalidGrantMalformed);
}

#[test]
fn s4_1_3_of_many_at_once_one_redeems_the_code() {
    let fixture = Fixture::new();
    let code = fixture.app_code("read:notes offline_access");
    let won = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| fixture.redeem(&code).is_ok()))
            .collect();
        threads
            .into_iter()
            .filter_map(|thread| thread.join().ok())
            .filter(|&won| won)
            .count()
    });
    assert_eq!(won, 1);
}

#[test]
fn s4_1_4_no_refresh_token_without_offline_access() {
    let fixture = Fixture::new();
    assert!(
        fixture
            .redeem(&fixture.app_code("openid read:notes"))
            .unwrap()
            .refresh_token
            .is_none()
    );
}

#[test]
fn s6_a_refresh_keeps_the_scope_or_narrows_it_for_once() {
    let fixture = Fixture::new();
    let scope = "openid read:notes write:notes offline_access";
    let mut token = fixture
        .redeem(&fixture.app_code(scope))
        .unwrap()
        .refresh_token
        .unwrap();
    for (asked, given) in [
        (None, Ok(scope)),
        (Some("write:notes"), Ok("write:notes")),
        // The narrowing held for one access token: the refresh token's scope is what it was.
        (Some("read:notes write:notes"), Ok("read:notes write:notes")),
        (Some("read:notes read:files"), Err(Status::InvalidScope)),
        (Some("read:notes profile"), Err(Status::InvalidScope)),
        (Some("bad\"scope"), Err(Status::InvalidScope)),
        (Some(""), Ok(scope)),
    ] {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "notes-app"),
            ("refresh_token", &token),
            ("scope", asked.unwrap_or_default()),
        ];
        let tokens = fixture.token(&form[..3 + usize::from(asked.is_some())]);
        assert_eq!(
            tokens
                .as_ref()
                .map(|tokens| tokens.scope.as_str())
                .map_err(|e| e.status()),
            given,
            "{asked:?}"
        );
        if let Ok(tokens) = tokens {
            assert_eq!(decode(&tokens.access_token).1["scope"], given.unwrap());
            token = tokens.refresh_token.unwrap();
        }
    }
}

#[test]
fn s6_a_refresh_token_is_bound_to_its_client() {
    let fixture = Fixture::new();
    let token = fixture.sign_in().refresh_token.unwrap();
    for client in [
        &[("client_id", "notes-spa")][..],
        &[("client_id", "notes-web"), ("client_secret", WEB_SECRET)],
    ] {
        let form = [
            client,
            &[("grant_type", "refresh_token"), ("refresh_token", &token)],
        ]
        .concat();
        assert_eq!(
            fixture.token(&form).unwrap_err().status(),
            Status::InvalidGrantWrongClient
        );
    }
    assert!(
        fixture.refresh(&token).is_ok(),
        "a stranger's attempt changes nothing"
    );
}

#[test]
fn s6_a_confidential_client_proves_itself_at_a_refresh() {
    let fixture = Fixture::new();
    let code = code(&fixture.approve(&web_query("read:notes offline_access")));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", WEB_CALLBACK),
    ];
    let token = fixture.token_as_web(&form).unwrap().refresh_token.unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*token)];
    for client in [
        &[("client_id", "notes-web")][..],
        &[("client_id", "notes-web"), ("client_secret", "wrong")],
    ] {
        let refused = fixture.token(&[&form[..], client].concat()).unwrap_err();
        assert_eq!(refused.oauth_code(), "invalid_client", "{client:?}");
    }
    assert!(fixture.token_as_web(&form).is_ok());
}

#[test]
fn s4_4_3_client_credentials_have_no_user_and_no_refresh_token() {
    let fixture = Fixture::new();
    let tokens = fixture.service_token();
    assert!(tokens.refresh_token.is_none() && tokens.id_token.is_none());
    assert_eq!(tokens.scope, "read:notes");
    let access = fixture
        .engine
        .verify(&tokens.access_token, API, &["read:notes"])
        .unwrap();
    assert_eq!(
        (access.subject(), access.client_id()),
        ("notes-service", "notes-service")
    );
    assert_eq!(access.grant_id(), None);
}

#[test]
fn s4_4_a_public_client_may_not_be_registered_for_client_credentials() {
    let fixture = Fixture::new();
    let client = json!({"client_id": "x", "grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"});
    let refused = fixture
        .engine
        .put_client_json(&client.to_string())
        .unwrap_err();
    assert_eq!(refused.status(), Status::Config);
}

#[test]
fn s4_4_2_an_api_without_a_client_grant_is_refused() {
    let fixture = Fixture::new();
    for (audience, status) in [
        ("https://other.example.com/", Status::InvalidTarget),
        ("https://nowhere.example.com/", Status::InvalidTarget),
    ] {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "notes-service"),
            ("client_secret", WEB_SECRET),
            ("audience", audience),
        ];
        assert_eq!(fixture.token(&form).unwrap_err().status(), status);
    }
}

#[test]
fn s3_2_an_unrecognised_scope_parameter_does_not_spoil_a_code() {
    // §4.1.3 defines no `scope` here, and §3.2 has unrecognised parameters ignored: a client that
    // repeats what it asked for at /authorize, part of which was left out, still gets its tokens.
    let fixture = Fixture::new();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "notes-app"),
        ("code", &fixture.app_code("read:notes read:minds")),
        ("redirect_uri", APP_CALLBACK),
        ("code_verifier", VERIFIER),
        ("scope", "read:notes read:minds"),
    ];
    assert_eq!(fixture.token(&form).unwrap().scope, "read:notes");
}

#[test]
fn s10_5_a_code_says_nothing_and_no_error_repeats_it() {
    let fixture = Fixture::new();
    let response = fixture.approve_as(&app_query("read:notes"), &Login::new("alice"));
    let code = code(&response);
    assert!(!format!("{response:?}").contains(&code));
    let mangled = format!("{}A", &code[..code.len() - 2]);
    let refused = fixture.redeem(&mangled).unwrap_err();
    assert!(!format!("{refused:?} {}", refused.to_json()).contains(&mangled[10..]));
}

#[test]
fn s6_a_scope_without_measure_is_refused_before_it_is_read() {
    let fixture = Fixture::new();
    let token = fixture.sign_in().refresh_token.unwrap();
    let scope: String = (0..2_000).map(|n| format!("s{n} ")).collect();
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "notes-app"),
        ("refresh_token", &*token),
        ("scope", &scope),
    ];
    let refused = fixture.token(&form).unwrap_err();
    assert_eq!(refused.status(), Status::InvalidScope);
    assert!(refused.description().len() < 100);
    fixture.refresh(&token).unwrap();
}
