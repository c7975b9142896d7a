//! RFC 7515, RFC 7519 and RFC 8725 at `Engine::verify`: what a forger would try, with the engine's
//! own key at hand where that makes the forgery better.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use grantlet::{Algorithm, Class, Config, SigningKey, Status, SystemRandom};
use serde_json::{Value, json};

use crate::support::{API, Fixture, ISSUER, START, key_twins, signed, tenant};

/// An engine, and the key that signs its tokens.
fn engine() -> (Fixture, SigningKey) {
    let (key, twin) = key_twins(Algorithm::ES256);
    let config = Config::from_value(tenant()).unwrap();
    (
        Fixture::of(config, |builder| builder.signing_key(key)),
        twin,
    )
}

fn header(key: &SigningKey) -> Value {
    json!({"alg": key.algorithm().name(), "kid": key.kid(), "typ": "at+jwt"})
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": API, "sub": "alice", "client_id": "notes-app", "scope": "read:notes",
        "iat": START, "exp": START + 60, "jti": "a-token-of-no-grant",
    })
}

/// `object` with one member replaced, or removed by null.
fn with(mut object: Value, name: &str, value: Value) -> Value {
    let members = object.as_object_mut().unwrap();
    match value {
        Value::Null => members.remove(name),
        value => members.insert(name.into(), value),
    };
    object
}

fn verify(fixture: &Fixture, token: &str) -> Result<(), Status> {
    fixture
        .engine
        .verify(token, API, &[])
        .map(|_| ())
        .map_err(|error| error.status())
}

#[track_caller]
fn refused(fixture: &Fixture, token: &str) {
    let error = fixture.engine.verify(token, API, &[]).unwrap_err();
    assert_eq!(error.class(), Class::InvalidToken, "{error:?}");
    assert_eq!(fixture.userinfo(token).status, 401);
}

#[test]
fn rfc7519_s4_1_each_claim_that_matters_is_checked() {
    let (fixture, key) = engine();
    assert_eq!(
        verify(&fixture, &signed(&key, &header(&key), &claims())),
        Ok(())
    );
    for (name, value, answer) in [
        (
            "iss",
            json!("https://id.example.com"),
            Err(Status::InvalidToken),
        ),
        ("iss", Value::Null, Err(Status::InvalidToken)),
        ("iss", json!([ISSUER]), Err(Status::InvalidToken)),
        ("aud", Value::Null, Err(Status::InvalidToken)),
        (
            "aud",
            json!("https://nowhere.example/"),
            Err(Status::InvalidToken),
        ),
        (
            "aud",
            json!("https://other.example.com/"),
            Err(Status::InvalidTokenAudience),
        ),
        ("aud", json!([API]), Ok(())),
        ("aud", json!(["https://nowhere.example/", API]), Ok(())),
        ("aud", json!([[API]]), Err(Status::InvalidToken)),
        ("aud", json!({"0": API}), Err(Status::InvalidToken)),
        ("sub", Value::Null, Err(Status::InvalidToken)),
        ("sub", json!(7), Err(Status::InvalidToken)),
        ("client_id", Value::Null, Err(Status::InvalidToken)),
        ("jti", Value::Null, Err(Status::InvalidToken)),
        ("exp", Value::Null, Err(Status::InvalidTokenExpired)),
        ("exp", json!(START), Err(Status::InvalidTokenExpired)),
        ("exp", json!(START - 1), Err(Status::InvalidTokenExpired)),
        ("exp", json!(-1), Err(Status::InvalidTokenExpired)),
        (
            "exp",
            json!((START + 60).to_string()),
            Err(Status::InvalidTokenExpired),
        ),
        ("nbf", json!(START), Ok(())),
        ("nbf", json!(START + 1), Err(Status::InvalidToken)),
        ("unheard_of", json!({"of": 1}), Ok(())),
    ] {
        let token = signed(&key, &header(&key), &with(claims(), name, value.clone()));
        assert_eq!(verify(&fixture, &token), answer, "{name} {value}");
    }
}

#[test]
fn rfc7519_s2_a_numeric_date_may_have_a_fraction() {
    let (fixture, key) = engine();
    let token = |exp: f64| signed(&key, &header(&key), &with(claims(), "exp", json!(exp)));
    assert_eq!(verify(&fixture, &token(1_767_225_610.5)), Ok(()));
    assert_eq!(
        verify(&fixture, &token(1_767_225_599.5)),
        Err(Status::InvalidTokenExpired)
    );
}

