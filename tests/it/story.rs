//! The whole story, once: from the authorization request to the stolen token.

use grantlet::Status;

use crate::support::{API, Fixture, decode};

#[test]
fn a_code_becomes_tokens_and_a_stolen_refresh_token_ends_them_all() {
    let fixture = Fixture::new();
    let first = fixture.sign_in();
    assert_eq!(
        fixture
            .engine
            .verify(&first.access_token, API, &["read:notes"])
            .unwrap()
            .subject(),
        "alice"
    );
    assert_eq!(
        decode(first.id_token.as_deref().unwrap()).1["nonce"],
        "n-0S6_WzA2Mj"
    );

    let stolen = first.refresh_token.clone().unwrap();
    let second = fixture.refresh(&stolen).unwrap();
    let third = fixture
        .refresh(second.refresh_token.as_deref().unwrap())
        .unwrap();

    assert_eq!(
        fixture.refresh(&stolen).unwrap_err().status(),
        Status::InvalidGrantReused
    );
    let newest = third.refresh_token.as_deref().unwrap();
    assert_eq!(
        fixture.refresh(newest).unwrap_err().status(),
        Status::InvalidGrantRevoked
    );
    let refused = fixture
        .engine
        .verify(&third.access_token, API, &[])
        .unwrap_err();
    assert_eq!(refused.status(), Status::InvalidTokenRevoked);
}
