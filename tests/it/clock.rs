//! A clock that cannot tell the time, at each look in turn: the call fails and changes nothing, or what it
//! had done by then stands.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use grantlet::{
    Clock, Config, Engine, Error, Event, EventSink, FormRequest, GrantFilter, Login, Result,
    Secret, Status, Timestamp,
};

use crate::support::folder::Folder;
use crate::support::{API, APP_CALLBACK, START, VERIFIER, app_query, code, encode, tenant};

/// Stands still, and fails at the look that comes after so many.
struct Failing {
    looks_left: AtomicUsize,
}

impl Clock for Failing {
    fn now(&self) -> Result<Timestamp> {
        let count = |left: usize| Some(left.saturating_sub(1));
        let left = self
            .looks_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, count);
        match left {
            Ok(1) => Err(Error::server("the battery is flat")),
            _ => Ok(Timestamp::from_secs(START)),
        }
    }
}

struct Listening;

impl EventSink for Listening {
    fn record(&self, _: &Event<'_>) {}
}

fn engine(folder: &Folder, durable: bool) -> (Engine, Arc<Failing>) {
    let mut config = Config::from_value(tenant()).unwrap();
    if durable {
        config = config
            .sqlite(folder.file("grants.db"))
            .sealing_key(Secret::new(vec![7; 32]));
    }
    let clock = Arc::new(Failing {
        looks_left: AtomicUsize::new(0),
    });
    let builder = Engine::builder(config).clock(clock.clone());
    (builder.events(Arc::new(Listening)).build().unwrap(), clock)
}

fn token(engine: &Engine, form: &[(&str, &str)]) -> Result<String> {
    let tokens = engine.token(FormRequest::from(&*encode(form)))?;
    Ok(tokens.refresh_token.unwrap().to_string())
}

/// Runs `call` with a clock that fails at its first look, then at its second, … until it succeeds without.
fn at_each_look<T>(engine: &Engine, clock: &Failing, call: impl Fn() -> Result<T>) -> T {
    let state = || {
        let grants = engine.grants(GrantFilter::default()).unwrap();
        serde_json::to_string(&(grants, engine.jwks(), engine.metadata())).unwrap()
    };
    let before = state();
    for look in 1.. {
        clock.looks_left.store(look, Ordering::SeqCst);
        let result = call();
        let was_reached = clock.looks_left.swap(0, Ordering::SeqCst) == 0;
        match result {
            Ok(answer) => {
                assert!(look > 1, "the clock was never looked at");
                return answer;
            }
            Err(error) => {
                assert!(was_reached);
                assert_eq!(error.status(), Status::ServerError);
                assert_eq!(error.detail(), Some("the battery is flat"));
                assert_eq!(state(), before, "changed by a call that failed");
            }
        }
    }
    unreachable!()
}

#[test]
fn a_clock_that_fails_at_any_look_issues_nothing_and_loses_nothing() {
    for durable in [false, true] {
        let folder = Folder::new();
        let (engine, clock) = engine(&folder, durable);
        let query = app_query("openid read:notes offline_access");
        let ask = || engine.authorize(&query).map_err(|refused| refused.error);
        let pending = at_each_look(&engine, &clock, ask);
        let approve = || engine.approve(&pending, &Login::new("alice").auth_time(START));
        let code = code(&at_each_look(&engine, &clock, approve));
        let redeem = [
            ("grant_type", "authorization_code"),
            ("client_id", "notes-app"),
            ("code", &code),
            ("redirect_uri", APP_CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let first = at_each_look(&engine, &clock, || token(&engine, &redeem));
        let refresh = [
            ("grant_type", "refresh_token"),
            ("client_id", "notes-app"),
            ("refresh_token", &first),
        ];
        let second = at_each_look(&engine, &clock, || token(&engine, &refresh));
        assert_ne!(first, second);
        let tokens = engine.token(FormRequest::from(&*encode(&[
            ("grant_type", "refresh_token"),
            ("client_id", "notes-app"),
            ("refresh_token", &second),
        ])));
        let access = tokens.unwrap().access_token.to_string();
        at_each_look(&engine, &clock, || engine.verify(&access, API, &[]));
        let revoke = encode(&[("token", &access), ("client_id", "notes-app")]);
        at_each_look(&engine, &clock, || {
            engine.revoke(FormRequest::from(&*revoke))
        });
        let verified = engine.verify(&access, API, &[]);
        assert_eq!(verified.unwrap_err().status(), Status::InvalidTokenRevoked);
        at_each_look(&engine, &clock, || engine.sweep(10));
        at_each_look(&engine, &clock, || engine.rotate_keys());
        if durable {
            at_each_look(&engine, &clock, || engine.reseal(&Secret::new(vec![8; 32])));
        }
    }
}
