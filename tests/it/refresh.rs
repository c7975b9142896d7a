//! The refresh policy of a client (DESIGN §1): rotation, leeway, lifetimes to the second, narrowing,
//! the cap of live grants, and what is kept so that a replayed code can still revoke.

use grantlet::{GrantFilter, GrantState, Login, Status, TokenResponse};
use serde_json::{Value, json};

use crate::support::{API, Fixture, START, app_query, code, decode, tenant};

/// An engine whose notes-app has this policy.
fn with_policy(policy: Value) -> Fixture {
    Fixture::with(|tenant| tenant["clients"][2]["refresh_token"] = policy)
}

fn text(tokens: &TokenResponse) -> &str {
    tokens.refresh_token.as_deref().unwrap()
}

fn status(fixture: &Fixture, refresh_token: &str) -> Status {
    fixture
        .refresh(refresh_token)
        .map_or_else(|error| error.status(), |_| Status::Ok)
}

fn only_grant(fixture: &Fixture) -> grantlet::GrantInfo {
    let mut grants = fixture.engine.grants(GrantFilter::default()).unwrap();
    assert_eq!(grants.len(), 1);
    grants.remove(0)
}

#[test]
fn a_rotating_client_gets_a_new_token_each_time_and_the_grant_stays_one_record() {
    let fixture = Fixture::new();
    let mut tokens = fixture.sign_in();
    let mut seen = vec![text(&tokens).to_owned()];
    for _ in 0..50 {
        tokens = fixture.refresh(text(&tokens)).unwrap();
        assert!(!seen.contains(&text(&tokens).to_owned()));
        seen.push(text(&tokens).to_owned());
    }
    assert_eq!(only_grant(&fixture).generation, 51);
}

#[test]
fn a_client_that_does_not_rotate_keeps_one_token_for_good() {
    let fixture = with_policy(json!({
        "rotation_type": "non-rotating", "dangerous_public_without_rotation": true,
        "idle_token_lifetime": 100, "infinite_token_lifetime": true,
    }));
    let first = fixture.sign_in();
    for _ in 0..20 {
        fixture.clock.advance(99);
        let again = fixture.refresh(text(&first)).unwrap();
        assert_eq!(text(&again), text(&first));
        assert_ne!(*again.access_token, *first.access_token);
    }
    assert_eq!(only_grant(&fixture).generation, 1);
    fixture.clock.advance(100);
    assert_eq!(status(&fixture, text(&first)), Status::InvalidGrantIdle);
}

#[test]
fn a_confidential_client_may_do_without_rotation_and_a_public_one_only_by_saying_so() {
    let mut tenant = tenant();
    tenant["clients"][0]["refresh_token"] = json!({"rotation_type": "non-rotating"});
    assert!(grantlet::Config::from_value(tenant.clone()).is_ok());
    tenant["clients"][2]["refresh_token"] = json!({"rotation_type": "non-rotating"});
    let error = grantlet::Config::from_value(tenant).unwrap_err();
    assert!(error.description().contains("RFC 9700"), "{error}");
}

#[test]
fn the_leeway_counts_from_the_rotation_to_the_second() {
    for (wait, expected) in [
        (0, Status::Ok),
        (9, Status::Ok),
        (10, Status::InvalidGrantReused),
    ] {
        let fixture = with_policy(json!({"leeway": 10}));
        let first = fixture.sign_in();
        fixture.clock.advance(1_000);
        let second = fixture.refresh(text(&first)).unwrap();
        fixture.clock.advance(wait);
        assert_eq!(status(&fixture, text(&first)), expected, "after {wait} s");
        let left = if expected == Status::Ok {
            Status::Ok
        } else {
            Status::InvalidGrantRevoked
        };
        assert_eq!(status(&fixture, text(&second)), left);
    }
}

#[test]
fn a_replay_does_not_prolong_the_leeway_nor_the_idle_time() {
    let fixture = with_policy(json!({"leeway": 10, "idle_token_lifetime": 20}));
    let first = fixture.sign_in();
    let second = fixture.refresh(text(&first)).unwrap();
    fixture.clock.advance(9);
    assert_eq!(text(&fixture.refresh(text(&first)).unwrap()), text(&second));
    fixture.clock.advance(1);
    assert_eq!(only_grant(&fixture).expires_at, Some(START + 20));
    assert_eq!(status(&fixture, text(&first)), Status::InvalidGrantReused);
}