#[test]
fn rfc9068_s4_a_token_of_a_grant_that_never_was_is_not_active() {
    let (fixture, key) = engine();
    let jti = BASE64_URL_SAFE_NO_PAD.encode([7; 24]);
    let token = signed(&key, &header(&key), &with(claims(), "jti", json!(jti)));
    assert_eq!(verify(&fixture, &token), Err(Status::InvalidTokenRevoked));
}

#[test]
fn rfc8725_s3_11_the_type_is_explicit() {
    let (fixture, key) = engine();
    for (typ, good) in [
        (json!("at+jwt"), true),
        (json!("AT+JWT"), true),
        (json!("application/at+jwt"), true),
        (json!("JWT"), false),
        (json!("logout+jwt"), false),
        (json!("dpop+jwt"), false),
        (json!(""), false),
        (json!(["at+jwt"]), false),
        (Value::Null, false),
    ] {
        let token = signed(&key, &with(header(&key), "typ", typ.clone()), &claims());
        assert_eq!(verify(&fixture, &token).is_ok(), good, "{typ}");
    }
}

#[test]
fn s4_1_11_an_unknown_crit_is_refused_and_other_members_ignored() {
    let (fixture, key) = engine();
    for crit in [json!(["b64"]), json!(["exp"]), json!([])] {
        refused(
            &fixture,
            &signed(&key, &with(header(&key), "crit", crit), &claims()),
        );
    }
    let extended = with(header(&key), "unheard_of", json!(1));
    assert_eq!(
        verify(&fixture, &signed(&key, &extended, &claims())),
        Ok(())
    );
}

#[test]
fn s4_a_name_given_twice_is_refused() {
    let (fixture, key) = engine();
    let sign = |header: &str, claims: &str| {
        let input = format!(
            "{}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(header),
            BASE64_URL_SAFE_NO_PAD.encode(claims)
        );
        let mut signature = Vec::new();
        key.sign(input.as_bytes(), &mut signature).unwrap();
        format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    };
    let (header, claims) = (header(&key).to_string(), claims().to_string());
    let twice = |json: &str, member: &str| format!("{},{member}}}", &json[..json.len() - 1]);
    assert_eq!(verify(&fixture, &sign(&header, &claims)), Ok(()));
    refused(
        &fixture,
        &sign(&twice(&header, "\"alg\":\"ES256\""), &claims),
    );
    refused(
        &fixture,
        &sign(&twice(&header, "\"typ\":\"at+jwt\""), &claims),
    );
    refused(
        &fixture,
        &sign(&header, &twice(&claims, "\"sub\":\"mallory\"")),
    );
    refused(&fixture, &sign(&header, "[]"));
    refused(&fixture, &sign(&header, "null"));
    refused(&fixture, &sign(&header, &format!("{claims} {{}}")));
}

#[test]
fn rfc8725_s3_1_the_algorithm_is_the_keys() {
    let (fixture, key) = engine();
    let genuine = header(&key);
    for alg in [
        "none", "None", "", "HS256", "HS512", "ES384", "EdDSA", "RS256", "PS256", "es256",
    ] {
        refused(
            &fixture,
            &signed(&key, &with(genuine.clone(), "alg", json!(alg)), &claims()),
        );
    }
    // «none», with nothing for a signature.
    let unsigned = signed(
        &key,
        &with(genuine.clone(), "alg", json!("none")),
        &claims(),
    );
    refused(&fixture, &unsigned[..=unsigned.rfind('.').unwrap()]);
    // The public key as an HMAC secret, in the spellings that a verifier might hold it in.
    let jwk = &fixture.engine.jwks()["keys"][0];
    let x = BASE64_URL_SAFE_NO_PAD
        .decode(jwk["x"].as_str().unwrap())
        .unwrap();
    let y = BASE64_URL_SAFE_NO_PAD
        .decode(jwk["y"].as_str().unwrap())
        .unwrap();
    let point = [&[4][..], &x, &y].concat();
    for secret in [jwk.to_string().into_bytes(), point, x] {
        let hmac = SigningKey::from_secret(&secret).unwrap();
        for kid in [key.kid(), hmac.kid()] {
            let header = json!({"alg": "HS256", "kid": kid, "typ": "at+jwt"});
            refused(&fixture, &signed(&hmac, &header, &claims()));
        }
    }
}

