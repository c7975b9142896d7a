//! RFC 8707: resource indicators, and Auth0's `audience` beside them.

use grantlet::Status;
use serde_json::json;

use crate::support::{
    API, APP_CALLBACK, Fixture, VERIFIER, WEB_SECRET, app_query, changed, code, decode, encode,
    param,
};

const OTHER: &str = "https://other.example.com/";
const ONLINE: &str = "https://online.example.com/";

/// An authorization request for these resources, by `resource` alone.
fn query(scope: &str, resources: &[&str]) -> String {
    let pairs: Vec<_> = resources
        .iter()
        .map(|resource| ("resource", *resource))
        .collect();
    format!(
        "{}&{}",
        changed(&app_query(scope), &[("audience", "")]),
        encode(&pairs)
    )
}

fn redeem(
    fixture: &Fixture,
    code: &str,
    more: &[(&str, &str)],
) -> Result<grantlet::TokenResponse, Status> {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "notes-app"),
        ("code", code),
        ("redirect_uri", APP_CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    fixture
        .token(&[&form[..], more].concat())
        .map_err(|error| error.status())
}

#[test]
fn s2_a_resource_is_an_absolute_uri_without_a_fragment() {
    let fixture = Fixture::with(|tenant| {
        for identifier in ["notes", "https://fragment.example/#x"] {
            tenant["apis"]
                .as_array_mut()
                .unwrap()
                .push(json!({"identifier": identifier}));
        }
    });
    for bad in [
        "notes",
        "https://fragment.example/#x",
        "/relative",
        "https://unknown.example/",
        "https://api.example.com",
    ] {
        let (status, response) = fixture.refused(&query("openid", &[bad]));
        assert_eq!(status, Status::InvalidTarget, "{bad}");
        assert_eq!(
            param(&response.unwrap(), "error").as_deref(),
            Some("invalid_target")
        );
        let code = fixture.app_code("openid");
        assert_eq!(
            redeem(&fixture, &code, &[("resource", bad)]).unwrap_err(),
            Status::InvalidTarget,
            "{bad}"
        );
    }
    // Auth0's audience may be any name.
    let named = changed(&app_query("openid"), &[("audience", "notes")]);
    let token = redeem(&fixture, &code(&fixture.approve(&named)), &[])
        .unwrap()
        .access_token;
    assert!(fixture.engine.verify(&token, "notes", &[]).is_ok());
}

#[test]
fn s2_1_the_resource_becomes_the_audience() {
    let fixture = Fixture::new();
    for name in ["audience", "resource"] {
        let query = changed(&app_query("read:files"), &[("audience", ""), (name, OTHER)]);
        let code = code(&fixture.approve(&query));
        let token = redeem(&fixture, &code, &[]).unwrap().access_token;
        assert_eq!(decode(&token).1["aud"], OTHER);
    }
}

#[test]
fn s2_1_one_bad_resource_among_good_ones_is_refused() {
    let fixture = Fixture::new();
    let query = query("openid", &[API, "https://unknown.example/"]);
    assert_eq!(fixture.refused(&query).0, Status::InvalidTarget);
}

#[test]
fn s2_2_of_several_resources_each_token_is_for_one_and_sees_its_own_scope() {
    let fixture = Fixture::new();
    let query = query("openid read:notes read:files offline_access", &[API, OTHER]);
    let pending = fixture.engine.authorize(&query).unwrap();
    assert_eq!(pending.request().audience, [API, OTHER]);
    let first = redeem(&fixture, &code(&fixture.approve(&query)), &[]).unwrap();
    assert_eq!(decode(&first.access_token).1["aud"], API);
    assert_eq!(first.scope, "openid read:notes offline_access");
    let mut token = first.refresh_token.unwrap();
    for (resource, answer) in [
        (OTHER, Ok("openid read:files offline_access")),
        (API, Ok("openid read:notes offline_access")),
        (ONLINE, Err(Status::InvalidTarget)),
    ] {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "notes-app"),
            ("refresh_token", &*token),
            ("resource", resource),
        ];
        let tokens = fixture.token(&form).map_err(|error| error.status());
        assert_eq!(
            tokens
                .as_ref()
                .map(|tokens| tokens.scope.as_str())
                .map_err(|s| *s),
            answer
        );
        if let Ok(tokens) = tokens {
            assert_eq!(decode(&tokens.access_token).1["aud"], resource);
            token = tokens.refresh_token.unwrap();
        }
    }
}

#[test]
fn s2_2_a_token_request_may_only_narrow() {
    let fixture = Fixture::new();
    for (more, answer) in [
        (&[("resource", API)][..], Ok(())),
        (&[("audience", API)], Ok(())),
        (&[("audience", API), ("resource", API)], Ok(())),
        (&[("resource", OTHER)], Err(Status::InvalidTarget)),
        (&[("audience", OTHER)], Err(Status::InvalidTarget)),
        (
            &[("audience", API), ("resource", OTHER)],
            Err(Status::InvalidTarget),
        ),
        (
            &[("resource", API), ("resource", OTHER)],
            Err(Status::InvalidTarget),
        ),
    ] {
        let code = fixture.app_code("openid read:notes");
        assert_eq!(
            redeem(&fixture, &code, more).map(|_| ()),
            answer,
            "{more:?}"
        );
    }
}

#[test]
fn s2_2_a_token_for_userinfo_is_always_within_the_grant() {
    let fixture = Fixture::new();
    let userinfo = fixture.engine.metadata()["userinfo_endpoint"]
        .as_str()
        .unwrap()
        .to_owned();
    let code = fixture.app_code("openid read:notes");
    let tokens = redeem(&fixture, &code, &[("resource", &userinfo)]).unwrap();
    assert_eq!(decode(&tokens.access_token).1["aud"], *userinfo);
    // The API's scopes do not go where nobody knows them.
    assert_eq!(tokens.scope, "openid");
    assert!(
        fixture
            .engine
            .verify(&tokens.access_token, API, &[])
            .is_err()
    );
    assert_eq!(fixture.userinfo(&tokens.access_token).status, 200);
}

#[test]
fn s2_client_credentials_name_one_resource() {
    let fixture = Fixture::new();
    for (more, answer) in [
        (&[("resource", API)][..], Ok(())),
        (&[("audience", API)], Ok(())),
        (&[], Err(Status::InvalidTarget)),
        (&[("resource", OTHER)], Err(Status::InvalidTarget)),
        (
            &[("resource", API), ("resource", API)],
            Err(Status::InvalidTarget),
        ),
        (&[("resource", "notes")], Err(Status::InvalidTarget)),
    ] {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "notes-service"),
            ("client_secret", WEB_SECRET),
        ];
        let answered = fixture.token(&[&form[..], more].concat());
        assert_eq!(
            answered.map(|_| ()).map_err(|error| error.status()),
            answer,
            "{more:?}"
        );
    }
}

#[test]
fn s3_a_request_names_a_limited_number_of_resources() {
    let fixture = Fixture::with(|tenant| {
        for n in 0..17 {
            tenant["apis"]
                .as_array_mut()
                .unwrap()
                .push(json!({"identifier": format!("https://{n}.example/")}));
        }
    });
    let names: Vec<String> = (0..17).map(|n| format!("https://{n}.example/")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(
        fixture
            .engine
            .authorize(&query("openid", &names[..16]))
            .is_ok()
    );
    assert_eq!(
        fixture.refused(&query("openid", &names)).0,
        Status::InvalidTarget
    );
}
