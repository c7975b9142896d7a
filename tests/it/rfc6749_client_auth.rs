//! RFC 6749 §2.3: how a client proves who it is, at every endpoint that asks.

use grantlet::{FormRequest, Status};

use crate::support::{API, FORM, Fixture, WEB_SECRET, basic, encode, json_of};

/// What a service posts, without its authentication.
const FORM_BODY: [(&str, &str); 2] = [("grant_type", "client_credentials"), ("audience", API)];

/// An engine on which notes-service authenticates as told.
fn service(method: &str, client_id: &str, secret: &str) -> Fixture {
    Fixture::with(|tenant| {
        let client = &mut tenant["clients"][4];
        client["client_id"] = client_id.into();
        client["client_secret"] = secret.into();
        client["token_endpoint_auth_method"] = method.into();
    })
}

fn post(
    fixture: &Fixture,
    form: &[(&str, &str)],
    authorization: Option<&str>,
) -> Result<(), Status> {
    let form = encode(&[&FORM_BODY, form].concat());
    let request = FormRequest {
        form: &form,
        authorization,
    };
    fixture
        .engine
        .token(request)
        .map(|_| ())
        .map_err(|error| error.status())
}

#[test]
fn s2_3_1_each_method_is_taken_as_registered_and_no_other() {
    let id = ("client_id", "notes-service");
    let in_form = [id, ("client_secret", WEB_SECRET)];
    let header = basic("notes-service", WEB_SECRET);
    let by_post = service("client_secret_post", "notes-service", WEB_SECRET);
    let by_basic = service("client_secret_basic", "notes-service", WEB_SECRET);
    assert_eq!(post(&by_post, &in_form, None), Ok(()));
    assert_eq!(post(&by_basic, &[], Some(&header)), Ok(()));
    assert_eq!(post(&by_basic, &[id], Some(&header)), Ok(()));
    assert_eq!(
        post(&by_post, &[], Some(&header)),
        Err(Status::InvalidClientMethod)
    );
    assert_eq!(
        post(&by_basic, &in_form, None),
        Err(Status::InvalidClientMethod)
    );
    assert_eq!(
        post(&by_basic, &[id], None),
        Err(Status::InvalidClientMethod)
    );
    assert_eq!(
        post(&by_post, &[id], None),
        Err(Status::InvalidClientMethod)
    );
    assert_eq!(post(&by_post, &[], None), Err(Status::InvalidClientMissing));
}

#[test]
fn s2_3_more_than_one_method_is_refused() {
    let fixture = service("client_secret_basic", "notes-service", WEB_SECRET);
    let header = basic("notes-service", WEB_SECRET);
    for form in [
        &[
            ("client_id", "notes-service"),
            ("client_secret", WEB_SECRET),
        ][..],
        &[("client_secret", WEB_SECRET)],
        &[("client_id", "notes-web")],
    ] {
        assert_eq!(
            post(&fixture, form, Some(&header)),
            Err(Status::InvalidRequest),
            "{form:?}"
        );
    }
}

#[test]
fn s2_3_1_basic_credentials_are_form_decoded() {
    let (id, secret) = ("my service:1%", "a+b c:d%é/=");
    let fixture = service("client_secret_basic", id, secret);
    let encoded = |text: &str| encode(&[("", text)])[1..].to_owned();
    assert_eq!(
        post(&fixture, &[], Some(&basic(&encoded(id), &encoded(secret)))),
        Ok(())
    );
}

#[test]
fn s2_3_1_a_secret_that_a_client_forgot_to_encode_is_taken_as_it_stands() {
    let secret = "base64+with/plus==";
    let fixture = service("client_secret_basic", "notes-service", secret);
    assert_eq!(
        post(&fixture, &[], Some(&basic("notes-service", secret))),
        Ok(())
    );
    let other = basic("notes-service", "base64 with/plus==");
    assert_eq!(
        post(&fixture, &[], Some(&other)),
        Err(Status::InvalidClientSecret)
    );
}