#[test]
fn s6_only_a_key_of_the_issuers_signs() {
    let (fixture, key) = engine();
    let foreign = SigningKey::generate(Algorithm::ES256, &SystemRandom::default()).unwrap();
    let jwk = foreign.public_jwk().unwrap();
    refused(&fixture, &signed(&foreign, &header(&foreign), &claims()));
    refused(&fixture, &signed(&foreign, &header(&key), &claims()));
    // RFC 8725 §3.10: keys that the token brings along.
    let brought = with(header(&foreign), "jwk", jwk);
    refused(&fixture, &signed(&foreign, &brought, &claims()));
    let named = with(header(&foreign), "jku", json!("https://evil.example/jwks"));
    refused(&fixture, &signed(&foreign, &named, &claims()));
    // A kid that names nothing, no kid, and the kid of the next key, which did not sign.
    let next = fixture.engine.jwks()["keys"].as_array().unwrap().clone();
    let next = next.iter().find(|other| other["kid"] != key.kid()).unwrap();
    for kid in [
        json!("x"),
        json!("../../dev/null"),
        Value::Null,
        json!(1),
        next["kid"].clone(),
    ] {
        refused(
            &fixture,
            &signed(&key, &with(header(&key), "kid", kid), &claims()),
        );
    }
}

#[test]
fn s7_1_every_changed_character_is_refused() {
    let fixture = Fixture::new();
    let token = fixture.sign_in().access_token;
    assert_eq!(verify(&fixture, &token), Ok(()));
    for at in 0..token.len() {
        for other in ["A", "b", "-", "=", ".", " ", "+"] {
            if &token[at..=at] != other {
                let mut mangled = token.to_string();
                mangled.replace_range(at..=at, other);
                let refused = fixture.engine.verify(&mangled, API, &[]).unwrap_err();
                assert_eq!(refused.class(), Class::InvalidToken, "{at} {other}");
            }
        }
    }
}

#[test]
fn s7_1_three_parts_of_strict_base64url_and_nothing_else() {
    let fixture = Fixture::new();
    let token = fixture.sign_in().access_token.into_string();
    let (input, signature) = token.rsplit_once('.').unwrap();
    for bad in [
        input.to_owned(),
        format!("{input}."),
        format!("{token}."),
        format!("{token}.x"),
        format!("{token}="),
        format!("Bearer {token}"),
        format!(".{input}.{signature}"),
        format!("{input}..{signature}"),
        token.to_lowercase(),
        json!({"payload": "x", "signatures": []}).to_string(),
        "A".repeat(1_000_000),
        "..".into(),
        "é.é.é".into(),
    ] {
        refused(&fixture, &bad);
    }
    // White space around a token is for HTTP to take off, not for who verifies.
    for bad in [
        format!("{token}\n"),
        format!(" {token}"),
        format!("{input} .{signature}"),
    ] {
        assert_eq!(verify(&fixture, &bad), Err(Status::InvalidToken), "{bad}");
    }
}

#[test]
fn rfc8725_s3_3_an_id_token_is_no_access_token_nor_the_other_way_round() {
    let fixture = Fixture::with(|tenant| {
        // The worst case: an API that has the client's id as its name, in the dialect whose typ is JWT.
        let api =
            json!({"identifier": "notes-app", "token_dialect": "access_token", "scopes": ["x"]});
        tenant["apis"].as_array_mut().unwrap().push(api);
    });
    let id_token = fixture.sign_in().id_token.unwrap();
    for audience in ["notes-app", API] {
        let refused = fixture.engine.verify(&id_token, audience, &[]).unwrap_err();
        assert_eq!(refused.class(), Class::InvalidToken);
    }
    refused(&fixture, &id_token);
}

