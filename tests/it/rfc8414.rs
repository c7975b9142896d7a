//! RFC 8414 and OpenID Connect Discovery: the metadata and the keys that they lead to (RFC 7517).

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};

use crate::support::{API, Fixture, ISSUER, decode, json_of};

fn at(issuer: &str) -> Fixture {
    Fixture::with(|tenant| tenant["issuer"] = issuer.into())
}

#[test]
fn s3_1_the_well_known_segment_goes_between_host_and_path() {
    for (issuer, rfc8414, discovery) in [
        ("https://a.example", "", ""),
        ("https://a.example/", "", ""),
        ("http://127.0.0.1:8080/", "", ""),
        ("https://a.example/tenant", "/tenant", "/tenant"),
        ("https://a.example/tenant/", "/tenant", "/tenant"),
        ("https://a.example/a/b", "/a/b", "/a/b"),
    ] {
        let fixture = at(issuer);
        let oauth = format!("/.well-known/oauth-authorization-server{rfc8414}");
        let openid = format!("{discovery}/.well-known/openid-configuration");
        for path in [&oauth, &openid] {
            let response = fixture.http("GET", path, &[], "");
            assert_eq!(response.status, 200, "{issuer} {path}");
            assert_eq!(json_of(&response), fixture.engine.metadata());
        }
        let mut wrong = vec!["/.well-known/oauth-authorization-server/x".to_owned()];
        if !discovery.is_empty() {
            wrong.push("/.well-known/oauth-authorization-server".into());
            wrong.push("/.well-known/openid-configuration".into());
            wrong.push(format!(
                "{discovery}/.well-known/oauth-authorization-server"
            ));
        }
        for path in wrong {
            assert_eq!(
                fixture.http("GET", &path, &[], "").status,
                404,
                "{issuer} {path}"
            );
        }
    }
}

#[test]
fn s3_3_the_issuer_is_byte_for_byte_what_was_configured() {
    for issuer in [
        "https://a.example",
        "https://a.example/",
        "https://A.example:443/x/",
        "https://a.example/%7e",
    ] {
        let fixture = at(issuer);
        assert_eq!(fixture.engine.metadata()["issuer"], issuer);
        let tokens = fixture.sign_in();
        for token in [&tokens.access_token, &tokens.id_token.unwrap()] {
            assert_eq!(decode(token).1["iss"], issuer);
        }
    }
}

#[test]
fn s2_an_issuer_is_a_url_without_query_and_fragment() {
    for issuer in [
        "",
        "a.example",
        "ftp://a.example/",
        "https://a.example/?x",
        "https://a.example/#x",
        "https://u@a.example/",
        "https:///x",
        "https:a",
    ] {
        let mut tenant = crate::support::tenant();
        tenant["issuer"] = issuer.into();
        let engine = grantlet::Config::from_value(tenant).and_then(grantlet::Engine::new);
        assert_eq!(
            engine.err().map(|error| error.status()),
            Some(grantlet::Status::Config),
            "{issuer}"
        );
    }
}

#[test]
fn s2_every_endpoint_lies_where_the_metadata_says() {
    for issuer in ["https://a.example/", "https://a.example/tenant"] {
        let fixture = Fixture::with(|tenant| {
            tenant["issuer"] = issuer.into();
            tenant["endpoints"] = json!({"token": "/t", "authorization": "/login/start"});
        });
        let metadata = fixture.engine.metadata();
        let mut found = 0;
        for (name, url) in metadata.as_object().unwrap() {
            if name.ends_with("_endpoint") || name == "jwks_uri" {
                let path = url
                    .as_str()
                    .unwrap()
                    .strip_prefix("https://a.example")
                    .unwrap();
                assert!(!path.contains("//"), "{url}");
                assert_eq!(fixture.http("OPTIONS", path, &[], "").status, 204, "{url}");
                found += 1;
            }
        }
        assert_eq!(found, 6);
    }
}

#[test]
fn s2_the_metadata_promise_what_the_engine_does() {
    let metadata = Fixture::new().engine.metadata();
    for (name, value) in [
        ("response_types_supported", json!(["code"])),
        (
            "response_modes_supported",
            json!(["query", "fragment", "form_post"]),
        ),
        (
            "grant_types_supported",
            json!(["authorization_code", "refresh_token", "client_credentials"]),
        ),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("subject_types_supported", json!(["public"])),
        (
            "token_endpoint_auth_methods_supported",
            json!(["client_secret_basic", "client_secret_post", "none"]),
        ),
        (
            "introspection_endpoint_auth_methods_supported",
            json!(["client_secret_basic", "client_secret_post"]),
        ),
        (
            "authorization_response_iss_parameter_supported",
            json!(true),
        ),
        ("request_parameter_supported", json!(false)),
        // Its default is true (Discovery §3): leaving it out would promise too much.
        ("request_uri_parameter_supported", json!(false)),
    ] {
        assert_eq!(metadata[name], value, "{name}");
    }
    let scopes = metadata["scopes_supported"].as_array().unwrap();
    for scope in ["openid", "offline_access", "read:notes", "read:files"] {
        assert!(scopes.contains(&scope.into()), "{scope}");
    }
    // §3.2: «Claims with zero elements MUST be omitted from the response.»
    for (name, value) in metadata.as_object().unwrap() {
        assert_ne!(value, &json!([]), "{name}");
        assert_ne!(value, &Value::Null, "{name}");
    }
}

