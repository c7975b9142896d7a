//! RFC 9207: `iss` in every authorization response, on success and on error.

use grantlet::Denial;

use crate::support::{Fixture, app_query, changed, param};

#[test]
fn s2_iss_is_there_on_success_and_on_error_and_equals_the_metadatas() {
    for issuer in [
        "https://id.example.com/",
        "https://id.example.com",
        "http://127.0.0.1:8080/a+b/",
    ] {
        let fixture = Fixture::with(|tenant| tenant["issuer"] = issuer.into());
        let metadata = fixture.engine.metadata();
        assert_eq!(
            metadata["authorization_response_iss_parameter_supported"],
            true
        );
        for mode in ["query", "fragment"] {
            let query = changed(&app_query("openid"), &[("response_mode", mode)]);
            let pending = fixture.engine.authorize(&query).unwrap();
            let responses = [
                fixture.approve(&query),
                fixture.engine.deny(&pending, Denial::AccessDenied),
                fixture
                    .refused(&changed(&query, &[("response_type", "token")]))
                    .1
                    .unwrap(),
                fixture.refused(&format!("{query}&nonce=twice")).1.unwrap(),
            ];
            for response in responses {
                let iss = param(&response, "iss");
                assert_eq!(
                    iss.as_deref(),
                    metadata["issuer"].as_str(),
                    "{issuer} {mode}"
                );
            }
        }
    }
}

#[test]
fn s2_4_iss_is_there_once() {
    let fixture = Fixture::new();
    let query = format!("{}&iss=https%3A%2F%2Fevil.example%2F", app_query("openid"));
    let response = fixture.approve(&query);
    assert_eq!(response.location().unwrap().matches("iss=").count(), 1);
    assert_eq!(
        param(&response, "iss").as_deref(),
        Some(crate::support::ISSUER)
    );
}
