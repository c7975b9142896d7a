//! RFC 7009: a client gives a token back.

use grantlet::Status;

use crate::support::{API, Fixture, WEB_SECRET, json_of};

const APP: (&str, &str) = ("client_id", "notes-app");
const WEB: [(&str, &str); 2] = [("client_id", "notes-web"), ("client_secret", WEB_SECRET)];

fn revoke(fixture: &Fixture, client: &[(&str, &str)], token: &str) -> u16 {
    let response = fixture.post("/oauth/revoke", &[client, &[("token", token)]].concat());
    assert_eq!(response.header("cache-control"), Some("no-store"));
    response.status
}

#[test]
fn s2_1_a_refresh_token_takes_the_grant_and_its_access_tokens_along() {
    let fixture = Fixture::new();
    let first = fixture.sign_in();
    let second = fixture
        .refresh(first.refresh_token.as_deref().unwrap())
        .unwrap();
    let newest = second.refresh_token.unwrap();
    assert_eq!(revoke(&fixture, &[APP], &newest), 200);
    assert_eq!(
        fixture.refresh(&newest).unwrap_err().status(),
        Status::InvalidGrantRevoked
    );
    for token in [&first.access_token, &second.access_token] {
        let refused = fixture.engine.verify(token, API, &[]).unwrap_err();
        assert_eq!(refused.status(), Status::InvalidTokenRevoked);
    }
}

#[test]
fn s2_1_a_spent_refresh_token_revokes_as_well() {
    let fixture = Fixture::new();
    let first = fixture.sign_in().refresh_token.unwrap();
    let second = fixture.refresh(&first).unwrap().refresh_token.unwrap();
    assert_eq!(revoke(&fixture, &[APP], &first), 200);
    assert_eq!(
        fixture.refresh(&second).unwrap_err().status(),
        Status::InvalidGrantRevoked
    );
}

#[test]
fn s2_1_an_access_token_goes_alone() {
    let fixture = Fixture::new();
    let first = fixture.sign_in();
    let second = fixture
        .refresh(first.refresh_token.as_deref().unwrap())
        .unwrap();
    assert_eq!(revoke(&fixture, &[APP], &second.access_token), 200);
    let refused = fixture
        .engine
        .verify(&second.access_token, API, &[])
        .unwrap_err();
    assert_eq!(refused.status(), Status::InvalidTokenRevoked);
    assert!(fixture.engine.verify(&first.access_token, API, &[]).is_ok());
    assert!(fixture.refresh(&second.refresh_token.unwrap()).is_ok());
}

#[test]
fn s2_1_a_token_of_client_credentials_can_be_revoked() {
    let fixture = Fixture::new();
    let (one, other) = (fixture.service_token(), fixture.service_token());
    let service = [
        ("client_id", "notes-service"),
        ("client_secret", WEB_SECRET),
    ];
    assert_eq!(revoke(&fixture, &service, &one.access_token), 200);
    assert_eq!(
        fixture
            .engine
            .verify(&one.access_token, API, &[])
            .unwrap_err()
            .status(),
        Status::InvalidTokenRevoked
    );
    assert!(fixture.engine.verify(&other.access_token, API, &[]).is_ok());
    // The mark outlives every sweep until the token has expired by itself.
    fixture.clock.advance(3599);
    fixture.engine.sweep(100).unwrap();
    assert_eq!(
        fixture
            .engine
            .verify(&one.access_token, API, &[])
            .unwrap_err()
            .status(),
        Status::InvalidTokenRevoked
    );
    fixture.clock.advance(1);
    assert_eq!(fixture.engine.sweep(100).unwrap(), 1);
}

#[test]
fn s2_2_an_unknown_token_is_a_success() {
    let fixture = Fixture::new();
    let gone = fixture.sign_in();
    revoke(&fixture, &[APP], gone.refresh_token.as_deref().unwrap());
    let id_token = gone.id_token.unwrap();
    for token in [
        "x",
        "grl_rt_x",
        "a.b.c",
        &*gone.access_token,
        &*gone.refresh_token.unwrap(),
        &*id_token,
        &fixture.app_code("openid"),
    ] {
        assert_eq!(revoke(&fixture, &[APP], token), 200, "{token}");
    }
}

#[test]
fn s2_1_what_belongs_to_another_client_is_not_revoked() {
    let fixture = Fixture::new();
    let tokens = fixture.sign_in();
    let refresh_token = tokens.refresh_token.unwrap();
    for client in [&WEB[..], &[("client_id", "notes-spa")]] {
        for token in [&*tokens.access_token, &*refresh_token] {
            // No oracle: it is answered as a token that nobody knows.
            assert_eq!(revoke(&fixture, client, token), 200);
        }
    }
    assert!(
        fixture
            .engine
            .verify(&tokens.access_token, API, &[])
            .is_ok()
    );
    assert!(fixture.refresh(&refresh_token).is_ok());
}

#[test]
fn s2_1_the_client_authenticates_first() {
    let fixture = Fixture::new();
    let token = fixture.sign_in().refresh_token.unwrap();
    for client in [
        &[][..],
        &[("client_id", "nobody")],
        &[("client_id", "notes-web")],
        &[("client_id", "notes-web"), ("client_secret", "x")],
    ] {
        let response = fixture.post("/oauth/revoke", &[client, &[("token", &*token)]].concat());
        assert_eq!(response.status, 401, "{client:?}");
        assert_eq!(json_of(&response)["error"], "invalid_client");
    }
    assert!(fixture.refresh(&token).is_ok());
}

#[test]
fn s2_1_token_is_required_and_the_hint_is_only_a_hint() {
    let fixture = Fixture::new();
    let missing = fixture.post("/oauth/revoke", &[APP]);
    assert_eq!(
        (missing.status, json_of(&missing)["error"].as_str().unwrap()),
        (400, "invalid_request")
    );
    for hint in ["access_token", "refresh_token", "unheard_of"] {
        let token = fixture.sign_in().refresh_token.unwrap();
        let form = [APP, ("token", &*token), ("token_type_hint", hint)];
        assert_eq!(fixture.post("/oauth/revoke", &form).status, 200);
        assert!(fixture.refresh(&token).is_err(), "{hint}");
    }
}

#[test]
fn s2_2_revoking_twice_is_a_success_and_the_event_comes_once() {
    use std::sync::{Arc, Mutex};
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let record = move |event: &grantlet::Event<'_>| {
        sink.lock()
            .unwrap()
            .push(serde_json::to_value(event).unwrap());
    };
    let config = grantlet::Config::from_value(crate::support::tenant()).unwrap();
    let fixture = Fixture::of(config, |builder| builder.events(Arc::new(record)));
    let token = fixture.sign_in().refresh_token.unwrap();
    for _ in 0..2 {
        assert_eq!(revoke(&fixture, &[APP], &token), 200);
    }
    let seen = seen.lock().unwrap();
    let revoked: Vec<_> = seen
        .iter()
        .filter(|event| event["event"] == "grant_revoked")
        .collect();
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0]["reason"], "by_client");
}