#[test]
fn rfc8725_s3_8_an_api_with_a_shared_secret_speaks_for_itself_alone() {
    let secret = "a secret that the API itself knows";
    let fixture = Fixture::with(|tenant| {
        tenant["apis"][0]["signing_secret"] = secret.into();
        // Others of the same algorithm: one under the engine's key, one under another secret.
        tenant["apis"][1]["signing_alg"] = "HS256".into();
        tenant["apis"][2]["signing_secret"] = "a secret that another API knows..".into();
    });
    let key = SigningKey::from_secret(secret.as_bytes()).unwrap();
    assert_eq!(
        verify(&fixture, &signed(&key, &header(&key), &claims())),
        Ok(())
    );
    let userinfo = fixture.engine.metadata()["userinfo_endpoint"].clone();
    for aud in [
        json!("https://online.example.com/"),
        json!("https://other.example.com/"),
        userinfo,
        json!("notes-app"),
    ] {
        let claims = with(with(claims(), "aud", aud.clone()), "scope", json!("openid"));
        let forged = signed(&key, &header(&key), &claims);
        let refused = fixture
            .engine
            .verify(&forged, aud.as_str().unwrap(), &[])
            .unwrap_err();
        assert_eq!(refused.status(), Status::InvalidToken, "{aud}");
        assert_eq!(fixture.userinfo(&forged).status, 401);
    }
}

#[test]
fn rfc8725_s3_8_an_api_with_a_shared_secret_cannot_ask_userinfo_about_anybody() {
    let secret = "a secret that the API itself knows";
    let key = SigningKey::from_secret(secret.as_bytes()).unwrap();
    for (dialect, typ) in [("rfc9068_profile", "at+jwt"), ("access_token", "JWT")] {
        let fixture = Fixture::with(|tenant| {
            tenant["apis"][0]["signing_secret"] = secret.into();
            tenant["apis"][0]["token_dialect"] = dialect.into();
        });
        let userinfo = fixture.engine.metadata()["userinfo_endpoint"].clone();
        for aud in [json!(API), json!([API]), json!([API, userinfo])] {
            let claims = with(with(claims(), "aud", aud), "scope", json!("openid profile"));
            let forged = signed(&key, &with(header(&key), "typ", json!(typ)), &claims);
            assert_eq!(fixture.userinfo(&forged).status, 401, "{dialect}");
        }
        let genuine = fixture.sign_in().access_token;
        assert_eq!(crate::support::decode(&genuine).1["aud"], API);
        assert_eq!(fixture.userinfo(&genuine).status, 401);
    }
}

#[test]
fn rfc8725_s3_8_an_api_with_a_shared_secret_takes_no_token_of_the_keyrings() {
    let (key, twin) = key_twins(Algorithm::ES256);
    let mut tenant = tenant();
    tenant["apis"][0]["signing_secret"] = "a secret that the API itself knows".into();
    let config = Config::from_value(tenant).unwrap();
    let fixture = Fixture::of(config, |builder| builder.signing_key(key));
    refused(&fixture, &signed(&twin, &header(&twin), &claims()));
}

#[test]
fn rfc7518_s3_2_a_shared_secret_is_as_long_as_the_hash() {
    for (len, good) in [(31, false), (32, true)] {
        let mut tenant = tenant();
        tenant["apis"][0]["signing_secret"] = "x".repeat(len).into();
        let engine = grantlet::Engine::new(Config::from_value(tenant).unwrap());
        assert_eq!(engine.is_ok(), good, "{len}");
        if let Err(error) = engine {
            assert_eq!(error.status(), Status::ConfigKey);
        }
    }
}

#[test]
fn rfc7518_s3_4_an_es256_signature_is_64_raw_bytes() {
    let fixture = Fixture::new();
    for _ in 0..20 {
        let token = fixture.service_token().access_token;
        let signature = token.rsplit('.').next().unwrap();
        assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap().len(), 64);
    }
}

#[test]
fn every_algorithm_issues_what_it_verifies_and_no_other_keys() {
    for alg in ["ES256", "ES384", "EdDSA", "HS256"] {
        let fixture = Fixture::with(|tenant| tenant["apis"][0]["signing_alg"] = alg.into());
        let token = fixture.sign_in().access_token;
        assert_eq!(crate::support::decode(&token).0["alg"], alg);
        assert_eq!(verify(&fixture, &token), Ok(()), "{alg}");
        let foreign = Fixture::with(|tenant| tenant["apis"][0]["signing_alg"] = alg.into());
        assert_eq!(
            verify(&foreign, &token),
            Err(Status::InvalidTokenSignature),
            "{alg}"
        );
    }
}