#[test]
fn without_leeway_a_token_is_good_for_one_use() {
    let fixture = with_policy(json!({"leeway": 0}));
    let first = fixture.sign_in();
    let second = fixture.refresh(text(&first)).unwrap();
    assert_eq!(status(&fixture, text(&first)), Status::InvalidGrantReused);
    assert_eq!(status(&fixture, text(&second)), Status::InvalidGrantRevoked);
}

#[test]
fn until_used_waits_for_days_and_ends_with_the_successors_first_use() {
    let fixture = with_policy(json!({"leeway": "until_used"}));
    let first = fixture.sign_in();
    let second = fixture.refresh(text(&first)).unwrap();
    fixture.clock.advance(10 * 24 * 3600);
    let again = fixture.refresh(text(&first)).unwrap();
    assert_eq!(text(&again), text(&second));
    // Freshly signed: it lives from now on.
    assert!(
        fixture
            .engine
            .verify(&again.access_token, API, &["read:notes"])
            .is_ok()
    );
    fixture.refresh(text(&second)).unwrap();
    assert_eq!(status(&fixture, text(&first)), Status::InvalidGrantReused);
}

#[test]
fn the_absolute_lifetime_counts_from_the_approval_and_no_rotation_moves_it() {
    let fixture = with_policy(json!({"token_lifetime": 100, "idle_token_lifetime": 50}));
    let code = fixture.app_code("read:notes offline_access");
    fixture.clock.advance(10);
    let mut tokens = fixture.redeem(&code).unwrap();
    for _ in 0..4 {
        fixture.clock.advance(20);
        tokens = fixture.refresh(text(&tokens)).unwrap();
    }
    fixture.clock.advance(9);
    tokens = fixture.refresh(text(&tokens)).unwrap();
    fixture.clock.advance(1);
    assert_eq!(status(&fixture, text(&tokens)), Status::InvalidGrantExpired);
    assert_eq!(only_grant(&fixture).state, GrantState::Expired);
}

#[test]
fn the_idle_lifetime_counts_from_the_last_use_to_the_second() {
    for (wait, expected) in [(49, Status::Ok), (50, Status::InvalidGrantIdle)] {
        let fixture = with_policy(json!({"token_lifetime": 10_000, "idle_token_lifetime": 50}));
        let first = fixture.sign_in();
        fixture.clock.advance(49);
        let second = fixture.refresh(text(&first)).unwrap();
        fixture.clock.advance(wait);
        assert_eq!(status(&fixture, text(&second)), expected);
    }
}

#[test]
fn a_code_ends_to_the_second_and_is_not_burnt_by_a_wrong_attempt() {
    for (wait, expected) in [(59, Status::Ok), (60, Status::InvalidGrantExpired)] {
        let fixture = Fixture::new();
        let code = fixture.app_code("read:notes");
        let wrong = fixture.token(&[
            ("grant_type", "authorization_code"),
            ("client_id", "notes-app"),
            ("code", &code),
            ("redirect_uri", crate::support::APP_CALLBACK),
            ("code_verifier", crate::support::CHALLENGE),
        ]);
        assert_eq!(wrong.unwrap_err().status(), Status::InvalidGrantVerifier);
        fixture.clock.advance(wait);
        let answer = fixture
            .redeem(&code)
            .map_or_else(|error| error.status(), |_| Status::Ok);
        assert_eq!(answer, expected);
    }
}

#[test]
fn without_end_means_without_end() {
    let fixture = with_policy(json!({"expiration_type": "non-expiring"}));
    let mut tokens = fixture.sign_in();
    assert_eq!(only_grant(&fixture).expires_at, None);
    for _ in 0..3 {
        fixture.clock.advance(400_000_000);
        tokens = fixture.refresh(text(&tokens)).unwrap();
    }
}

#[test]
fn a_new_policy_counts_from_the_next_use_on() {
    let fixture = Fixture::new();
    let first = fixture.sign_in();
    let second = fixture.refresh(text(&first)).unwrap();
    fixture.engine.put_client_json(
        r#"{"client_id": "notes-app", "redirect_uris": ["http://127.0.0.1/callback"], "refresh_token": {"leeway": 0}}"#,
    ).unwrap();
    assert_eq!(status(&fixture, text(&first)), Status::InvalidGrantReused);
    assert_eq!(status(&fixture, text(&second)), Status::InvalidGrantRevoked);
}

