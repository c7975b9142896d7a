//! Every algorithm, through the engine: what it signs is verified here with ring and the published
//! JWKS alone, as a stranger would; and whoever holds one API's secret can speak for that API only.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use grantlet::{Config, Engine, Status};
use ring::{hmac, signature};
use serde_json::{Value, json};

use crate::support::{API, Fixture, ISSUER, START, decode, tenant};

const SECRET: &str = "an API's own secret of 32 bytes..";
const OTHER: &str = "https://other.example.com/";

/// Whether `token` was signed by the key that the JWKS has under the token's `kid`.
fn stranger_accepts(jwks: &Value, token: &str) -> bool {
    let (header, _) = decode(token);
    let (input, signature) = token.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let Some(key) = jwks["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == header["kid"])
    else {
        return false;
    };
    assert_eq!(key["alg"], header["alg"]);
    assert_eq!(key["use"], "sig");
    let bytes = |name: &str| {
        BASE64_URL_SAFE_NO_PAD
            .decode(key[name].as_str().unwrap())
            .unwrap()
    };
    let with = |algorithm: &'static dyn signature::VerificationAlgorithm, public: &[u8]| {
        signature::UnparsedPublicKey::new(algorithm, public)
            .verify(input.as_bytes(), &signature)
            .is_ok()
    };
    let point = || [vec![4], bytes("x"), bytes("y")].concat();
    let rsa = |parameters: &'static signature::RsaParameters| {
        signature::RsaPublicKeyComponents {
            n: bytes("n"),
            e: bytes("e"),
        }
        .verify(parameters, input.as_bytes(), &signature)
        .is_ok()
    };
    match key["alg"].as_str().unwrap() {
        "ES256" => with(&signature::ECDSA_P256_SHA256_FIXED, &point()),
        "ES384" => with(&signature::ECDSA_P384_SHA384_FIXED, &point()),
        "EdDSA" => with(&signature::ED25519, &bytes("x")),
        "RS256" => rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        "PS256" => rsa(&signature::RSA_PSS_2048_8192_SHA256),
        other => panic!("{other} is published"),
    }
}

/// The keys of `tests/vectors/keys.json` as a configuration's `keys.signing`, one of each algorithm.
fn keys() -> Value {
    let vectors: Value = serde_json::from_str(include_str!("../vectors/keys.json")).unwrap();
    let jwk = |name: &str| {
        let found = vectors["keys"]
            .as_array()
            .unwrap()
            .iter()
            .find(|key| key["name"] == name);
        found.unwrap()["private_jwk"].clone()
    };
    let mut ps256 = jwk("rsa2048");
    ps256["alg"] = "PS256".into();
    ps256["kid"] = "the same RSA key as PS256".into();
    let rs256 = json!({"alg": "RS256", "pem": vectors["keys"].as_array().unwrap().iter()
        .find(|key| key["name"] == "rsa2048").unwrap()["pem"]["pkcs8"]});
    json!([jwk("p256"), jwk("p384"), jwk("ed25519"), rs256, ps256])
}

/// An engine whose first API and whose notes-app use these algorithms.
fn with(access_token: &str, id_token: &str) -> Fixture {
    let mut tenant = tenant();
    tenant["keys"] = json!({"signing": keys()});
    tenant["apis"][0]["signing_alg"] = access_token.into();
    tenant["clients"][2]["id_token_signed_response_alg"] = id_token.into();
    Fixture::of(Config::from_value(tenant).unwrap(), |builder| builder)
}

/// The token with one bit of its signature changed.
fn tampered(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let mut signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    signature[3] ^= 1;
    format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn each_asymmetric_algorithm_signs_tokens_that_a_stranger_verifies() {
    for algorithm in ["ES256", "ES384", "EdDSA", "RS256", "PS256"] {
        let fixture = with(algorithm, algorithm);
        let first = fixture.sign_in();
        let again = fixture
            .refresh(first.refresh_token.as_deref().unwrap())
            .unwrap();
        let jwks = fixture.engine.jwks();
        for tokens in [&first, &again] {
            let (access, id) = (&tokens.access_token, tokens.id_token.as_deref().unwrap());
            for token in [access, id] {
                assert_eq!(decode(token).0["alg"], algorithm);
                assert!(stranger_accepts(&jwks, token), "{algorithm}");
                assert!(!stranger_accepts(&jwks, &tampered(token)), "{algorithm}");
            }
            assert!(fixture.engine.verify(access, API, &["read:notes"]).is_ok());
            let refused = fixture
                .engine
                .verify(&tampered(access), API, &[])
                .unwrap_err();
            assert_eq!(
                refused.status(),
                Status::InvalidTokenSignature,
                "{algorithm}"
            );
        }
    }
}

/// OIDC Core §3.1.3.6: `at_hash` is made with the hash of the ID token's algorithm.
#[test]
fn oidc_s3_1_3_6_at_hash_follows_the_id_tokens_algorithm() {
    use ring::digest::{SHA256, SHA384, SHA512, digest};
    for (algorithm, hash) in [
        ("ES256", &SHA256),
        ("ES384", &SHA384),
        ("EdDSA", &SHA512),
        ("RS256", &SHA256),
        ("PS256", &SHA256),
    ] {
        let tokens = with("ES256", algorithm).sign_in();
        let whole = digest(hash, tokens.access_token.as_bytes());
        let half = &whole.as_ref()[..whole.as_ref().len() / 2];
        let claims = decode(tokens.id_token.as_deref().unwrap()).1;
        assert_eq!(
            claims["at_hash"],
            BASE64_URL_SAFE_NO_PAD.encode(half),
            "{algorithm}"
        );
    }
}

#[test]
fn the_jwks_has_every_public_half_and_no_private_one() {
    let fixture = with("RS256", "EdDSA");
    let jwks = fixture.engine.jwks();
    let algorithms = jwks["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["alg"].as_str().unwrap());
    for algorithm in ["ES256", "ES384", "EdDSA", "RS256", "PS256"] {
        assert!(
            algorithms.clone().any(|other| other == algorithm),
            "{algorithm}"
        );
    }
    for key in jwks["keys"].as_array().unwrap() {
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key.get(private).is_none(), "{private} of {key}");
        }
    }
}

