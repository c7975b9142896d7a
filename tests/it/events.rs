//! Events: each kind, when it happens and what it says; and that nothing that the engine shows of
//! itself (events, errors, `Debug`) holds anything to sign in with.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use grantlet::{
    AuthorizationResponse, Config, Denial, Engine, Error, Event, FormRequest, GrantFilter, Login,
    http,
};
use serde_json::{Value, json};

use crate::support::{
    API, APP_CALLBACK, CHALLENGE, Fixture, START, VERIFIER, WEB_CALLBACK, WEB_SECRET, app_query,
    basic, code, decode, encode, tenant,
};

/// A fixture with a sink, and what the sink heard: as JSON and as `Debug`.
struct Heard {
    fixture: Fixture,
    json: Arc<Mutex<Vec<Value>>>,
    shown: Arc<Mutex<Vec<String>>>,
}

impl Heard {
    fn new() -> Self {
        Heard::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Value)) -> Self {
        let mut tenant = tenant();
        change(&mut tenant);
        let (json, shown) = (
            Arc::<Mutex<Vec<Value>>>::default(),
            Arc::<Mutex<Vec<String>>>::default(),
        );
        let (to_json, to_shown) = (json.clone(), shown.clone());
        let sink = move |event: &Event<'_>| {
            to_json
                .lock()
                .unwrap()
                .push(serde_json::to_value(event).unwrap());
            to_shown.lock().unwrap().push(format!("{event:?}"));
        };
        let fixture = Fixture::of(Config::from_value(tenant).unwrap(), |builder| {
            builder.events(Arc::new(sink))
        });
        Heard {
            fixture,
            json,
            shown,
        }
    }

    /// What was heard since the last time.
    fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.json.lock().unwrap())
    }

    fn names(&self) -> Vec<String> {
        self.take()
            .iter()
            .map(|event| event["event"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[test]
fn a_code_and_its_tokens_are_told_in_their_order_and_with_their_names() {
    let heard = Heard::new();
    let code = heard.fixture.app_code("openid read:notes offline_access");
    heard.fixture.clock.advance(5);
    let tokens = heard.fixture.redeem(&code).unwrap();
    heard
        .fixture
        .refresh(tokens.refresh_token.as_deref().unwrap())
        .unwrap();
    let grant = &heard.fixture.engine.grants(GrantFilter::default()).unwrap()[0].grant_id;
    let scope = "openid read:notes offline_access";
    let issued = |grant_type: &str| {
        json!({
            "at": START + 5, "event": "token_issued", "grant_id": grant, "client_id": "notes-app", "subject": "alice",
            "audience": API, "scope": scope, "grant_type": grant_type, "id_token": true, "refresh_token": true,
        })
    };
    assert_eq!(
        heard.take(),
        [
            json!({"at": START, "event": "code_issued", "grant_id": grant, "client_id": "notes-app", "subject": "alice", "scope": scope}),
            issued("authorization_code"),
            json!({"at": START + 5, "event": "rotated", "grant_id": grant, "client_id": "notes-app", "subject": "alice", "generation": 2}),
            issued("refresh_token"),
        ]
    );
}

#[test]
fn a_replay_tells_its_distance_and_what_it_looks_like() {
    let heard = Heard::new();
    let first = heard.fixture.sign_in().refresh_token.unwrap();
    let second = heard
        .fixture
        .refresh(&first)
        .unwrap()
        .refresh_token
        .unwrap();
    heard.take();

    heard.fixture.refresh(&first).unwrap();
    let events = heard.take();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["event"], "replayed");
    assert_eq!(events[0]["looks_like"], "lost_response");
    assert_eq!(
        (
            &events[0]["presented"],
            &events[0]["current"],
            &events[0]["distance"]
        ),
        (&json!(1), &json!(2), &json!(1))
    );
    assert_eq!(events[1]["event"], "token_issued");

    let third = heard
        .fixture
        .refresh(&second)
        .unwrap()
        .refresh_token
        .unwrap();
    heard.fixture.refresh(&third).unwrap();
    heard.take();
    heard.fixture.refresh(&first).unwrap_err();
    let events = heard.take();
    assert_eq!(events[0]["event"], "replayed");
    assert_eq!(events[0]["looks_like"], "theft");
    assert_eq!(
        (
            &events[0]["presented"],
            &events[0]["current"],
            &events[0]["distance"]
        ),
        (&json!(1), &json!(4), &json!(3))
    );
    assert_eq!(
        (&events[1]["event"], &events[1]["reason"]),
        (&json!("grant_revoked"), &json!("reused"))
    );
    assert_eq!(
        (&events[2]["event"], &events[2]["error"]),
        (&json!("refused"), &json!("invalid_grant"))
    );
    assert_eq!(events.len(), 3);
    // Once revoked, it is no news any more.
    heard.fixture.refresh(&first).unwrap_err();
    assert_eq!(heard.names(), ["refused"]);
}

#[test]
fn a_replayed_code_is_a_theft_at_its_distance() {
    let heard = Heard::new();
    let code = heard.fixture.app_code("read:notes offline_access");
    let tokens = heard.fixture.redeem(&code).unwrap();
    heard
        .fixture
        .refresh(tokens.refresh_token.as_deref().unwrap())
        .unwrap();
    heard.take();
    heard.fixture.redeem(&code).unwrap_err();
    let replayed = &heard.take()[0];
    assert_eq!(
        (
            &replayed["looks_like"],
            &replayed["presented"],
            &replayed["distance"]
        ),
        (&json!("theft"), &json!(0), &json!(2))
    );
}

#[test]
fn every_way_to_revoke_is_told_with_its_reason_and_once() {
    let heard =
        Heard::with(|tenant| tenant["clients"][2]["refresh_token"] = json!({"max_live_grants": 1}));
    let engine = &heard.fixture.engine;
    let reasons = |heard: &Heard| {
        let events = heard.take();
        let revoked = events
            .iter()
            .filter(|event| event["event"] == "grant_revoked");
        revoked
            .map(|event| event["reason"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    heard.fixture.sign_in();
    heard.fixture.clock.advance(1);
    let tokens = heard.fixture.sign_in();
    assert_eq!(reasons(&heard), ["displaced"]);
    let form = encode(&[
        ("client_id", "notes-app"),
        ("token", tokens.refresh_token.as_deref().unwrap()),
    ]);
    for expected in [&["by_client"][..], &[]] {
        engine
            .revoke(FormRequest {
                form: &form,
                authorization: None,
            })
            .unwrap();
        assert_eq!(reasons(&heard), expected);
    }
    heard.fixture.sign_in();
    assert!(
        reasons(&heard).is_empty(),
        "what is revoked already is not displaced"
    );
    engine.revoke_grants(GrantFilter::default()).unwrap();
    engine.revoke_grants(GrantFilter::default()).unwrap();
    assert_eq!(reasons(&heard), ["by_host"]);
}

#[test]
fn an_access_token_that_goes_alone_is_told_and_so_is_a_rotation_of_keys() {
    let heard = Heard::new();
    let tokens = heard.fixture.sign_in();
    heard.take();
    let form = encode(&[("client_id", "notes-app"), ("token", &tokens.access_token)]);
    let request = FormRequest {
        form: &form,
        authorization: None,
    };
    heard.fixture.engine.revoke(request).unwrap();
    heard.fixture.engine.revoke(request).unwrap();
    let jti = decode(&tokens.access_token).1["jti"].clone();
    assert_eq!(
        heard.take(),
        [
            json!({"at": START, "event": "access_token_revoked", "client_id": "notes-app", "jti": jti})
        ]
    );
    heard.fixture.engine.rotate_keys().unwrap();
    assert_eq!(
        heard.take(),
        [json!({"at": START, "event": "keys_rotated"})]
    );
}

#[test]
fn a_clients_own_token_has_no_grant() {
    let heard = Heard::new();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "notes-service"),
        ("client_secret", WEB_SECRET),
        ("audience", API),
    ];
    heard.fixture.token(&form).unwrap();
    assert_eq!(
        heard.take(),
        [json!({
            "at": START, "event": "token_issued", "grant_id": null, "client_id": "notes-service", "subject": "notes-service",
            "audience": API, "scope": "read:notes", "grant_type": "client_credentials", "id_token": false, "refresh_token": false,
        })]
    );
}

#[test]
fn a_refusal_tells_where_who_and_why() {
    let heard = Heard::new();
    heard.fixture.refresh("grl_rt_nonsense").unwrap_err();
    let event = heard.take().remove(0);
    assert_eq!(
        (&event["event"], &event["endpoint"], &event["client_id"]),
        (&json!("refused"), &json!("token"), &json!("notes-app"))
    );
    assert_eq!(
        event["status"],
        grantlet::Status::InvalidGrantMalformed.code()
    );
    assert_eq!(
        (&event["error"], &event["detail"]),
        (&json!("invalid_grant"), &json!("wrong length"))
    );

    let pending = heard
        .fixture
        .engine
        .authorize(&app_query("openid"))
        .unwrap();
    heard.fixture.engine.deny(&pending, Denial::AccessDenied);
    let event = heard.take().remove(0);
    assert_eq!(
        (&event["endpoint"], &event["error"]),
        (&json!("authorize"), &json!("access_denied"))
    );
    heard.fixture.engine.userinfo("x.y.z").unwrap_err();
    assert_eq!(heard.take()[0]["endpoint"], "userinfo");
}

/// A sink may use the engine: it is told after the change is stored, and under no lock.
#[test]
fn a_sink_may_call_the_engine() {
    let slot: Arc<Mutex<Option<Engine>>> = Arc::default();
    let inside = slot.clone();
    let sink = move |event: &Event<'_>| {
        let Some(engine) = inside.lock().unwrap().take() else {
            return;
        };
        let id = match &event.kind {
            grantlet::EventKind::TokenIssued { grant_id, .. } => grant_id.clone().unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            engine.grant(&id).unwrap().unwrap().generation,
            1,
            "the change is stored"
        );
        engine.rotate_keys().unwrap();
        assert!(engine.revoke_grant(&id).unwrap());
    };
    let fixture = Fixture::of(Config::from_value(tenant()).unwrap(), |builder| {
        builder.events(Arc::new(sink))
    });
    let code = fixture.app_code("read:notes offline_access");
    *slot.lock().unwrap() = Some(fixture.engine.clone());
    let tokens = fixture.redeem(&code).unwrap();
    assert!(
        fixture
            .refresh(tokens.refresh_token.as_deref().unwrap())
            .is_err()
    );
}

/// Everything that must not be seen, and everything that was shown.
#[derive(Default)]
struct Watch {
    secrets: BTreeSet<String>,
    shown: Vec<String>,
}

impl Watch {
    fn secret(&mut self, text: &str) {
        self.secrets.insert(text.to_owned());
    }

    fn tokens(
        &mut self,
        answer: Result<grantlet::TokenResponse, Error>,
    ) -> grantlet::TokenResponse {
        let tokens = answer.unwrap();
        self.shown.push(format!("{tokens:?}"));
        self.secret(&tokens.access_token);
        for token in tokens.refresh_token.iter().chain(&tokens.id_token) {
            self.secret(token);
        }
        tokens
    }

    fn error(&mut self, error: &Error) {
        self.shown.push(format!(
            "{error} {error:?} {} {:?} {}",
            error.description(),
            error.detail(),
            error.to_json()
        ));
    }

    fn refused<T: std::fmt::Debug>(&mut self, answer: Result<T, Error>) {
        let error = answer.unwrap_err();
        self.error(&error);
    }

    fn debug(&mut self, shown: impl std::fmt::Debug) {
        self.shown.push(format!("{shown:?} {shown:#?}"));
    }

    /// No secret is shown, whole or by a telling part: a token's signature or MAC counts as the token.
    fn check(&self) {
        assert!(self.secrets.len() > 10 && self.shown.len() > 30);
        for secret in &self.secrets {
            let tail = &secret[secret.len().saturating_sub(20)..];
            for shown in &self.shown {
                assert!(
                    !shown.contains(secret.as_str()) && !shown.contains(tail),
                    "{secret} is in {shown}"
                );
            }
        }
    }
}

/// Whole flows, good and bad, with secrets in every place where a clumsy client could put them.
#[test]
fn no_secret_is_in_any_event_error_or_debug_output() {
    const API_SECRET: &str = "an API's own secret of 32 bytes..";
    let heard = Heard::with(|tenant| {
        tenant["apis"][2]["signing_secret"] = API_SECRET.into();
        tenant["keys"] = json!({"token": ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"]});
    });
    let fixture = &heard.fixture;
    let mut watch = Watch::default();
    for secret in [
        WEB_SECRET,
        VERIFIER,
        API_SECRET,
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    ] {
        watch.secret(secret);
    }

    // The app: code, tokens, rotation, replay, theft.
    let query = app_query("openid read:notes offline_access");
    let pending = fixture.engine.authorize(&query).unwrap();
    watch.debug(&pending);
    watch.debug(pending.request());
    let response = fixture
        .engine
        .approve(&pending, &Login::new("alice"))
        .unwrap();
    watch.debug(&response);
    watch.debug(http::Response::from(response.clone()));
    let app_code = code(&response);
    watch.secret(&app_code);
    watch.refused(fixture.engine.approve(&pending, &Login::new("alice")));
    let posted = fixture.approve(&format!("{query}&response_mode=form_post"));
    watch.debug(&posted);
    let AuthorizationResponse::FormPost { html } = &posted else {
        panic!("{posted:?}")
    };
    let at = html.find("grl_ac_").unwrap();
    watch.secret(html[at..].split('"').next().unwrap());
    let first = watch.tokens(fixture.redeem(&app_code));
    let second = watch.tokens(fixture.refresh(first.refresh_token.as_deref().unwrap()));
    watch.tokens(fixture.refresh(first.refresh_token.as_deref().unwrap()));
    let third = watch.tokens(fixture.refresh(second.refresh_token.as_deref().unwrap()));
    let newest = third.refresh_token.as_deref().unwrap();

    // The web client and the service, with their secrets.
    let web_query = encode(&[
        ("response_type", "code"),
        ("client_id", "notes-basic"),
        ("redirect_uri", WEB_CALLBACK),
        ("scope", "openid read:notes"),
        ("audience", API),
    ]);
    let web_code = code(&fixture.approve(&web_query));
    watch.secret(&web_code);
    let form = encode(&[
        ("grant_type", "authorization_code"),
        ("code", &web_code),
        ("redirect_uri", WEB_CALLBACK),
    ]);
    let header = basic("notes-basic", WEB_SECRET);
    watch.secret(&header);
    let request = FormRequest {
        form: &form,
        authorization: Some(&header),
    };
    watch.debug(request);
    watch.tokens(fixture.engine.token(request));

    // Everything in the wrong place. (But for client_id and scope: those are names, and are shown.)
    let secrets: Vec<String> = watch.secrets.iter().cloned().collect();
    let names = [
        "client_secret",
        "code",
        "refresh_token",
        "redirect_uri",
        "code_verifier",
        "grant_type",
        "audience",
        "resource",
        "token",
        "token_type_hint",
    ];
    let clients = [("notes-app", None), ("notes-service", Some(WEB_SECRET))];
    let grant_types = ["authorization_code", "refresh_token", "client_credentials"];
    for secret in &secrets {
        for (wrong, (client_id, client_secret)) in names
            .iter()
            .flat_map(|name| clients.map(|client| (*name, client)))
        {
            for grant_type in grant_types {
                let mut form = vec![("grant_type", grant_type), ("client_id", client_id)];
                form.extend(client_secret.map(|secret| ("client_secret", secret)));
                form.retain(|(name, _)| *name != wrong);
                form.push((wrong, secret));
                if let Err(error) = fixture.token(&form) {
                    watch.error(&error);
                }
            }
        }
        let as_form = format!(
            "token={}",
            form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>()
        );
        let authorization = format!("Bearer {secret}");
        for authorization in [None, Some(&*authorization), Some(&**secret)] {
            let request = FormRequest {
                form: &as_form,
                authorization,
            };
            watch.refused(fixture.engine.token(request));
            // The genuine header is among the secrets: then there is an answer.
            watch.debug(fixture.engine.introspect(request));
            watch.debug(fixture.engine.revoke(request));
        }
        // A secret for a body, for a path, for a header's scheme.
        watch.refused(fixture.engine.token(FormRequest {
            form: secret,
            authorization: None,
        }));
        let headers = [
            ("authorization", &**secret),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let target = format!("/oauth/token?refresh_token={secret}");
        let request = http::Request {
            method: "POST",
            target: &target,
            headers: &headers,
            body: secret.as_bytes(),
        };
        watch.debug(request);
        watch.debug(fixture.engine.handle(&request));
        if let Err(error) = fixture.engine.verify(secret, "urn:elsewhere", &["nothing"]) {
            watch.error(&error);
        }
        watch.debug(fixture.engine.grant(secret));
        watch.debug(fixture.engine.revoke_grant(secret));
        watch.debug(
            fixture
                .engine
                .put_client_json(&json!({"client_id": "x", "client_secret": [secret]}).to_string()),
        );
        watch.debug(fixture.engine.put_api_json(
            &json!({"identifier": "x", "signing_secret": {"x": secret}}).to_string(),
        ));
    }
    watch.refused(fixture.redeem(&app_code));
    watch.refused(fixture.refresh(newest));
    watch.refused(fixture.engine.verify(&third.access_token, API, &[]));

    // What describes itself.
    watch.debug(&fixture.engine);
    watch.debug(fixture.engine.grants(GrantFilter::default()).unwrap());
    watch.debug(Config::from_value(json!({
        "issuer": "https://x.example.com/", "keys": {"token": ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"]},
        "apis": [{"identifier": API, "signing_secret": API_SECRET}],
        "clients": [{"client_id": "c", "client_secret": WEB_SECRET, "redirect_uris": ["https://x.example.com/"]}],
    })).unwrap());
    watch.debug(grantlet::Client::confidential("c", WEB_SECRET));
    watch.debug(grantlet::Api::new(API).signing_secret(API_SECRET));
    let key = grantlet::SigningKey::from_secret(API_SECRET.as_bytes()).unwrap();
    watch.debug(&key);
    watch.shown.append(&mut heard.shown.lock().unwrap());
    let events = heard.take();
    let kinds: BTreeSet<&str> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert!(kinds.len() >= 6, "{kinds:?}");
    watch.shown.extend(events.iter().map(Value::to_string));
    let keep = [CHALLENGE, APP_CALLBACK];
    assert!(keep.iter().all(|public| !watch.secrets.contains(*public)));
    watch.check();
}

#[test]
fn what_the_http_layer_refuses_is_heard_too() {
    let heard = Heard::new();
    let form: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded")];
    let twice: &[(&str, &str)] = &[
        form[0],
        ("authorization", "Basic YTpi"),
        ("authorization", "Basic YTpi"),
    ];
    let requests = [
        ("/oauth/token", "POST", &form[..0], "token"),
        ("/oauth/token", "POST", twice, "token"),
        ("/oauth/revoke", "POST", &form[..0], "revoke"),
        ("/oauth/introspect", "POST", &form[..0], "introspect"),
        ("/authorize", "POST", &form[..0], "authorize"),
        ("/userinfo", "GET", &form[..0], "userinfo"),
    ];
    for (target, method, headers, endpoint) in requests {
        let before = heard.json.lock().unwrap().len();
        heard.fixture.engine.handle(&http::Request {
            method,
            target,
            headers,
            body: b"",
        });
        let events = heard.json.lock().unwrap();
        assert_eq!(events.len(), before + 1, "{method} {target}");
        assert_eq!(events[before]["event"], "refused");
        assert_eq!(events[before]["endpoint"], endpoint);
    }
}

#[test]
fn debug_hides_the_query_of_a_pending_authorization() {
    let fixture = Fixture::new();
    let pending = fixture.engine.authorize(&app_query("openid")).unwrap();
    let shown = format!("{pending:?}");
    assert!(
        !shown.contains("n-0S6_WzA2Mj") && shown.contains("notes-app"),
        "{shown}"
    );
}