/// RFC 6749 §6: narrower for one token; the grant keeps what was granted.
#[test]
fn a_refresh_may_narrow_the_scope_for_one_token_and_never_widen_it() {
    let fixture = Fixture::new();
    let first = fixture
        .redeem(&fixture.app_code("openid read:notes write:notes offline_access"))
        .unwrap();
    let refresh = |token: &str, scope: &str| {
        fixture.token(&[
            ("grant_type", "refresh_token"),
            ("client_id", "notes-app"),
            ("refresh_token", token),
            ("scope", scope),
        ])
    };
    let narrow = refresh(text(&first), "read:notes").unwrap();
    assert_eq!(narrow.scope, "read:notes");
    assert_eq!(decode(&narrow.access_token).1["scope"], "read:notes");
    let lacks = fixture
        .engine
        .verify(&narrow.access_token, API, &["write:notes"]);
    assert_eq!(lacks.unwrap_err().status(), Status::InsufficientScope);

    for wide in ["read:notes read:files", "email", "write:notes READ:notes"] {
        let error = refresh(text(&narrow), wide).unwrap_err();
        assert_eq!(error.status(), Status::InvalidScope, "{wide}");
    }
    let whole = fixture.refresh(text(&narrow)).unwrap();
    assert_eq!(whole.scope, "openid read:notes write:notes offline_access");
    let again = refresh(text(&whole), "read:notes write:notes").unwrap();
    assert_eq!(again.scope, "read:notes write:notes");
}

#[test]
fn the_oldest_live_grants_of_a_user_and_client_go_when_there_are_too_many() {
    let fixture = with_policy(json!({"max_live_grants": 3}));
    let sign_in = |subject: &str, scope: &str| {
        fixture.clock.advance(1);
        let response = fixture.approve_as(&app_query(scope), &Login::new(subject));
        fixture.redeem(&code(&response)).unwrap()
    };
    let bobs = sign_in("bob", "read:notes offline_access");
    let alices: Vec<_> = (0..3)
        .map(|_| sign_in("alice", "read:notes offline_access"))
        .collect();
    // What has no refresh token does not count, nor what waits for its code to be redeemed.
    let online = sign_in("alice", "read:notes");
    fixture.app_code("read:notes offline_access");
    let rotated = fixture.refresh(text(&alices[1])).unwrap();
    let newest = sign_in("alice", "read:notes offline_access");

    assert_eq!(
        status(&fixture, text(&alices[0])),
        Status::InvalidGrantRevoked
    );
    let gone = fixture.engine.verify(&alices[0].access_token, API, &[]);
    assert_eq!(gone.unwrap_err().status(), Status::InvalidTokenRevoked);
    for live in [&rotated, &alices[2], &newest, &bobs] {
        assert_eq!(status(&fixture, text(live)), Status::Ok);
    }
    assert!(
        fixture
            .engine
            .verify(&online.access_token, API, &[])
            .is_ok()
    );
    // What was revoked makes room.
    fixture
        .engine
        .revoke_grants(GrantFilter {
            client_id: None,
            subject: Some("alice"),
        })
        .unwrap();
    let after: Vec<_> = (0..3)
        .map(|_| sign_in("alice", "read:notes offline_access"))
        .collect();
    assert!(
        after
            .iter()
            .all(|tokens| status(&fixture, text(tokens)) == Status::Ok)
    );
}

#[test]
fn only_live_grants_count_against_the_cap() {
    let fixture = with_policy(json!({"max_live_grants": 2, "idle_token_lifetime": 50}));
    let oldest = fixture.sign_in();
    fixture.clock.advance(1);
    let revoked = fixture.sign_in();
    fixture.refresh(text(&revoked)).unwrap();
    let form = format!("client_id=notes-app&token={}", text(&revoked));
    let request = grantlet::FormRequest {
        form: &form,
        authorization: None,
    };
    fixture.engine.revoke(request).unwrap();
    fixture.clock.advance(1);
    let idle = fixture.sign_in();
    fixture.clock.advance(40);
    let oldest = fixture.refresh(text(&oldest)).unwrap();
    fixture.clock.advance(10);
    assert_eq!(status(&fixture, text(&idle)), Status::InvalidGrantIdle);
    fixture.sign_in();
    assert_eq!(status(&fixture, text(&oldest)), Status::Ok);
}

