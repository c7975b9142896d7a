//! Configuration (DESIGN §5): what JSON means, that nothing in it is passed over in silence, that an
//! exported Auth0 tenant is one, and that each error names its place and shows no secret.

use grantlet::{
    Api, ApplicationType, AuthMethod, Client, Config, Defaults, Endpoints, Engine, Error,
    FormRequest, Leeway, RefreshPolicy, Status,
};
use serde_json::{Value, json};

use crate::support::{API, Fixture, WEB_SECRET, app_query, basic, code, decode, encode, tenant};

/// What is wrong with the tenant once it is changed like this.
fn error_of(change: impl FnOnce(&mut Value)) -> Error {
    let mut tenant = tenant();
    change(&mut tenant);
    match Config::from_value(tenant) {
        Err(error) => error,
        Ok(config) => Engine::new(config).unwrap_err(),
    }
}

fn tell(error: &Error) -> String {
    format!(
        "{error} {error:?} {} {:?}",
        error.description(),
        error.detail()
    )
}

#[test]
fn the_least_configuration_works() {
    let config: Config = r#"{"issuer": "http://127.0.0.1:8080/",
        "apis": [{"identifier": "https://api.example.com/", "scopes": ["read:notes"], "allow_offline_access": true}],
        "clients": [{"client_id": "notes-web", "client_secret": "s", "redirect_uris": ["https://notes.example.com/callback"],
            "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "client_secret_post"}]}"#
        .parse()
        .unwrap();
    let metadata = Engine::new(config).unwrap().metadata();
    assert_eq!(
        metadata["token_endpoint"],
        "http://127.0.0.1:8080/oauth/token"
    );
}

#[test]
fn an_unknown_key_is_refused_by_its_name_and_the_nearest_known_one() {
    type Change = fn(&mut Value);
    let cases: [(Change, &str, &str, &str); 10] = [
        (
            |t| t["isuer"] = json!(1),
            "the configuration",
            "isuer",
            "issuer",
        ),
        (
            |t| t["resource_server"] = json!([]),
            "the configuration",
            "resource_server",
            "resource_servers",
        ),
        (
            |t| t["defaults"] = json!({"acess_token_lifetime": 1}),
            "defaults",
            "acess_token_lifetime",
            "access_token_lifetime",
        ),
        (
            |t| t["defaults"] = json!({"refresh_token": {"idle_lifetime": 1}}),
            "defaults.refresh_token",
            "idle_lifetime",
            "idle_token_lifetime",
        ),
        (
            |t| t["endpoints"] = json!({"tokens": "/t"}),
            "endpoints",
            "tokens",
            "token",
        ),
        (
            |t| t["keys"] = json!({"signings": []}),
            "keys",
            "signings",
            "signing",
        ),
        (
            |t| t["apis"][1]["allow_ofline_access"] = json!(true),
            "apis[1]",
            "allow_ofline_access",
            "allow_offline_access",
        ),
        (
            |t| t["apis"][0]["scopes"][1]["descripton"] = json!(""),
            "apis[0].scopes[1]",
            "descripton",
            "description",
        ),
        (
            |t| t["clients"][2]["redirect_uri"] = json!([]),
            "clients[2]",
            "redirect_uri",
            "redirect_uris",
        ),
        (
            |t| t["clients"][2]["refresh_token"] = json!({"rotation": true}),
            "clients[2].refresh_token",
            "rotation",
            "rotation_type",
        ),
    ];
    for (change, place, name, nearest) in cases {
        let error = error_of(change);
        assert_eq!(error.status(), Status::ConfigUnknownKey);
        let expected =
            format!("{place}: unknown key '{name}'; the nearest known key is '{nearest}'");
        assert_eq!(error.description(), expected);
    }
}

#[test]
fn each_error_names_its_place() {
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 24] = [
        (
            |t| drop(t.as_object_mut().unwrap().remove("issuer")),
            "issuer",
        ),
        (|t| t["issuer"] = json!(7), "issuer"),
        (|t| t["issuer"] = json!("ftp://x/"), "issuer"),
        (|t| t["issuer"] = json!("https://x/?q"), "issuer"),
        (|t| t["apis"] = json!({}), "apis"),
        (|t| t["apis"][1] = json!("x"), "apis[1]"),
        (
            |t| drop(t["apis"][1].as_object_mut().unwrap().remove("identifier")),
            "apis[1].identifier",
        ),
        (|t| t["apis"][1]["token_lifetime"] = json!(0), "apis[1]"),
        (
            |t| t["apis"][1]["token_lifetime"] = json!(-1),
            "apis[1].token_lifetime",
        ),
        (|t| t["apis"][1]["scopes"] = json!(["openid"]), "apis[1]"),
        (
            |t| t["apis"][1]["signing_alg"] = json!("none"),
            "apis[1].signing_alg",
        ),
        (
            |t| t["apis"][1]["identifier"] = t["apis"][0]["identifier"].clone(),
            API,
        ),
        (
            |t| t["clients"][1]["client_id"] = json!("notes-web"),
            "notes-web",
        ),
        (
            |t| t["clients"][3]["redirect_uris"] = json!(["/relative"]),
            "clients[3]",
        ),
        (
            |t| t["clients"][3]["redirect_uris"] = json!("https://x/"),
            "clients[3].redirect_uris",
        ),
        (
            |t| t["clients"][3]["grant_types"] = json!(["authorisation_code"]),
            "clients[3]",
        ),
        (
            |t| t["clients"][3]["app_type"] = json!("x"),
            "clients[3].app_type",
        ),
        (
            |t| t["clients"][3]["refresh_token"] = json!({"leeway": "soon"}),
            "clients[3].refresh_token",
        ),
        (
            |t| t["clients"][3]["token_endpoint_auth_method"] = json!("private_key_jwt"),
            "clients[3]",
        ),
        (
            |t| t["client_grants"] = json!([{"client_id": "nobody", "audience": API}]),
            "client_grants[0]",
        ),
        (
            |t| t["default_audience"] = json!("urn:nowhere"),
            "default_audience",
        ),
        (
            |t| t["defaults"] = json!({"authorization_code_lifetime": 601}),
            "defaults.authorization_code_lifetime",
        ),
        (
            |t| t["endpoints"] = json!({"token": "oauth/token"}),
            "endpoints",
        ),
        (
            |t| t["endpoints"] = json!({"token": "/authorize"}),
            "endpoints",
        ),
    ];
    for (change, place) in cases {
        let error = error_of(change);
        assert!(error.description().contains(place), "{place}: {error}");
        assert_eq!(error.class(), grantlet::Class::Config, "{error}");
    }
    let error = Config::from_json("{\"issuer\": \n  oops}").unwrap_err();
    assert!(error.description().contains("line 2, column 3"), "{error}");
}

#[test]
fn no_error_shows_a_secret() {
    // Looks like what serde says, so that a careless cut would show it.
    const SECRET: &str = "sesame expected, expected sesame";
    let mut errors = 0;
    let places: [fn(&mut Value, Value); 14] = [
        |t, s| t["clients"][0]["client_secret"] = json!([s]),
        |t, s| t["clients"][0]["client_secret"] = json!({"value": s}),
        |t, s| t["clients"][0]["client_secret_hash"] = s,
        |t, s| t["clients"][0]["client_secret_hash"] = json!([s]),
        |t, s| t["clients"][0]["require_pkce"] = s,
        |t, s| t["clients"][0]["default_max_age"] = s,
        |t, s| t["apis"][0]["signing_secret"] = json!([s]),
        |t, s| t["apis"][0]["signing_alg"] = s,
        |t, s| t["keys"] = json!({"token": [s]}),
        |t, s| t["keys"] = json!({"signing": [s]}),
        |t, s| t["keys"] = json!({"signing": [{"pem": s}]}),
        |t, s| t["keys"] = json!({"signing": [{"kty": "oct", "k": s}]}),
        |t, s| {
            t["keys"] = json!({"signing": [{"kty": "EC", "crv": "P-256", "x": s, "y": s, "d": s}]})
        },
        |t, s| t["store"] = json!(format!("postgres://user:{}@host/db", s.as_str().unwrap())),
    ];
    for place in places {
        let error = error_of(|tenant| place(tenant, SECRET.into()));
        assert!(!tell(&error).contains("sesame"), "{}", tell(&error));
        errors += 1;
    }
    assert_eq!(errors, places.len());
    let broken = format!("{{\"client_secret\": \"{SECRET}\" \"");
    assert!(!tell(&Config::from_json(&broken).unwrap_err()).contains("sesame"));
}

#[test]
fn a_key_under_two_names_must_be_given_once() {
    let error =
        error_of(|tenant| tenant["clients"][2]["callbacks"] = json!(["https://x.example.com/"]));
    assert!(
        error
            .description()
            .contains("clients[2].callbacks is another name of 'redirect_uris'"),
        "{error}"
    );
    // Null is not given.
    let mut tenant = tenant();
    tenant["clients"][2]["callbacks"] = Value::Null;
    tenant["default_audience"] = Value::Null;
    assert!(Config::from_value(tenant).is_ok());
}

#[test]
fn auth0s_names_mean_the_same() {
    let mut auth0 = tenant();
    let servers = auth0.as_object_mut().unwrap().remove("apis").unwrap();
    auth0["resource_servers"] = servers;
    for client in auth0["clients"].as_array_mut().unwrap() {
        let client = client.as_object_mut().unwrap();
        for (ours, theirs) in [
            ("redirect_uris", "callbacks"),
            ("application_type", "app_type"),
            ("client_name", "name"),
        ] {
            if let Some(value) = client.remove(ours) {
                client.insert(theirs.into(), value);
            }
        }
    }
    let ours = format!("{:?}", without_salts(&tenant()));
    assert_eq!(format!("{:?}", without_salts(&auth0)), ours);
    for (theirs, ours) in [
        ("regular_web", "web"),
        ("native", "native"),
        ("spa", "spa"),
        ("non_interactive", "service"),
    ] {
        let read = |name: &str, value: &str| {
            let mut client = json!({"client_id": "c", "client_secret": "s", "redirect_uris": ["https://x.example.com/"]});
            client[name] = value.into();
            format!(
                "{:?}",
                Config::from_value(json!({"issuer": "https://x/", "clients": [client]})).unwrap()
            )
        };
        assert_eq!(read("app_type", theirs), read("application_type", ours));
    }
}

/// `Debug` of a configuration hides hashes and keys, so two that mean the same look the same.
fn without_salts(tenant: &Value) -> Config {
    Config::from_value(tenant.clone()).unwrap()
}

#[test]
fn the_builder_says_the_same_as_json() {
    let json = json!({
        "issuer": "https://id.example.com/t1",
        "default_audience": API,
        "defaults": {
            "access_token_lifetime": 300, "id_token_lifetime": 200, "authorization_code_lifetime": 30,
            "refresh_token": {"leeway": 3, "idle_token_lifetime": 50, "token_lifetime": 500, "max_live_grants": 5},
        },
        "endpoints": {"token": "/token"},
        "apis": [{
            "identifier": API, "name": "Notes", "scopes": [{"value": "read:notes", "description": "Read"}],
            "allow_offline_access": true, "token_lifetime": 60, "signing_alg": "EdDSA",
            "token_dialect": "access_token", "introspection_clients": ["web"],
        }, {"identifier": "urn:secret", "signing_secret": "0123456789abcdef0123456789abcdef"}],
        "clients": [{
            "client_id": "web", "client_secret": WEB_SECRET, "client_name": "Web", "redirect_uris": ["https://x.example.com/cb"],
            "token_endpoint_auth_method": "client_secret_post", "require_pkce": true, "require_auth_time": true,
            "default_max_age": 9, "id_token_signed_response_alg": "ES384", "id_token_lifetime": 11, "scope": "openid read:notes",
            "client_grants": [{"audience": API, "scope": ["read:notes"]}],
            "refresh_token": {"rotation_type": "non-rotating", "leeway": "until_used", "expiration_type": "non-expiring", "max_live_grants": 7},
        }, {"client_id": "app", "redirect_uris": ["com.example.app:/cb"]},
           {"client_id": "spa", "application_type": "spa", "redirect_uris": ["https://spa.example.com/"]}],
    });
    let defaults = RefreshPolicy {
        leeway: Leeway::Seconds(3),
        idle_token_lifetime: Some(50),
        token_lifetime: Some(500),
        max_live_grants: 5,
        ..RefreshPolicy::default()
    };
    let built = Config::new("https://id.example.com/t1")
        .default_audience(API)
        .defaults(Defaults {
            access_token_lifetime: 300,
            id_token_lifetime: 200,
            authorization_code_lifetime: 30,
            refresh_token: defaults,
        })
        .endpoints(Endpoints {
            token: "/token".into(),
            ..Endpoints::default()
        })
        .api(
            Api::new(API)
                .name("Notes")
                .scope("read:notes", "Read")
                .allow_offline_access(true)
                .token_lifetime(60)
                .signing_alg(grantlet::Algorithm::EdDSA)
                .token_dialect(grantlet::TokenDialect::Auth0)
                .introspection_client("web"),
        )
        .api(Api::new("urn:secret").signing_secret("0123456789abcdef0123456789abcdef"))
        .client(
            Client::confidential("web", WEB_SECRET)
                .client_name("Web")
                .redirect_uri("https://x.example.com/cb")
                .token_endpoint_auth_method(AuthMethod::ClientSecretPost)
                .require_pkce(true)
                .require_auth_time(true)
                .default_max_age(9)
                .id_token_signed_response_alg(grantlet::Algorithm::ES384)
                .id_token_lifetime(11)
                .scope("openid read:notes")
                .client_grant(API, ["read:notes"])
                .refresh_token(RefreshPolicy {
                    rotation: false,
                    leeway: Leeway::UntilUsed,
                    token_lifetime: None,
                    idle_token_lifetime: None,
                    max_live_grants: 7,
                    ..defaults
                })
                .build()
                .unwrap(),
        )
        .client(
            Client::public("app")
                .redirect_uri("com.example.app:/cb")
                .build()
                .unwrap(),
        )
        .client(
            Client::public("spa")
                .application_type(ApplicationType::Spa)
                .redirect_uri("https://spa.example.com/")
                .build()
                .unwrap(),
        );
    let read = Config::from_value(json).unwrap();
    assert_eq!(format!("{built:#?}"), format!("{read:#?}"));
    let (built, read) = (Engine::new(built).unwrap(), Engine::new(read).unwrap());
    assert_eq!(built.metadata(), read.metadata());
}

#[test]
fn a_hash_stands_for_a_secret_and_the_secret_itself_is_not_kept() {
    use grantlet::{SecretHash, SystemRandom};
    let hash = SecretHash::new(WEB_SECRET.as_bytes(), &SystemRandom::default())
        .unwrap()
        .to_string();
    let fixture = Fixture::with(|tenant| {
        let client = tenant["clients"][4].as_object_mut().unwrap();
        client.remove("client_secret");
        client.insert("client_secret_hash".into(), hash.into());
    });
    let form = |secret: &str| {
        encode(&[
            ("grant_type", "client_credentials"),
            ("client_id", "notes-service"),
            ("client_secret", secret),
            ("audience", API),
        ])
    };
    let ask = |secret: &str| {
        fixture.engine.token(FormRequest {
            form: &form(secret),
            authorization: None,
        })
    };
    assert!(ask(WEB_SECRET).is_ok());
    assert_eq!(
        ask("wrong").unwrap_err().status(),
        Status::InvalidClientSecret
    );
}

/// Credentials live as long as their token key does: with the key in the configuration, and a store
/// that both engines use, a second engine takes what the first one gave.
#[test]
fn a_token_key_in_the_configuration_outlives_the_engine() {
    let store = std::sync::Arc::new(grantlet::store::MemoryStore::new());
    let open = |key: Option<&str>| {
        let mut tenant = tenant();
        if let Some(key) = key {
            tenant["keys"] = json!({"token": [key]});
        }
        let store = store.clone();
        Fixture::of(Config::from_value(tenant).unwrap(), |builder| {
            builder.store(store)
        })
    };
    let key = Some("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    let tokens = open(key).sign_in();
    let refresh_token = tokens.refresh_token.as_deref().unwrap();
    let stranger = open(None).refresh(refresh_token).unwrap_err();
    assert_eq!(stranger.status(), Status::InvalidGrantMalformed);
    assert!(open(key).refresh(refresh_token).is_ok());
}

/// What Auth0's Management API gives for `GET /api/v2/clients`, `/resource-servers` and
/// `/client-grants`, with a signing key beside it: Auth0 exports none, and RS256 needs one.
fn exported() -> Value {
    let keys: Value = serde_json::from_str(include_str!("../vectors/keys.json")).unwrap();
    let rsa = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["name"] == "rsa2048")
        .unwrap();
    let mut tenant: Value =
        serde_json::from_str(include_str!("../vectors/auth0_tenant.json")).unwrap();
    tenant.as_object_mut().unwrap().remove("comment");
    tenant["issuer"] = "https://tenant.eu.auth0.com/".into();
    tenant["keys"] = json!({"signing": [{"pem": rsa["pem"]["pkcs8"], "alg": "RS256"}]});
    tenant
}

#[test]
fn an_exported_auth0_tenant_is_a_configuration_but_for_public_clients_that_do_not_rotate() {
    let mut tenant = exported();
    let error = Config::from_value(tenant.clone()).unwrap_err();
    assert_eq!(error.status(), Status::Config);
    let told = error.description();
    assert!(
        told.contains("clients[1]") && told.contains("rotation_type") && told.contains("RFC 9700"),
        "{told}"
    );

    tenant["clients"][1]["refresh_token"]["rotation_type"] = "rotating".into();
    let fixture = Fixture::of(Config::from_value(tenant).unwrap(), |builder| builder);
    let web = "aWebAppsClientIdOf32Characters00";
    let query = encode(&[
        ("response_type", "code"),
        ("client_id", web),
        ("redirect_uri", "https://web.example.com/callback"),
        ("scope", "openid profile read:orders offline_access"),
        ("audience", "https://orders.example.com/"),
        ("state", "s"),
    ]);
    let form = encode(&[
        ("grant_type", "authorization_code"),
        ("client_id", web),
        ("client_secret", "a-client-secret-of-64-random-characters"),
        ("redirect_uri", "https://web.example.com/callback"),
        ("code", &code(&fixture.approve(&query))),
    ]);
    let tokens = fixture
        .engine
        .token(FormRequest {
            form: &form,
            authorization: None,
        })
        .unwrap();
    let (header, claims) = decode(&tokens.access_token);
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&json!("RS256"), &json!("JWT")),
        "Auth0's dialect"
    );
    assert_eq!(claims["azp"], web);
    assert_eq!(tokens.expires_in, 86_400);
    assert!(tokens.refresh_token.is_some());
    let id_token = decode(tokens.id_token.as_deref().unwrap()).1;
    assert_eq!(
        id_token["exp"].as_u64().unwrap() - id_token["iat"].as_u64().unwrap(),
        36_000
    );

    // A machine's own grant; what users may delegate to it is not its own.
    let ask = |audience: &str| {
        let form = encode(&[("grant_type", "client_credentials"), ("audience", audience)]);
        let header = basic(
            "aServicesClientIdOf32Characters0",
            "another-client-secret-of-64-characters",
        );
        fixture.engine.token(FormRequest {
            form: &form,
            authorization: Some(&header),
        })
    };
    assert_eq!(
        ask("https://orders.example.com/").unwrap().scope,
        "read:orders write:orders"
    );
    assert_eq!(
        ask("https://legacy.example.com/").unwrap_err().status(),
        Status::InvalidTarget
    );
}