#[test]
fn rsa_without_an_imported_key_is_a_clear_error() {
    for place in ["apis", "clients"] {
        let mut tenant = tenant();
        let name = if place == "apis" {
            "signing_alg"
        } else {
            "id_token_signed_response_alg"
        };
        tenant[place][0][name] = "RS256".into();
        let error = Engine::new(Config::from_value(tenant).unwrap()).unwrap_err();
        assert_eq!(error.status(), Status::ConfigKey);
        assert!(
            error.description().contains("RS256") && error.description().contains("import"),
            "{error}"
        );
    }
}

fn with_secret() -> Fixture {
    Fixture::with(|tenant| tenant["apis"][0]["signing_secret"] = SECRET.into())
}

fn hs256(secret: &str, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", part(header), part(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!(
        "{input}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key, input.as_bytes()))
    )
}

#[test]
fn hs256_signs_access_tokens_under_the_apis_own_secret_which_nobody_sees() {
    let fixture = with_secret();
    let tokens = fixture.sign_in();
    let (header, claims) = decode(&tokens.access_token);
    assert_eq!(header["alg"], "HS256");
    let (input, signature) = tokens.access_token.rsplit_once('.').unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert!(hmac::verify(&key, input.as_bytes(), &signature).is_ok());
    assert!(
        fixture
            .engine
            .verify(&tokens.access_token, API, &["read:notes"])
            .is_ok()
    );
    assert_eq!(claims["sub"], "alice");
    // The ID token is the client's, and asymmetric all the same.
    assert!(stranger_accepts(
        &fixture.engine.jwks(),
        tokens.id_token.as_deref().unwrap()
    ));
    assert!(
        !fixture
            .engine
            .jwks()
            .to_string()
            .contains(header["kid"].as_str().unwrap())
    );
}

#[test]
fn hs256_signs_no_id_token() {
    let mut tenant = tenant();
    tenant["clients"][2]["id_token_signed_response_alg"] = "HS256".into();
    let error = Config::from_value(tenant).unwrap_err();
    assert!(error.description().contains("asymmetric"), "{error}");
}

/// RFC 8725 §3.1, §3.10: who holds an API's secret can make tokens for that API, and for nobody else.
#[test]
fn an_apis_secret_speaks_for_that_api_alone() {
    let fixture = with_secret();
    let genuine = fixture.sign_in();
    let header = Value::Object(decode(&genuine.access_token).0);
    let claims = |aud: Value| {
        json!({
            "iss": ISSUER, "aud": aud, "sub": "mallory", "client_id": "notes-app", "iat": START, "exp": START + 60,
            "jti": "AAAAAAAAAAAAAAAAAAAAAA", "scope": "openid read:notes read:files",
        })
    };
    let forge = |aud: Value| hs256(SECRET, &header, &claims(aud));
    let userinfo = format!("{ISSUER}userinfo");
    // The API's own affair.
    assert!(fixture.engine.verify(&forge(json!(API)), API, &[]).is_ok());
    for aud in [
        json!([API, OTHER]),
        json!([OTHER, API]),
        json!(OTHER),
        json!([API, userinfo]),
    ] {
        for audience in [OTHER, &userinfo] {
            let refused = fixture.engine.verify(&forge(aud.clone()), audience, &[]);
            assert!(refused.is_err(), "{aud} passes for {audience}");
        }
    }
    for aud in [json!(API), json!([API, userinfo]), json!(userinfo)] {
        assert!(
            fixture.engine.userinfo(&forge(aud.clone())).is_err(),
            "{aud} passes at /userinfo"
        );
    }
    // Another key's name on it helps nothing.
    for key in fixture.engine.jwks()["keys"].as_array().unwrap() {
        let mut header = header.clone();
        header["kid"] = key["kid"].clone();
        let confused = hs256(SECRET, &header, &claims(json!(OTHER)));
        assert!(fixture.engine.verify(&confused, OTHER, &[]).is_err());
    }
}

#[test]
fn two_apis_with_secrets_of_their_own_do_not_take_each_others_tokens() {
    let fixture = Fixture::with(|tenant| {
        tenant["apis"][0]["signing_secret"] = SECRET.into();
        tenant["apis"][2]["signing_secret"] = "the other API's secret of 32 bytes".into();
    });
    let token = fixture.sign_in().access_token;
    let (header, mut claims) = decode(&token);
    claims.insert("aud".into(), OTHER.into());
    let forged = hs256(SECRET, &Value::Object(header), &Value::Object(claims));
    assert!(fixture.engine.verify(&forged, OTHER, &[]).is_err());
    assert!(fixture.engine.verify(&token, API, &[]).is_ok());
}