#[test]
fn s2_the_metadata_follow_the_registry() {
    let fixture = Fixture::new();
    fixture
        .engine
        .put_api_json(r#"{"identifier": "https://new.example/", "scopes": ["new:scope"]}"#)
        .unwrap();
    fixture.engine.put_client_json(
        r#"{"client_id": "n", "redirect_uris": ["https://n.example/"], "id_token_signed_response_alg": "EdDSA"}"#,
    ).unwrap();
    let metadata = fixture.engine.metadata();
    assert!(
        metadata["scopes_supported"]
            .as_array()
            .unwrap()
            .contains(&"new:scope".into())
    );
    let algorithms = metadata["id_token_signing_alg_values_supported"]
        .as_array()
        .unwrap();
    assert!(algorithms.contains(&"EdDSA".into()) && algorithms.contains(&"ES256".into()));
}

#[test]
fn s3_2_the_documents_may_be_cached() {
    let fixture = Fixture::new();
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/jwks.json",
    ] {
        let response = fixture.http("GET", path, &[], "");
        let cache = response.header("cache-control").unwrap();
        assert!(
            cache.contains("max-age=") && !cache.contains("no-store"),
            "{cache}"
        );
    }
}

#[test]
fn rfc7517_s5_no_private_member_is_ever_published() {
    let fixture = Fixture::with(|tenant| {
        for (index, alg) in ["EdDSA", "ES384", "HS256"].into_iter().enumerate() {
            tenant["apis"][index]["signing_alg"] = alg.into();
        }
    });
    fixture.engine.rotate_keys().unwrap();
    let jwks = fixture.engine.jwks();
    assert_eq!(
        json_of(&fixture.http("GET", "/.well-known/jwks.json", &[], "")),
        jwks
    );
    let keys = jwks["keys"].as_array().unwrap();
    for key in keys {
        assert_ne!(key["kty"], "oct");
        assert_eq!(key["use"], "sig");
        for name in key.as_object().unwrap().keys() {
            assert!(
                ["kty", "crv", "x", "y", "n", "e", "kid", "use", "alg"].contains(&&**name),
                "{name}"
            );
        }
    }
    // Three asymmetric algorithms, each with its previous, current and next key; all told apart.
    let mut kids: Vec<_> = keys
        .iter()
        .map(|key| key["kid"].as_str().unwrap())
        .collect();
    kids.sort_unstable();
    kids.dedup();
    assert_eq!((keys.len(), kids.len()), (9, 9));
}

#[test]
fn rfc7517_s4_5_a_rotation_is_no_hard_cutover() {
    let fixture = Fixture::new();
    let kids = || -> Vec<String> {
        let jwks = fixture.engine.jwks();
        let keys = jwks["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect()
    };
    let kid_of = |token: &str| decode(token).0["kid"].as_str().unwrap().to_owned();
    let before = fixture.sign_in();
    let published = kids();
    fixture.engine.rotate_keys().unwrap();
    let after = fixture.sign_in();
    assert_ne!(kid_of(&after.access_token), kid_of(&before.access_token));
    assert!(
        published.contains(&kid_of(&after.access_token)),
        "published before it signed"
    );
    assert!(
        kids().contains(&kid_of(&before.access_token)),
        "and kept after it did"
    );
    assert!(
        fixture
            .engine
            .verify(&before.access_token, API, &[])
            .is_ok()
    );
    assert!(
        fixture
            .refresh(before.refresh_token.as_deref().unwrap())
            .is_ok()
    );
}

#[test]
fn discovery_s4_3_clients_find_the_issuer_that_signs() {
    let fixture = Fixture::new();
    assert_eq!(fixture.engine.metadata()["issuer"], ISSUER);
    assert_eq!(
        decode(&fixture.sign_in().id_token.unwrap()).1["iss"],
        ISSUER
    );
}

#[test]
fn rfc7638_s3_a_kid_is_the_thumbprint_of_the_required_members() {
    let fixture = Fixture::with(|tenant| {
        tenant["apis"][0]["signing_alg"] = "EdDSA".into();
        tenant["apis"][1]["signing_alg"] = "ES384".into();
    });
    let jwks = fixture.engine.jwks();
    for key in jwks["keys"].as_array().unwrap() {
        let names: &[&str] = match key["kty"].as_str().unwrap() {
            "EC" => &["crv", "kty", "x", "y"],
            "OKP" => &["crv", "kty", "x"],
            other => panic!("{other}"),
        };
        // In lexicographic order, without white space.
        let members: Vec<String> = names
            .iter()
            .map(|name| format!("\"{name}\":{}", key[name]))
            .collect();
        let canonical = format!("{{{}}}", members.join(","));
        let digest = ring::digest::digest(&ring::digest::SHA256, canonical.as_bytes());
        assert_eq!(key["kid"], BASE64_URL_SAFE_NO_PAD.encode(digest));
    }
}