/// What would weaken a client or an API if it were passed over is refused instead.
#[test]
fn what_cannot_be_kept_is_not_passed_over() {
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 4] = [
        (
            |t| t["clients"][0]["require_proof_of_possession"] = json!(true),
            "require_proof_of_possession",
        ),
        (
            |t| t["clients"][0]["require_pushed_authorization_requests"] = json!(true),
            "require_pushed_authorization_requests",
        ),
        (
            |t| {
                t["apis"][0]["proof_of_possession"] = json!({"mechanism": "dpop", "required": true})
            },
            "proof_of_possession",
        ),
        (|t| t["store"] = json!("sqlite"), "store"),
    ];
    for (change, name) in cases {
        let error = error_of(change);
        assert!(error.description().contains(name), "{name}: {error}");
    }
    let mut tenant = tenant();
    tenant["apis"][0]["proof_of_possession"] = json!({"mechanism": "dpop", "required": false});
    tenant["clients"][0]["require_proof_of_possession"] = json!(false);
    assert!(Config::from_value(tenant).is_ok());
}

#[test]
fn the_endpoints_can_lie_elsewhere() {
    let fixture = Fixture::with(|tenant| {
        tenant["endpoints"] = json!({"token": "/t", "jwks": "/keys", "userinfo": "/me"})
    });
    let metadata = fixture.engine.metadata();
    assert_eq!(metadata["token_endpoint"], "https://id.example.com/t");
    assert_eq!(metadata["jwks_uri"], "https://id.example.com/keys");
    assert_eq!(metadata["userinfo_endpoint"], "https://id.example.com/me");
    assert!(fixture.engine.authorize(&app_query("openid")).is_ok());
}