#[test]
fn s2_3_1_malformed_basic_credentials_are_refused() {
    let fixture = service("client_secret_basic", "notes-service", WEB_SECRET);
    let good = basic("notes-service", WEB_SECRET);
    let long = format!("Basic {}", "A".repeat(20_000));
    for header in [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic bm9jb2xvbg==",
        "Basic /////w==",
        &long,
        &good[..good.len() - 3],
    ] {
        let refused = post(&fixture, &[], Some(header)).unwrap_err();
        assert_eq!(
            refused.class(),
            grantlet::Class::InvalidClient,
            "{header:.40}"
        );
    }
    for header in [
        format!("Bearer {WEB_SECRET}"),
        good.replace("Basic", "Digest"),
    ] {
        assert_eq!(
            post(&fixture, &[], Some(&header)),
            Err(Status::InvalidClientMethod)
        );
    }
    // RFC 7235 §2.1: the scheme's case does not matter.
    assert_eq!(
        post(&fixture, &[], Some(&good.replace("Basic", "bAsIc"))),
        Ok(())
    );
}

#[test]
fn s2_3_1_an_unknown_client_and_a_wrong_secret_look_alike() {
    let fixture = Fixture::new();
    let answer = |id: &str| {
        let form = [
            &FORM_BODY[..],
            &[("client_id", id), ("client_secret", "wrong")],
        ]
        .concat();
        let response = fixture.post("/oauth/token", &form);
        (response.status, response.headers.clone(), response.body)
    };
    assert_eq!(answer("notes-service"), answer("nobody"));
}

#[test]
fn s5_2_a_failed_authentication_is_401_at_every_endpoint_and_a_challenge_to_basic() {
    let fixture = Fixture::new();
    let wrong = basic("notes-basic", "wrong");
    for endpoint in ["/oauth/token", "/oauth/revoke", "/oauth/introspect"] {
        for (headers, challenge) in [
            (&[FORM][..], None),
            (
                &[FORM, ("authorization", &*wrong)],
                Some("Basic realm=\"oauth\", charset=\"UTF-8\""),
            ),
        ] {
            let body = "token=x&grant_type=refresh_token";
            let response = fixture.http("POST", endpoint, headers, body);
            assert_eq!(response.status, 401, "{endpoint}");
            assert_eq!(json_of(&response)["error"], "invalid_client");
            assert_eq!(response.header("www-authenticate"), challenge);
            assert_eq!(response.header("cache-control"), Some("no-store"));
        }
    }
}

#[test]
fn s2_3_client_assertions_are_not_passed_over() {
    let fixture = Fixture::new();
    for name in ["client_assertion", "client_assertion_type"] {
        let form = [("client_id", "notes-app"), (name, "x")];
        assert_eq!(
            post(&fixture, &form, None),
            Err(Status::InvalidClientMethod)
        );
    }
}

#[test]
fn s2_1_a_public_client_has_no_secret() {
    let fixture = Fixture::new();
    let token = fixture.sign_in().refresh_token.unwrap();
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &*token),
        ("client_id", "notes-app"),
        ("client_secret", "anything"),
    ];
    assert_eq!(
        fixture.token(&form).unwrap_err().status(),
        Status::InvalidClientMethod
    );
    let header = basic("notes-app", "");
    let form = encode(&form[..2]);
    let request = FormRequest {
        form: &form,
        authorization: Some(&header),
    };
    assert_eq!(
        fixture.engine.token(request).unwrap_err().status(),
        Status::InvalidClientMethod
    );
}

#[test]
fn s2_3_1_a_second_secret_serves_while_the_first_is_replaced() {
    let hash = |secret: &[u8]| {
        let hash = grantlet::SecretHash::new(secret, &grantlet::SystemRandom::default());
        hash.unwrap().to_string()
    };
    let fixture = Fixture::with(|tenant| {
        let client = tenant["clients"][4].as_object_mut().unwrap();
        client.remove("client_secret");
        client.insert(
            "client_secret_hash".into(),
            [hash(b"old"), hash(b"new")].into(),
        );
    });
    for (secret, answer) in [
        ("old", Ok(())),
        ("new", Ok(())),
        ("ol", Err(Status::InvalidClientSecret)),
    ] {
        let form = [("client_id", "notes-service"), ("client_secret", secret)];
        assert_eq!(post(&fixture, &form, None), answer, "{secret}");
    }
}
