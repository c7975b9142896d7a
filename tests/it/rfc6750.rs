//! RFC 6750: bearer tokens and their challenges, at `/userinfo`.

use grantlet::{Class, Status};

use crate::support::{API, FORM, Fixture, WEB_SECRET, encode, json_of};

/// The challenge's error code; `None` for a bare challenge.
fn error_of(challenge: &str) -> Option<&str> {
    assert!(challenge.starts_with("Bearer realm="), "{challenge}");
    let (_, rest) = challenge.split_once("error=\"")?;
    rest.split('"').next()
}

#[test]
fn s3_a_request_without_credentials_gets_a_bare_challenge() {
    let fixture = Fixture::new();
    for headers in [
        &[][..],
        &[("Authorization", "Bearer ")],
        &[("Authorization", "Bearer")],
        &[("Authorization", "Basic bm90ZXM6c2VjcmV0")],
        &[FORM],
    ] {
        for method in ["GET", "POST"] {
            let response = fixture.http(method, "/userinfo", headers, "");
            assert_eq!(response.status, 401, "{headers:?}");
            assert_eq!(
                response.header("www-authenticate"),
                Some("Bearer realm=\"oauth\"")
            );
            assert!(response.body.is_empty());
        }
    }
}

#[test]
fn s2_the_token_comes_in_the_header_or_in_the_form() {
    let fixture = Fixture::new();
    let token = fixture.sign_in().access_token;
    let form = encode(&[("access_token", &token)]);
    let bearer = format!("Bearer {}", &*token);
    let lower = format!("bearer {}", &*token);
    for (method, headers, body) in [
        ("GET", &[("Authorization", &*bearer)][..], ""),
        ("POST", &[("authorization", &bearer)], ""),
        ("GET", &[("AUTHORIZATION", &lower)], ""),
        ("POST", &[FORM], &form),
        ("POST", &[("Authorization", &bearer), FORM], "x=1"),
        (
            "POST",
            &[
                ("Authorization", &bearer),
                ("Content-Type", "application/json"),
            ],
            "{}",
        ),
    ] {
        let response = fixture.http(method, "/userinfo", headers, body);
        assert_eq!(response.status, 200, "{method} {headers:?}");
        assert_eq!(json_of(&response)["sub"], "alice");
        assert_eq!(response.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn s2_3_the_query_is_no_place_for_a_token() {
    let fixture = Fixture::new();
    let query = encode(&[("access_token", &fixture.sign_in().access_token)]);
    let response = fixture.http("GET", &format!("/userinfo?{query}"), &[], "");
    assert_eq!(response.status, 401);
    // §2.2: nor is the body of a GET, nor of another content type.
    assert_eq!(
        fixture.http("GET", "/userinfo", &[FORM], &query).status,
        401
    );
    let json = ("Content-Type", "text/plain");
    assert_eq!(
        fixture.http("POST", "/userinfo", &[json], &query).status,
        401
    );
}

#[test]
fn s2_one_transport_a_request() {
    let fixture = Fixture::new();
    let token = fixture.sign_in().access_token;
    let form = encode(&[("access_token", &token)]);
    let bearer = format!("Bearer {}", &*token);
    let header = ("Authorization", &*bearer);
    for (headers, body) in [
        (&[header, FORM][..], &*form),
        (&[FORM], &format!("{form}&{form}")),
        (&[header, header], ""),
    ] {
        let response = fixture.http("POST", "/userinfo", headers, body);
        assert_eq!(response.status, 400, "{headers:?}");
        let challenge = response.header("www-authenticate").unwrap();
        assert_eq!(error_of(challenge), Some("invalid_request"));
    }
}

#[test]
fn s3_1_a_bad_token_is_401_and_a_small_scope_403() {
    let fixture = Fixture::new();
    let expired = fixture.sign_in().access_token;
    fixture.clock.advance(3600);
    let revoked = fixture.sign_in();
    let form = encode(&[
        ("client_id", "notes-app"),
        ("token", revoked.refresh_token.as_deref().unwrap()),
    ]);
    let request = grantlet::FormRequest {
        form: &form,
        authorization: None,
    };
    fixture.engine.revoke(request).unwrap();
    let small = fixture
        .redeem(&fixture.app_code("read:notes"))
        .unwrap()
        .access_token;
    let service = fixture.service_token().access_token;
    for (token, status, error) in [
        ("garbage", 401, "invalid_token"),
        (&*expired, 401, "invalid_token"),
        (&*revoked.access_token, 401, "invalid_token"),
        (&*revoked.id_token.unwrap(), 401, "invalid_token"),
        (&*revoked.refresh_token.unwrap(), 401, "invalid_token"),
        (&*small, 403, "insufficient_scope"),
        (&*service, 403, "insufficient_scope"),
    ] {
        let response = fixture.userinfo(token);
        assert_eq!(response.status, status, "{error}");
        let challenge = response.header("www-authenticate").unwrap();
        assert_eq!(error_of(challenge), Some(error));
        assert!(
            !challenge.contains(token),
            "the challenge repeats the token"
        );
        assert_eq!(json_of(&response)["error"], error);
        assert_eq!(response.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn s3_1_verify_tells_its_reasons_apart() {
    let fixture = Fixture::new();
    let token = fixture.sign_in().access_token;
    let verify = |audience: &str, scopes: &[&str]| {
        fixture
            .engine
            .verify(&token, audience, scopes)
            .map(|_| ())
            .map_err(|e| e.status())
    };
    assert_eq!(verify(API, &[]), Ok(()));
    assert_eq!(verify(API, &["read:notes", "openid"]), Ok(()));
    assert_eq!(
        verify(API, &["read:notes", "write:notes"]),
        Err(Status::InsufficientScope)
    );
    assert_eq!(verify(API, &["read"]), Err(Status::InsufficientScope));
    assert_eq!(
        verify(API, &["read:notes openid"]),
        Err(Status::InsufficientScope)
    );
    assert_eq!(verify(API, &[""]), Err(Status::InsufficientScope));
    for audience in ["https://other.example.com/", "https://api.example.com", ""] {
        assert_eq!(
            verify(audience, &[]),
            Err(Status::InvalidTokenAudience),
            "{audience}"
        );
    }
    let missing = fixture.engine.verify("", API, &[]).unwrap_err();
    assert_eq!(missing.status(), Status::InvalidTokenMissing);
    assert_eq!(missing.class(), Class::InvalidToken);
}

#[test]
fn s5_2_a_token_ends_on_its_last_second() {
    let fixture = Fixture::new();
    let token = fixture.token(&[
        ("grant_type", "client_credentials"),
        ("client_id", "notes-service"),
        ("client_secret", WEB_SECRET),
        ("audience", API),
    ]);
    let token = token.unwrap().access_token;
    fixture.clock.advance(3599);
    assert!(fixture.engine.verify(&token, API, &[]).is_ok());
    fixture.clock.advance(1);
    let refused = fixture.engine.verify(&token, API, &[]).unwrap_err();
    assert_eq!(refused.status(), Status::InvalidTokenExpired);
}
