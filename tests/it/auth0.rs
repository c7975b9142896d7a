//! What clients of Auth0 rely on: its token dialect, its refresh tokens, its names in a configuration.

use grantlet::{GrantFilter, GrantState, Status};
use serde_json::json;

use crate::support::{
    API, APP_CALLBACK, Fixture, START, VERIFIER, WEB_SECRET, app_query, changed, code, decode,
    tenant,
};

fn auth0_dialect() -> Fixture {
    Fixture::with(|tenant| tenant["apis"][0]["token_dialect"] = "access_token".into())
}

#[test]
fn access_token_profile_of_a_user() {
    let fixture = auth0_dialect();
    let userinfo = fixture.engine.metadata()["userinfo_endpoint"].clone();
    let tokens = fixture.sign_in();
    let (header, claims) = decode(&tokens.access_token);
    assert_eq!(header["typ"], "JWT");
    assert_eq!(claims["aud"], json!([API, userinfo]));
    assert_eq!(claims["azp"], "notes-app");
    for name in ["client_id", "gty"] {
        assert_eq!(claims.get(name), None, "{name}");
    }
    let access = fixture
        .engine
        .verify(&tokens.access_token, API, &["read:notes"])
        .unwrap();
    assert_eq!(
        (access.subject(), access.client_id()),
        ("alice", "notes-app")
    );
    assert_eq!(fixture.userinfo(&tokens.access_token).status, 200);
    // Without openid, the token is for the API alone.
    let token = fixture
        .redeem(&fixture.app_code("read:notes"))
        .unwrap()
        .access_token;
    assert_eq!(decode(&token).1["aud"], API);
}

#[test]
fn access_token_profile_of_a_machine() {
    let fixture = auth0_dialect();
    let token = fixture.service_token().access_token;
    let (_, claims) = decode(&token);
    assert_eq!(claims["sub"], "notes-service@clients");
    assert_eq!(claims["gty"], "client-credentials");
    assert_eq!(claims["azp"], "notes-service");
    assert!(fixture.engine.verify(&token, API, &["read:notes"]).is_ok());
}

#[test]
fn either_dialect_is_refused_where_the_other_is_meant() {
    let fixture = auth0_dialect();
    let auth0 = fixture.sign_in().access_token;
    let profile = fixture.service_token().access_token;
    let api = tenant()["apis"][0].to_string();
    fixture.engine.put_api_json(&api).unwrap();
    for token in [&auth0, &profile] {
        assert_eq!(
            fixture.engine.verify(token, API, &[]).unwrap_err().status(),
            Status::InvalidToken
        );
    }
    assert!(
        fixture
            .engine
            .verify(&fixture.sign_in().access_token, API, &[])
            .is_ok()
    );
}

#[test]
fn no_refresh_token_where_the_api_does_not_allow_offline_access() {
    let fixture = Fixture::new();
    let query = changed(
        &app_query("openid read:stars offline_access"),
        &[("audience", "https://online.example.com/")],
    );
    let tokens = fixture.redeem(&code(&fixture.approve(&query))).unwrap();
    assert!(tokens.refresh_token.is_none());
    assert_eq!(tokens.scope, "openid read:stars");
}

#[test]
fn an_id_token_on_refresh_only_where_openid_was_granted() {
    let fixture = Fixture::new();
    for (scope, there) in [
        ("openid read:notes offline_access", true),
        ("read:notes offline_access", false),
    ] {
        let tokens = fixture.redeem(&fixture.app_code(scope)).unwrap();
        let again = fixture.refresh(&tokens.refresh_token.unwrap()).unwrap();
        assert_eq!(again.id_token.is_some(), there, "{scope}");
    }
}

#[test]
fn the_absolute_lifetime_does_not_move_with_rotation() {
    let fixture = Fixture::with(|tenant| {
        tenant["clients"][2]["refresh_token"] =
            json!({"token_lifetime": 1000, "infinite_idle_token_lifetime": true});
    });
    let mut token = fixture.sign_in().refresh_token.unwrap();
    for _ in 0..9 {
        fixture.clock.advance(111);
        token = fixture.refresh(&token).unwrap().refresh_token.unwrap();
    }
    fixture.clock.advance(1);
    assert_eq!(
        fixture.refresh(&token).unwrap_err().status(),
        Status::InvalidGrantExpired
    );
}

#[test]
fn the_absolute_lifetime_counts_from_the_approval() {
    let fixture = Fixture::with(|tenant| {
        tenant["clients"][2]["refresh_token"] = json!({"token_lifetime": 1000});
    });
    let code = fixture.app_code("read:notes offline_access");
    fixture.clock.advance(50);
    let token = fixture.redeem(&code).unwrap().refresh_token.unwrap();
    fixture.clock.advance(950);
    assert_eq!(
        fixture.refresh(&token).unwrap_err().status(),
        Status::InvalidGrantExpired
    );
}

