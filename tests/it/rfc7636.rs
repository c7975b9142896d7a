//! RFC 7636: PKCE, with S256 as its only method.

use grantlet::Status;
use proptest::prelude::*;
use ring::digest;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};

use crate::support::{
    APP_CALLBACK, CHALLENGE, Fixture, VERIFIER, WEB_CALLBACK, app_query, changed, code, param,
    web_query,
};

fn challenge_of(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

fn redeem(fixture: &Fixture, code: &str, verifier: &str) -> Result<(), Status> {
    let tokens = fixture.token(&[
        ("grant_type", "authorization_code"),
        ("client_id", "notes-app"),
        ("code", code),
        ("redirect_uri", APP_CALLBACK),
        ("code_verifier", verifier),
    ]);
    tokens.map(|_| ()).map_err(|error| error.status())
}

#[test]
fn appendix_b_the_example_holds() {
    assert_eq!(challenge_of(VERIFIER), CHALLENGE);
    let fixture = Fixture::new();
    assert_eq!(
        redeem(&fixture, &fixture.app_code("openid"), VERIFIER),
        Ok(())
    );
}

#[test]
fn s4_4_1_a_public_client_must_send_a_challenge() {
    let fixture = Fixture::new();
    for scope in ["openid", "read:notes"] {
        let query = changed(
            &app_query(scope),
            &[("code_challenge", ""), ("code_challenge_method", "")],
        );
        let (status, response) = fixture.refused(&query);
        assert_eq!(status, Status::InvalidRequestPkce);
        assert_eq!(
            param(&response.unwrap(), "error").as_deref(),
            Some("invalid_request")
        );
    }
}

#[test]
fn s4_4_1_a_confidential_client_must_where_it_is_registered_so() {
    let fixture = Fixture::with(|tenant| tenant["clients"][0]["require_pkce"] = true.into());
    assert_eq!(
        fixture.refused(&web_query("openid")).0,
        Status::InvalidRequestPkce
    );
}

#[test]
fn s4_3_plain_is_refused_also_where_it_is_only_meant() {
    let fixture = Fixture::new();
    for method in ["plain", "", "s256", "S512"] {
        let query = changed(&app_query("openid"), &[("code_challenge_method", method)]);
        assert_eq!(
            fixture.refused(&query).0,
            Status::InvalidRequestPkce,
            "{method}"
        );
    }
    // Not even of a client that need not use PKCE at all.
    for change in [
        &[
            ("code_challenge", VERIFIER),
            ("code_challenge_method", "plain"),
        ][..],
        &[("code_challenge", CHALLENGE)],
        &[("code_challenge_method", "S256")],
    ] {
        let query = changed(&web_query("openid"), change);
        assert_eq!(
            fixture.refused(&query).0,
            Status::InvalidRequestPkce,
            "{change:?}"
        );
    }
}

#[test]
fn s4_2_a_challenge_is_an_unpadded_sha256_digest() {
    let fixture = Fixture::new();
    let standard = CHALLENGE.replace('-', "+").replace('_', "/");
    let loose = format!("{}N", &CHALLENGE[..42]); // Bits that the digest does not have.
    for challenge in [
        &CHALLENGE[..42],
        &format!("{CHALLENGE}="),
        &format!("{CHALLENGE}A"),
        &standard,
        &loose,
        "x",
    ] {
        let query = changed(&app_query("openid"), &[("code_challenge", challenge)]);
        assert_eq!(
            fixture.refused(&query).0,
            Status::InvalidRequestPkce,
            "{challenge}"
        );
    }
}

#[test]
fn s4_1_a_verifier_has_43_to_128_unreserved_characters() {
    let fixture = Fixture::new();
    let repeated = |c: &str, count| c.repeat(count);
    for (verifier, answer) in [
        (repeated("a", 42), Err(Status::InvalidRequestPkce)),
        (repeated("a", 43), Ok(())),
        (repeated("~", 128), Ok(())),
        (repeated("a", 129), Err(Status::InvalidRequestPkce)),
        (repeated("-._~", 11), Ok(())),
        (repeated("a", 42) + "+", Err(Status::InvalidRequestPkce)),
        (repeated("a", 42) + " ", Err(Status::InvalidRequestPkce)),
        (repeated("a", 42) + "=", Err(Status::InvalidRequestPkce)),
        (repeated("a", 42) + "é", Err(Status::InvalidRequestPkce)),
    ] {
        let query = changed(
            &app_query("openid"),
            &[("code_challenge", &challenge_of(&verifier))],
        );
        let code = code(&fixture.approve(&query));
        assert_eq!(redeem(&fixture, &code, &verifier), answer, "{verifier}");
    }
}

#[test]
fn s4_6_the_challenge_is_not_its_own_verifier() {
    let fixture = Fixture::new();
    let code = fixture.app_code("openid");
    assert_eq!(
        redeem(&fixture, &code, CHALLENGE),
        Err(Status::InvalidGrantVerifier)
    );
}

#[test]
fn s4_6_a_verifier_without_a_challenge_is_a_downgrade() {
    let fixture = Fixture::new();
    let code = code(&fixture.approve(&web_query("openid")));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", WEB_CALLBACK),
    ];
    let with_verifier = [&form[..], &[("code_verifier", VERIFIER)]].concat();
    assert_eq!(
        fixture.token_as_web(&with_verifier).unwrap_err().status(),
        Status::InvalidGrantVerifier
    );
    assert!(fixture.token_as_web(&form).is_ok());
}

#[test]
fn s4_5_a_challenge_binds_a_confidential_client_too() {
    let fixture = Fixture::new();
    let query = changed(
        &web_query("openid"),
        &[
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ],
    );
    let code = code(&fixture.approve(&query));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", WEB_CALLBACK),
    ];
    assert_eq!(
        fixture.token_as_web(&form).unwrap_err().status(),
        Status::InvalidRequestPkce
    );
    assert!(
        fixture
            .token_as_web(&[&form[..], &[("code_verifier", VERIFIER)]].concat())
            .is_ok()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn s4_6_only_the_verifier_itself_opens_the_code(
        verifier in "[A-Za-z0-9._~-]{43,128}",
        at in any::<prop::sample::Index>(),
        other in "[A-Za-z0-9._~-]",
    ) {
        let fixture = Fixture::new();
        let query = changed(&app_query("openid"), &[("code_challenge", &challenge_of(&verifier))]);
        let code = code(&fixture.approve(&query));
        let at = at.index(verifier.len());
        let mut wrong = verifier.clone();
        wrong.replace_range(at..=at, &other);
        if wrong != verifier {
            prop_assert_eq!(redeem(&fixture, &code, &wrong), Err(Status::InvalidGrantVerifier));
        }
        prop_assert_eq!(redeem(&fixture, &code, &verifier), Ok(()));
    }
}
