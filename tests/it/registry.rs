//! Clients, APIs and keys that change while the engine runs.

use std::sync::atomic::{AtomicBool, Ordering};

use grantlet::{Api, Client, GrantFilter, GrantState, Status};
use serde_json::Value;

use crate::support::{API, APP_CALLBACK, Fixture, WEB_SECRET, app_query, decode};

const OTHER: &str = "https://other.example.com/";

fn kids(fixture: &Fixture) -> Vec<String> {
    let jwks = fixture.engine.jwks();
    let keys = jwks["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

fn kid(token: &str) -> String {
    decode(token).0["kid"].as_str().unwrap().to_owned()
}

fn service_token(
    fixture: &Fixture,
    audience: &str,
) -> Result<grantlet::TokenResponse, grantlet::Error> {
    fixture.token(&[
        ("grant_type", "client_credentials"),
        ("client_id", "notes-service"),
        ("client_secret", WEB_SECRET),
        ("audience", audience),
    ])
}

#[test]
fn a_client_can_be_added_and_used_and_removed_and_its_grants_go_with_it() {
    let fixture = Fixture::new();
    let query = app_query("openid read:notes offline_access").replace("notes-app", "later");
    let unknown = fixture.engine.authorize(&query).unwrap_err();
    assert!(
        unknown.response.is_none(),
        "an unknown client is not redirected to"
    );

    fixture
        .engine
        .put_client(
            Client::public("later")
                .redirect_uri(APP_CALLBACK)
                .build()
                .unwrap(),
        )
        .unwrap();
    let code = crate::support::code(&fixture.approve(&query));
    let waiting = crate::support::code(&fixture.approve(&query));
    let redeem = |code: &str| {
        fixture.token(&[
            ("grant_type", "authorization_code"),
            ("client_id", "later"),
            ("code", code),
            ("redirect_uri", APP_CALLBACK),
            ("code_verifier", crate::support::VERIFIER),
        ])
    };
    let tokens = redeem(&code).unwrap();
    let others = fixture.sign_in();
    assert!(
        fixture
            .engine
            .verify(&tokens.access_token, API, &[])
            .is_ok()
    );

    assert_eq!(
        fixture.engine.remove_client("later").unwrap(),
        2,
        "the grant, and the code that waits"
    );
    assert!(fixture.engine.authorize(&query).is_err());
    assert_eq!(
        redeem(&waiting).unwrap_err().status(),
        Status::InvalidClientUnknown
    );
    let verified = fixture.engine.verify(&tokens.access_token, API, &[]);
    assert_eq!(verified.unwrap_err().status(), Status::InvalidTokenRevoked);
    assert!(
        fixture
            .engine
            .verify(&others.access_token, API, &[])
            .is_ok()
    );
    assert_eq!(
        fixture.engine.remove_client("later").unwrap_err().status(),
        Status::NotFound
    );

    // The same name again is not the same client: nothing of old comes to life.
    fixture
        .engine
        .put_client(
            Client::public("later")
                .redirect_uri(APP_CALLBACK)
                .build()
                .unwrap(),
        )
        .unwrap();
    assert_eq!(
        redeem(&waiting).unwrap_err().status(),
        Status::InvalidGrantRevoked
    );
    assert!(
        fixture
            .engine
            .verify(&tokens.access_token, API, &[])
            .is_err()
    );
}

/// RFC 7592 §2.3: «The authorization server … SHOULD immediately invalidate all existing authorization
/// grants and currently active access tokens».
#[test]
fn rfc7592_s2_3_a_removed_services_own_tokens_die_with_it() {
    let fixture = Fixture::new();
    let token = service_token(&fixture, API).unwrap().access_token;
    assert!(fixture.engine.verify(&token, API, &["read:notes"]).is_ok());
    assert_eq!(fixture.engine.remove_client("notes-service").unwrap(), 0);
    let refused = fixture.engine.verify(&token, API, &[]).unwrap_err();
    assert_eq!(refused.status(), Status::InvalidTokenRevoked);
}

#[test]
fn a_client_that_is_replaced_keeps_its_grants_and_obeys_its_new_metadata() {
    let fixture = Fixture::new();
    let tokens = fixture.sign_in();
    let moved = Client::public("notes-app")
        .redirect_uri("https://elsewhere.example.com/")
        .build()
        .unwrap();
    fixture.engine.put_client(moved).unwrap();
    assert!(
        fixture.engine.authorize(&app_query("openid")).is_err(),
        "the old redirect_uri is gone"
    );
    assert!(
        fixture
            .refresh(tokens.refresh_token.as_deref().unwrap())
            .is_ok()
    );
    // A new secret counts at once, and the old one no more.
    let service = Client::confidential("notes-service", "fresh")
        .token_endpoint_auth_method(grantlet::AuthMethod::ClientSecretPost)
        .application_type(grantlet::ApplicationType::Service)
        .client_grant(API, ["read:notes"]);
    fixture.engine.put_client(service.build().unwrap()).unwrap();
    assert_eq!(
        service_token(&fixture, API).unwrap_err().status(),
        Status::InvalidClientSecret
    );
}

#[test]
fn an_api_can_be_added_and_removed_and_its_tokens_go_with_it() {
    let fixture = Fixture::new();
    let tokens = fixture.sign_in();
    fixture
        .engine
        .put_api(Api::new("urn:later").scope("peek", ""))
        .unwrap();
    let query = app_query("peek").replace("https%3A%2F%2Fapi.example.com%2F", "urn%3Alater");
    let later = fixture
        .redeem(&crate::support::code(&fixture.approve(&query)))
        .unwrap();
    assert!(
        fixture
            .engine
            .verify(&later.access_token, "urn:later", &["peek"])
            .is_ok()
    );

    fixture.engine.remove_api("urn:later").unwrap();
    assert!(
        fixture
            .engine
            .verify(&later.access_token, "urn:later", &[])
            .is_err()
    );
    assert!(fixture.engine.authorize(&query).is_err());
    assert_eq!(
        fixture.engine.remove_api("urn:later").unwrap_err().status(),
        Status::NotFound
    );

    fixture.engine.remove_api(API).unwrap();
    assert!(
        fixture
            .engine
            .verify(&tokens.access_token, API, &[])
            .is_err()
    );
    let refused = fixture
        .refresh(tokens.refresh_token.as_deref().unwrap())
        .unwrap_err();
    assert_eq!(refused.status(), Status::InvalidTarget);
    // A refusal changes nothing: with its API back, the grant goes on.
    fixture
        .engine
        .put_api(
            Api::new(API)
                .scope("read:notes", "")
                .allow_offline_access(true),
        )
        .unwrap();
    assert!(
        fixture
            .refresh(tokens.refresh_token.as_deref().unwrap())
            .is_ok()
    );
}

#[test]
fn what_is_not_valid_changes_nothing() {
    let fixture = Fixture::new();
    let (metadata, jwks) = (fixture.engine.metadata(), fixture.engine.jwks());
    for (json, status) in [
        ("{", Status::Config),
        (r#"{"identifier": ""}"#, Status::Config),
        (
            r#"{"identifier": "urn:x", "scops": []}"#,
            Status::ConfigUnknownKey,
        ),
        (
            r#"{"identifier": "urn:x", "scopes": ["a"], "signing_alg": "RS256"}"#,
            Status::ConfigKey,
        ),
        (
            r#"{"identifier": "urn:x", "scopes": ["a"], "signing_secret": "short"}"#,
            Status::ConfigKey,
        ),
    ] {
        assert_eq!(
            fixture.engine.put_api_json(json).unwrap_err().status(),
            status,
            "{json}"
        );
    }
    for (json, status) in [
        ("[]", Status::Config),
        (
            r#"{"client_id": "x", "redirect_uris": ["https://x.example.com/"], "id_token_signed_response_alg": "RS256"}"#,
            Status::ConfigKey,
        ),
        (
            r#"{"client_id": "notes-app", "redirect_uris": ["http://plain.example.com/"]}"#,
            Status::Config,
        ),
    ] {
        assert_eq!(
            fixture.engine.put_client_json(json).unwrap_err().status(),
            status,
            "{json}"
        );
    }
    assert_eq!(fixture.engine.metadata(), metadata);
    assert_eq!(fixture.engine.jwks(), jwks);
    assert!(fixture.engine.authorize(&app_query("openid")).is_ok());
}

#[test]
fn a_new_algorithm_brings_its_keys_along() {
    let fixture = Fixture::new();
    let algorithms = |fixture: &Fixture| {
        let jwks = fixture.engine.jwks();
        let mut found: Vec<String> = jwks["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["alg"].as_str().unwrap().to_owned())
            .collect();
        found.sort();
        found
    };
    assert_eq!(algorithms(&fixture), ["ES256", "ES256"]);
    fixture
        .engine
        .put_api_json(r#"{"identifier": "urn:x", "scopes": ["x"], "signing_alg": "EdDSA"}"#)
        .unwrap();
    assert_eq!(algorithms(&fixture), ["ES256", "ES256", "EdDSA", "EdDSA"]);
    let supported = &fixture.engine.metadata()["id_token_signing_alg_values_supported"];
    assert!(
        supported
            .as_array()
            .unwrap()
            .contains(&Value::from("EdDSA")),
        "{supported}"
    );
}

/// DESIGN §3: next and previous are published too, so that a rotation is never a hard cutover.
#[test]
fn keys_rotate_and_what_is_out_stays_valid() {
    let fixture = Fixture::new();
    let before = fixture.sign_in();
    let waiting = fixture.app_code("openid read:notes offline_access");
    let [next, current] = kids(&fixture).try_into().unwrap();
    assert_eq!(kid(&before.access_token), current);

    fixture.engine.rotate_keys().unwrap();
    let after = fixture.sign_in();
    let [fresh, signs, previous] = kids(&fixture).try_into().unwrap();
    assert_eq!((&signs, &previous), (&next, &current));
    assert!(fresh != next && fresh != current);
    for token in [&after.access_token, after.id_token.as_ref().unwrap()] {
        assert_eq!(kid(token), next, "what was next signs now");
    }
    assert!(
        fixture
            .engine
            .verify(&before.access_token, API, &[])
            .is_ok()
    );
    assert!(fixture.engine.verify(&after.access_token, API, &[]).is_ok());

    // A code and a refresh token of before are as good as ever; and one grant, one chain.
    assert!(fixture.redeem(&waiting).is_ok());
    let first = before.refresh_token.unwrap();
    let second = fixture.refresh(&first).unwrap();
    fixture.engine.rotate_keys().unwrap();
    let third = fixture
        .refresh(second.refresh_token.as_deref().unwrap())
        .unwrap();
    assert_eq!(kid(&third.access_token), fresh);
    assert_eq!(
        fixture.refresh(&first).unwrap_err().status(),
        Status::InvalidGrantReused
    );
}

#[test]
fn a_previous_key_goes_when_nothing_lives_that_it_signed() {
    let fixture = Fixture::with(|tenant| tenant["apis"][0]["token_lifetime"] = 7_200.into());
    let old = fixture.sign_in().access_token;
    let signed = kid(&old);
    fixture.engine.rotate_keys().unwrap();
    fixture.clock.advance(7_199);
    fixture.engine.rotate_keys().unwrap();
    assert!(kids(&fixture).contains(&signed));
    assert!(fixture.engine.verify(&old, API, &[]).is_ok());
    fixture.clock.advance(2);
    fixture.engine.rotate_keys().unwrap();
    assert!(!kids(&fixture).contains(&signed));
}

#[test]
fn grants_are_listed_and_revoked_by_user_by_client_and_by_id() {
    let fixture = Fixture::new();
    let mut tokens = Vec::new();
    for (subject, client) in [
        ("alice", "notes-app"),
        ("alice", "notes-app"),
        ("bob", "notes-app"),
        ("alice", "notes-spa"),
    ] {
        fixture.clock.advance(1);
        let callback = if client == "notes-app" {
            APP_CALLBACK
        } else {
            "https://spa.example.com/"
        };
        let query = app_query("read:notes offline_access")
            .replace("notes-app", client)
            .replace(
                "http%3A%2F%2F127.0.0.1%2Fcallback",
                "https%3A%2F%2Fspa.example.com%2F",
            );
        let query = if client == "notes-app" {
            app_query("read:notes offline_access")
        } else {
            query
        };
        let response = fixture.approve_as(&query, &grantlet::Login::new(subject));
        tokens.push(
            fixture
                .token(&[
                    ("grant_type", "authorization_code"),
                    ("client_id", client),
                    ("code", &crate::support::code(&response)),
                    ("redirect_uri", callback),
                    ("code_verifier", crate::support::VERIFIER),
                ])
                .unwrap(),
        );
    }
    let list = |client_id, subject| {
        fixture
            .engine
            .grants(GrantFilter { client_id, subject })
            .unwrap()
    };
    assert_eq!(list(None, None).len(), 4);
    assert_eq!(list(Some("notes-app"), None).len(), 3);
    assert_eq!(list(None, Some("alice")).len(), 3);
    let both = list(Some("notes-app"), Some("alice"));
    assert_eq!(both.len(), 2);
    assert!(
        both[0].approved_at < both[1].approved_at,
        "the oldest first"
    );
    assert!(list(Some("nobody"), None).is_empty() && list(None, Some("")).is_empty());

    let id = &both[0].grant_id;
    assert_eq!(
        fixture
            .engine
            .verify(&tokens[0].access_token, API, &[])
            .unwrap()
            .grant_id()
            .as_ref(),
        Some(id)
    );
    assert!(fixture.engine.revoke_grant(id).unwrap());
    assert!(!fixture.engine.revoke_grant(id).unwrap(), "only once");
    assert_eq!(
        fixture.engine.grant(id).unwrap().unwrap().state,
        GrantState::Revoked
    );
    let filter = GrantFilter {
        client_id: None,
        subject: Some("alice"),
    };
    assert_eq!(fixture.engine.revoke_grants(filter).unwrap(), 2);
    for (number, tokens) in tokens.iter().enumerate() {
        assert_eq!(
            fixture
                .engine
                .verify(&tokens.access_token, API, &[])
                .is_ok(),
            number == 2
        );
    }
    assert_eq!(
        fixture.engine.revoke_grant("no id").unwrap_err().status(),
        Status::NotFound
    );
    assert!(fixture.engine.grant("no id").unwrap().is_none());
    let absent = "AAAAAAAAAAAAAAAAAAAAAA";
    assert!(!fixture.engine.revoke_grant(absent).unwrap());
    assert!(fixture.engine.grant(absent).unwrap().is_none());
}

/// Requests see the registry of before a change or of after it, never half of one.
#[test]
fn the_registry_changes_under_running_requests() {
    let fixture = Fixture::new();
    let tokens = fixture.sign_in();
    let token = tokens.refresh_token.unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let changes = scope.spawn(|| {
            for _ in 0..15 {
                fixture
                    .engine
                    .put_client_json(
                        r#"{"client_id": "x", "redirect_uris": ["https://x.example.com/"]}"#,
                    )
                    .unwrap();
                fixture
                    .engine
                    .put_api_json(
                        r#"{"identifier": "urn:x", "scopes": ["x"], "signing_alg": "EdDSA"}"#,
                    )
                    .unwrap();
                fixture.engine.rotate_keys().unwrap();
                fixture.engine.remove_client("x").unwrap();
                fixture.engine.remove_api("urn:x").unwrap();
            }
            done.store(true, Ordering::SeqCst);
        });
        let others = scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                let access = service_token(&fixture, API).unwrap().access_token;
                assert!(fixture.engine.verify(&access, API, &["read:notes"]).is_ok());
            }
        });
        let mut held = token.clone();
        while !done.load(Ordering::SeqCst) {
            let next = fixture.refresh(&held).unwrap();
            assert!(
                fixture
                    .engine
                    .verify(&next.access_token, API, &["read:notes"])
                    .is_ok()
            );
            held = next.refresh_token.unwrap();
        }
        changes.join().unwrap();
        others.join().unwrap();
    });
    assert!(
        fixture
            .engine
            .verify(&tokens.access_token, API, &[])
            .is_ok()
    );
    assert_eq!(
        service_token(&fixture, OTHER).unwrap_err().status(),
        Status::InvalidTarget
    );
}

#[test]
fn a_scope_that_an_api_no_longer_has_is_no_longer_issued() {
    let fixture = Fixture::new();
    let first = fixture.sign_in();
    assert!(first.scope.contains("read:notes"));
    let without = Api::new(API)
        .scope("write:notes", "")
        .allow_offline_access(true);
    fixture.engine.put_api(without).unwrap();
    let second = fixture
        .refresh(first.refresh_token.as_deref().unwrap())
        .unwrap();
    assert_eq!(second.scope, "openid offline_access");
}

#[test]
fn the_default_audience_cannot_be_removed() {
    let fixture = Fixture::with(|tenant| tenant["default_audience"] = API.into());
    assert_eq!(
        fixture.engine.remove_api(API).unwrap_err().status(),
        Status::Config
    );
    fixture.engine.remove_api(OTHER).unwrap();
}