#[test]
fn two_hundred_live_refresh_tokens_a_user_and_client_and_the_oldest_goes() {
    let fixture = Fixture::new();
    let mut tokens = Vec::new();
    for _ in 0..200 {
        tokens.push(fixture.sign_in().refresh_token.unwrap());
        fixture.clock.advance(1);
    }
    let live = || {
        let grants = fixture.engine.grants(GrantFilter {
            client_id: Some("notes-app"),
            subject: Some("alice"),
        });
        grants
            .unwrap()
            .iter()
            .filter(|grant| grant.state == GrantState::Active)
            .count()
    };
    assert_eq!(live(), 200);
    // What another user or client holds, and what has no refresh token, counts for nothing.
    fixture.redeem(&fixture.app_code("openid")).unwrap();
    let bob = fixture.approve_as(
        &app_query("openid offline_access"),
        &grantlet::Login::new("bob"),
    );
    fixture.redeem(&code(&bob)).unwrap();
    assert!(fixture.refresh(&tokens[0]).is_ok());
    fixture.clock.advance(1);
    fixture.sign_in();
    // The oldest by its approval, however fresh its last use.
    let displaced: Vec<_> = (0..200)
        .filter(|&n| fixture.refresh(&tokens[n]).is_err())
        .collect();
    assert_eq!(displaced, [0]);
}

#[test]
fn an_exported_tenant_is_a_configuration() {
    let fixture = Fixture::with(|tenant| {
        *tenant = json!({
            "issuer": "https://tenant.example.com/",
            "resource_servers": [{
                "id": "6", "name": "Notes", "identifier": API, "is_system": false,
                "scopes": [{"value": "read:notes", "description": "Read"}], "allow_offline_access": true,
                "token_lifetime": 7200, "token_lifetime_for_web": 7200, "signing_alg": "ES256",
                "signing_secret": "unused", "token_dialect": "access_token", "enforce_policies": false,
                "skip_consent_for_verifiable_first_party_clients": true,
            }],
            "clients": [{
                "tenant": "t", "global": false, "client_id": "notes-app", "name": "Notes App", "app_type": "native",
                "client_secret": "of-no-use-to-a-public-client", "token_endpoint_auth_method": "none",
                "callbacks": [APP_CALLBACK], "is_first_party": true, "oidc_conformant": true, "sso_disabled": false,
                "grant_types": ["authorization_code", "refresh_token", "implicit", "password", "urn:ietf:params:oauth:grant-type:device_code"],
                "jwt_configuration": {"alg": "ES256", "lifetime_in_seconds": 600, "secret_encoded": false},
                "refresh_token": {
                    "rotation_type": "rotating", "expiration_type": "expiring", "leeway": 0,
                    "token_lifetime": 2_592_000, "idle_token_lifetime": 1_296_000,
                    "infinite_token_lifetime": false, "infinite_idle_token_lifetime": false,
                },
                "cross_origin_auth": false, "allowed_logout_urls": [], "web_origins": [],
            }, {
                "client_id": "m2m", "name": "Machine", "app_type": "non_interactive", "client_secret": WEB_SECRET,
                "token_endpoint_auth_method": "client_secret_post", "grant_types": ["client_credentials"],
            }],
            "client_grants": [{"id": "cgr_1", "client_id": "m2m", "audience": API, "scope": ["read:notes"]}],
        });
    });
    let tokens = fixture.sign_in();
    assert_eq!(tokens.expires_in, 7200);
    assert_eq!(decode(&tokens.id_token.unwrap()).1["exp"], START + 600);
    assert!(fixture.refresh(&tokens.refresh_token.unwrap()).is_ok());
    let machine = fixture.token(&[
        ("grant_type", "client_credentials"),
        ("client_id", "m2m"),
        ("client_secret", WEB_SECRET),
        ("audience", API),
    ]);
    assert_eq!(machine.unwrap().scope, "read:notes");
}

#[test]
fn audience_names_the_api_and_the_default_one_stands_in() {
    let fixture =
        Fixture::with(|tenant| tenant["default_audience"] = "https://other.example.com/".into());
    let aud = |query: &str| {
        let token = fixture
            .redeem(&code(&fixture.approve(query)))
            .unwrap()
            .access_token;
        decode(&token).1["aud"].clone()
    };
    assert_eq!(aud(&app_query("openid")), API);
    assert_eq!(
        aud(&changed(&app_query("openid"), &[("audience", "")])),
        "https://other.example.com/"
    );
}

#[test]
fn audience_may_name_userinfo_alone_beside_a_default() {
    let fixture = Fixture::with(|tenant| tenant["default_audience"] = API.into());
    let userinfo = fixture.engine.metadata()["userinfo_endpoint"]
        .as_str()
        .unwrap()
        .to_owned();
    let query = changed(&app_query("openid"), &[("audience", &userinfo)]);
    let token = fixture.token(&[
        ("grant_type", "authorization_code"),
        ("client_id", "notes-app"),
        ("code", &code(&fixture.approve(&query))),
        ("redirect_uri", APP_CALLBACK),
        ("code_verifier", VERIFIER),
    ]);
    assert_eq!(decode(&token.unwrap().access_token).1["aud"], *userinfo);
}