#[test]
fn within_one_second_the_grant_just_made_is_not_the_one_to_go() {
    let fixture = with_policy(json!({"max_live_grants": 1}));
    let mut before: Option<TokenResponse> = None;
    for _ in 0..20 {
        let tokens = fixture.sign_in();
        if let Some(before) = before {
            assert_eq!(status(&fixture, text(&before)), Status::InvalidGrantRevoked);
        }
        before = Some(fixture.refresh(text(&tokens)).unwrap());
    }
}

#[test]
fn the_default_cap_is_two_hundred() {
    let fixture = Fixture::new();
    let first = fixture.sign_in();
    fixture.clock.advance(1);
    for _ in 0..199 {
        fixture.sign_in();
    }
    assert_eq!(status(&fixture, text(&first)), Status::Ok);
    let successor = fixture.refresh(text(&first)).unwrap();
    fixture.sign_in();
    assert_eq!(
        status(&fixture, text(&successor)),
        Status::InvalidGrantRevoked
    );
}

/// RFC 6749 §4.1.2: a code used twice revokes what it gave; without a refresh token the record is
/// kept for just that, and for no longer than the access token lives.
#[test]
fn a_grant_without_refresh_tokens_is_kept_until_its_access_token_ends() {
    for (wait, swept) in [(3_599, 0), (3_600, 1)] {
        let fixture = Fixture::new();
        let code = fixture.app_code("read:notes");
        fixture.clock.advance(30);
        let tokens = fixture.redeem(&code).unwrap();
        assert!(tokens.refresh_token.is_none());
        fixture.clock.advance(wait);
        assert_eq!(fixture.engine.sweep(1_000).unwrap(), swept);
        if swept == 0 {
            assert!(
                fixture
                    .engine
                    .verify(&tokens.access_token, API, &[])
                    .is_ok()
            );
            assert_eq!(
                fixture.redeem(&code).unwrap_err().status(),
                Status::InvalidGrantReused
            );
            let refused = fixture
                .engine
                .verify(&tokens.access_token, API, &[])
                .unwrap_err();
            assert_eq!(refused.status(), Status::InvalidTokenRevoked);
        } else {
            assert_eq!(
                fixture.redeem(&code).unwrap_err().status(),
                Status::InvalidGrantUnknown
            );
        }
    }
}

/// Every access token is known to be alive for as long as it says, also one that a replay gave out.
#[test]
fn no_sweep_ends_an_access_token_before_its_time() {
    let fixture = with_policy(
        json!({"leeway": "until_used", "token_lifetime": 5_000, "idle_token_lifetime": 5_000}),
    );
    let first = fixture.sign_in();
    fixture.clock.advance(100);
    fixture.refresh(text(&first)).unwrap();
    fixture.clock.advance(4_800);
    let replayed = fixture.refresh(text(&first)).unwrap();
    fixture.clock.advance(3_599);
    fixture.engine.sweep(1_000).unwrap();
    assert!(
        fixture
            .engine
            .verify(&replayed.access_token, API, &[])
            .is_ok()
    );
    fixture.clock.advance(1);
    assert_eq!(fixture.engine.sweep(1_000).unwrap(), 1);
}

/// A revocation is remembered for as long as an access token under it would live.
#[test]
fn no_sweep_forgets_a_revocation_too_early() {
    let fixture = Fixture::new();
    let tokens = fixture.sign_in();
    fixture.clock.advance(100);
    fixture
        .engine
        .revoke_grants(GrantFilter::default())
        .unwrap();
    fixture.clock.advance(3_499);
    assert_eq!(fixture.engine.sweep(1_000).unwrap(), 0);
    assert_eq!(
        fixture
            .engine
            .verify(&tokens.access_token, API, &[])
            .unwrap_err()
            .status(),
        Status::InvalidTokenRevoked
    );
    fixture.clock.advance(1);
    assert_eq!(fixture.engine.sweep(1_000).unwrap(), 1);
}

#[test]
fn an_unredeemed_code_counts_as_no_grant_in_use() {
    let fixture = Fixture::new();
    let code = fixture.app_code("read:notes offline_access");
    assert_eq!(only_grant(&fixture).state, GrantState::CodeIssued);
    let tokens = fixture.redeem(&code).unwrap();
    assert_eq!(only_grant(&fixture).state, GrantState::Active);
    fixture.redeem(&code).unwrap_err();
    assert_eq!(only_grant(&fixture).state, GrantState::Revoked);
    assert_eq!(status(&fixture, text(&tokens)), Status::InvalidGrantRevoked);
}