#[test]
fn rfc8414_s2_an_http_issuer_is_for_the_loopback_or_said_to_be_dangerous() {
    let open = |issuer: &str, dangerous: bool| {
        let config = Config::new(issuer).dangerous_http_issuer(dangerous);
        grantlet::Engine::new(config).map(|_| ())
    };
    for issuer in [
        "https://id.example.com",
        "http://127.0.0.1:1/",
        "http://[::1]:1",
        "http://localhost",
    ] {
        open(issuer, false).unwrap();
    }
    for issuer in [
        "http://id.example.com",
        "http://127.0.0.1.example.com/",
        "http://10.0.0.1/",
    ] {
        assert_eq!(
            open(issuer, false).unwrap_err().status(),
            Status::Config,
            "{issuer}"
        );
        open(issuer, true).unwrap();
    }
}

#[test]
fn a_shared_secret_is_no_key_of_the_issuers() {
    let error = error_of(|tenant| {
        let k = "c2VjcmV0LXRoYXQtaXMtbG9uZy1lbm91Z2gtZm9yLUhTMjU2";
        tenant["keys"] = json!({"signing": [{"kty": "oct", "k": k}]});
    });
    assert_eq!(error.status(), Status::ConfigKey);
    assert!(error.description().contains("signing_secret"), "{error}");
}
