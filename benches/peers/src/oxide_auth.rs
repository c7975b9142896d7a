//! oxide-auth: opaque tokens in a `TokenMap`, refreshed through its `refresh_flow` and its own request and
//! response types, with the 16-byte `RandomGenerator` of its examples.

use ::oxide_auth::frontends::simple::endpoint::refresh_flow;
use ::oxide_auth::frontends::simple::request::{Body, Request, Status};
use ::oxide_auth::primitives::generator::RandomGenerator;
use ::oxide_auth::primitives::grant::{Extensions, Grant};
use ::oxide_auth::primitives::issuer::{Issuer, TokenMap};
use ::oxide_auth::primitives::registrar::{Client, ClientMap, RegisteredUrl};
use chrono::{TimeDelta, Utc};

use crate::{Peer, fleet};

pub struct OxideAuth {
    registrar: ClientMap,
    issuer: TokenMap<RandomGenerator>,
}

impl OxideAuth {
    #[expect(
        clippy::new_without_default,
        reason = "a peer is set up, not defaulted"
    )]
    pub fn new() -> Self {
        let client = |number| {
            let redirect_uri = fleet::REDIRECT_URI.parse().expect("a URL");
            Client::public(
                &fleet::client_id(number),
                RegisteredUrl::Semantic(redirect_uri),
                fleet::SCOPE.parse().expect("a scope"),
            )
        };
        OxideAuth {
            registrar: (0..fleet::CLIENTS).map(client).collect(),
            issuer: TokenMap::new(RandomGenerator::new(16)),
        }
    }
}

impl Peer for OxideAuth {
    type Reply = String;

    fn issue(&mut self, client_id: &str, subject: &str) -> String {
        let grant = Grant {
            client_id: client_id.into(),
            owner_id: subject.into(),
            redirect_uri: fleet::REDIRECT_URI.parse().expect("a URL"),
            scope: fleet::SCOPE.parse().expect("a scope"),
            // Of the first refresh token too: long enough for the whole run.
            until: Utc::now() + TimeDelta::hours(24),
            extensions: Extensions::new(),
        };
        let issued = self.issuer.issue(grant).expect("a random token");
        issued.refresh.expect("a refresh token")
    }

    fn refresh(&mut self, form: &str) -> String {
        let request = Request {
            urlbody: form_urlencoded::parse(form.as_bytes())
                .into_owned()
                .collect(),
            ..Request::default()
        };
        let response = refresh_flow(&self.registrar, &mut self.issuer).execute(request);
        let Ok(response) = response else {
            panic!("oxide-auth: the flow failed")
        };
        match response.body {
            Some(Body::Json(json)) if response.status == Status::Ok => json,
            body => panic!("oxide-auth refused: {body:?}"),
        }
    }

    fn accepts(&self, access_token: &str) -> bool {
        matches!(self.issuer.recover_token(access_token), Ok(Some(_)))
    }
}
