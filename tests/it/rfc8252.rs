//! RFC 8252: redirect URIs of native apps.

use grantlet::Status;
use proptest::prelude::*;
use serde_json::json;

use crate::support::{APP_CALLBACK, Fixture, VERIFIER, app_query, changed, code};

fn accepts(fixture: &Fixture, uri: &str) -> bool {
    match fixture
        .engine
        .authorize(&changed(&app_query("openid"), &[("redirect_uri", uri)]))
    {
        Ok(_) => true,
        Err(refused) => {
            assert_eq!(
                refused.error.status(),
                Status::InvalidRequestRedirectUri,
                "{uri}"
            );
            assert!(refused.response.is_none());
            false
        }
    }
}

/// An engine whose notes-app has this redirect URI, if it may be registered.
fn registered(uri: &str, application_type: &str) -> Result<Fixture, Status> {
    let fixture = Fixture::new();
    let client = json!({
        "client_id": "notes-app", "redirect_uris": [uri], "application_type": application_type,
        "token_endpoint_auth_method": "none",
    });
    fixture
        .engine
        .put_client_json(&client.to_string())
        .map_err(|error| error.status())?;
    Ok(fixture)
}

#[test]
fn s7_3_a_loopback_ip_takes_any_port_and_all_else_exact() {
    let fixture = Fixture::new();
    for port in [1, 80, 8080, 65535] {
        assert!(accepts(
            &fixture,
            &format!("http://127.0.0.1:{port}/callback")
        ));
    }
    for bad in [
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:/callback",
        "http://127.0.0.1:80x/callback",
        "http://127.0.0.1:80/callback/",
        "http://127.0.0.1:80/callback?x=1",
        "http://127.0.0.1:80/callback#x",
        "http://127.0.0.1:80/other",
        "http://127.0.0.1:80@evil.example/callback",
        "http://evil.example:80/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://localhost:80/callback",
        "http://[::1]:80/callback",
        "http://127.1/callback",
        "http://2130706433/callback",
        "HTTP://127.0.0.1:80/callback",
        "https://127.0.0.1:80/callback",
    ] {
        assert!(!accepts(&fixture, bad), "{bad}");
    }
    let fixture = registered("http://[::1]:9000/callback", "native").unwrap();
    assert!(accepts(&fixture, "http://[::1]:1234/callback"));
    assert!(!accepts(&fixture, "http://127.0.0.1:1234/callback"));
}

#[test]
fn s7_3_the_code_is_bound_to_the_very_port() {
    let fixture = Fixture::new();
    let uri = "http://127.0.0.1:51004/callback";
    let response = fixture.approve(&changed(&app_query("openid"), &[("redirect_uri", uri)]));
    assert!(response.location().unwrap().starts_with(&format!("{uri}?")));
    let redeem = |redirect_uri: &str| {
        fixture.token(&[
            ("grant_type", "authorization_code"),
            ("client_id", "notes-app"),
            ("code", &code(&response)),
            ("redirect_uri", redirect_uri),
            ("code_verifier", VERIFIER),
        ])
    };
    for other in [APP_CALLBACK, "http://127.0.0.1:51005/callback"] {
        assert_eq!(
            redeem(other).unwrap_err().status(),
            Status::InvalidGrantRedirectUri
        );
    }
    assert!(redeem(uri).is_ok());
}

#[test]
fn s8_3_localhost_is_a_name_and_compared_as_one() {
    let fixture = registered("http://localhost:3000/callback", "native").unwrap();
    assert!(accepts(&fixture, "http://localhost:3000/callback"));
    assert!(!accepts(&fixture, "http://localhost:3001/callback"));
    assert!(!accepts(&fixture, "http://127.0.0.1:3000/callback"));
}

#[test]
fn s7_1_a_custom_scheme_holds_a_dot_and_belongs_to_a_native_app() {
    let fixture = registered("com.example.notes:/callback", "native").unwrap();
    assert!(accepts(&fixture, "com.example.notes:/callback"));
    for bad in [
        "com.example.notes:/callback2",
        "com.example.notes://callback",
        "com.example.notes.evil:/callback",
    ] {
        assert!(!accepts(&fixture, bad), "{bad}");
    }
    for (uri, application_type) in [
        ("notes:/callback", "native"),
        ("javascript:alert(1)", "native"),
        ("data:text/html,x", "native"),
        ("file:///callback", "native"),
        ("com.example.notes:/callback", "spa"),
        ("http://notes.example.com/callback", "native"),
        ("https://notes.example.com/callback#x", "native"),
        ("https://*.example.com/callback", "native"),
        ("https://user@notes.example.com/callback", "native"),
        ("/callback", "native"),
        ("", "native"),
    ] {
        assert_eq!(
            registered(uri, application_type).err(),
            Some(Status::Config),
            "{uri}"
        );
    }
}

#[test]
fn s7_2_a_claimed_https_uri_is_compared_exactly() {
    let fixture = registered("https://app.example.com/callback", "native").unwrap();
    assert!(accepts(&fixture, "https://app.example.com/callback"));
    for bad in [
        "https://app.example.com:443/callback",
        "https://app.example.com/Callback",
        "https://APP.example.com/callback",
    ] {
        assert!(!accepts(&fixture, bad), "{bad}");
    }
}

#[test]
fn s8_4_native_apps_are_public_clients() {
    let fixture = Fixture::new();
    let client = json!({"client_id": "app-2", "application_type": "native", "redirect_uris": [APP_CALLBACK]});
    fixture.engine.put_client_json(&client.to_string()).unwrap();
    // §8.1: and so they use PKCE, without being told.
    let query = changed(
        &app_query("openid"),
        &[
            ("client_id", "app-2"),
            ("code_challenge", ""),
            ("code_challenge_method", ""),
        ],
    );
    assert_eq!(fixture.refused(&query).0, Status::InvalidRequestPkce);
}

proptest! {
    /// Whatever stands between host and path: a port, nothing, or a refusal.
    #[test]
    fn s7_3_nothing_but_a_port_fits_between_host_and_path(between in "[:@.0-9a-z/%?#-]{0,8}") {
        let fixture = Fixture::new();
        let is_port = between.strip_prefix(':').is_some_and(|port| {
            port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u32>().is_ok_and(|p| (1..=65535).contains(&p))
        });
        let uri = format!("http://127.0.0.1{between}/callback");
        prop_assert_eq!(accepts(&fixture, &uri), between.is_empty() || is_port, "{}", uri);
    }
}
