//! The stories themselves: what each client, thief and host does, and how each step must end.

use serde_json::{Value, json};

use super::{Answer, Tape, Tokens};
use crate::support::{
    API, APP_CALLBACK, START, VERIFIER, WEB_CALLBACK, WEB_SECRET, app_query, basic, encode,
};

pub(super) type Story = fn(&mut Tape);

pub(super) const SCOPE: &str = "openid read:notes offline_access";

pub(super) fn key(name: &str) -> Value {
    let keys: Value = serde_json::from_str(include_str!("../../vectors/keys.json")).unwrap();
    let mut keys = keys["keys"].as_array().unwrap().iter();
    keys.find(|key| key["name"] == name).unwrap().clone()
}

/// Everything is given, so that nothing is drawn that no script can tell.
pub(super) fn tenant() -> Value {
    // The second of each algorithm: RFC 8037, appendix A; RFC 7515, appendix A.3.
    let eddsa = json!({"kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
                       "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let es256 = json!({"kty": "EC", "crv": "P-256", "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
                       "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                       "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    json!({
        "issuer": "https://id.example.com/",
        "keys": {"signing": [key("ed25519")["private_jwk"], eddsa, key("p256")["private_jwk"], es256],
                 "token": ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8"]},
        "apis": [{"identifier": API, "scopes": ["read:notes", {"value": "write:notes", "description": "Change your notes"}],
                  "allow_offline_access": true, "signing_alg": "EdDSA", "introspection_clients": ["notes-web"]}],
        "clients": [
            {"client_id": "notes-app", "client_name": "Notes", "redirect_uris": [APP_CALLBACK],
             "id_token_signed_response_alg": "EdDSA", "refresh_token": {"leeway": 30}},
            {"client_id": "notes-web", "client_secret": WEB_SECRET, "redirect_uris": [WEB_CALLBACK],
             "token_endpoint_auth_method": "client_secret_basic", "id_token_signed_response_alg": "EdDSA",
             "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
             "client_grants": [{"audience": API, "scope": ["read:notes"]}]},
        ],
    })
}

pub(super) fn token(form: &str) -> Value {
    json!({"call": "token", "form": form, "authorization": ""})
}

pub(super) fn redeem(code: &str) -> String {
    redeem_with(code, VERIFIER)
}

fn redeem_with(code: &str, verifier: &str) -> String {
    encode(&[
        ("grant_type", "authorization_code"),
        ("client_id", "notes-app"),
        ("code", code),
        ("redirect_uri", APP_CALLBACK),
        ("code_verifier", verifier),
    ])
}

fn refresh(token: &str) -> String {
    refresh_as("notes-app", token)
}

fn refresh_as(client_id: &str, token: &str) -> String {
    encode(&[
        ("grant_type", "refresh_token"),
        ("client_id", client_id),
        ("refresh_token", token),
    ])
}

pub(super) fn verify(access_token: &str, scope: &str) -> Value {
    json!({"call": "verify", "access_token": access_token, "audience": API, "scope": scope})
}

pub(super) const STORIES: [(&str, &str, Story); 17] = [
    (
        "happy_path",
        "A native app signs alice in, uses its token, and refreshes.",
        happy_path,
    ),
    (
        "pkce_failure",
        "A code whose verifier is wrong or missing is not redeemed, and stays good.",
        pkce_failure,
    ),
    (
        "code_replay",
        "A code that comes back ends the grant, and what was issued under it.",
        code_replay,
    ),
    (
        "lost_response",
        "A client that got no answer asks again, and gets the same successor.",
        lost_response,
    ),
    (
        "reuse",
        "A thief presents a refresh token long replaced: the grant is over, for the app too.",
        reuse,
    ),
    (
        "revocation_race",
        "Each order of a refresh and a revocation, and of an approval and a removal.",
        revocation_race,
    ),
    (
        "restart",
        "The engine is closed and opened again on its file, in the middle of everything.",
        restart,
    ),
    (
        "scope_narrowing",
        "The user consents to less than was asked; a refresh asks for less than was granted.",
        scope_narrowing,
    ),
    (
        "wrong_client",
        "A credential in another client's hands.",
        wrong_client,
    ),
    (
        "confidential_client",
        "A web application with a secret: HTTP Basic, introspection, client credentials.",
        confidential_client,
    ),
    (
        "denial",
        "The host says no; a request that may be redirected, and one that must not.",
        denial,
    ),
    (
        "expiry",
        "A code, an access token, a session that is idle and one that is old.",
        expiry,
    ),
    (
        "host_signer",
        "The host holds the key: R‖S, DER, and a user who cancels.",
        host_signer,
    ),
    (
        "user_claims",
        "Claims in tokens, and what the host tells UserInfo.",
        user_claims,
    ),
    (
        "random_failure",
        "No random bytes: nothing is issued, nothing has changed.",
        random_failure,
    ),
    (
        "registry",
        "APIs and clients come and go while the engine runs; grants are listed and revoked.",
        registry,
    ),
    (
        "http",
        "The same story from HTTP request to HTTP response.",
        http,
    ),
];

fn happy_path(tape: &mut Tape) {
    tape.ok(json!({"call": "metadata"}));
    tape.ok(json!({"call": "jwks"}));
    let first = tape.sign_in();
    assert!(
        tape.verify(&first.access)["gives"]["json"]
            .as_str()
            .unwrap()
            .contains("alice")
    );
    let second = Tokens::of(&tape.ok(json!({
        "at": START + 60, "call": "token", "form": refresh(&first.refresh), "authorization": "",
    })));
    assert_ne!(first.refresh, second.refresh);
    tape.verify(&second.access);
    tape.fails(
        "GRL_INSUFFICIENT_SCOPE",
        verify(&second.access, "write:notes"),
    );
    tape.fails("GRL_INVALID_TOKEN_MISSING", verify("", ""));
    tape.fails("GRL_INVALID_TOKEN", verify("no.token.atall", ""));
}

fn pkce_failure(tape: &mut Tape) {
    tape.authorize(&app_query(SCOPE));
    let code = tape.approve();
    let wrong = "x".repeat(43);
    tape.fails(
        "GRL_INVALID_GRANT_VERIFIER",
        token(&redeem_with(&code, &wrong)),
    );
    tape.fails(
        "GRL_INVALID_REQUEST_PKCE",
        token(&redeem_with(&code, "short")),
    );
    tape.token(&redeem(&code));
    let plain = app_query(SCOPE).replace("method=S256", "method=plain");
    tape.fails(
        "GRL_INVALID_REQUEST_PKCE",
        json!({"call": "authorize", "query": plain, "as": "plain"}),
    );
}

fn code_replay(tape: &mut Tape) {
    tape.authorize(&app_query(SCOPE));
    let code = tape.approve();
    let tokens = tape.token(&redeem(&code));
    tape.fails("GRL_INVALID_GRANT_REUSED", token(&redeem(&code)));
    tape.fails(
        "GRL_INVALID_GRANT_REVOKED",
        token(&refresh(&tokens.refresh)),
    );
    tape.fails("GRL_INVALID_TOKEN_REVOKED", verify(&tokens.access, ""));
}

fn lost_response(tape: &mut Tape) {
    let first = tape.sign_in();
    let lost = tape.token(&refresh(&first.refresh));
    let again = Tokens::of(&tape.ok(json!({
        "at": START + 29, "call": "token", "form": refresh(&first.refresh), "authorization": "",
    })));
    assert_eq!(lost.refresh, again.refresh);
    assert_ne!(lost.access, again.access);
    tape.token(&refresh(&again.refresh));
}

fn reuse(tape: &mut Tape) {
    let first = tape.sign_in();
    let second = tape.token(&refresh(&first.refresh));
    let third = tape.token(&refresh(&second.refresh));
    tape.fails("GRL_INVALID_GRANT_REUSED", token(&refresh(&first.refresh)));
    tape.fails("GRL_INVALID_GRANT_REVOKED", token(&refresh(&third.refresh)));
    tape.fails("GRL_INVALID_TOKEN_REVOKED", verify(&third.access, ""));
    let other = tape.sign_in();
    let next = tape.token(&refresh(&other.refresh));
    // One before the last, but outside the leeway of 30 seconds.
    tape.fails(
        "GRL_INVALID_GRANT_REUSED",
        json!({
            "at": START + 31, "call": "token", "form": refresh(&other.refresh), "authorization": "",
        }),
    );
    tape.fails("GRL_INVALID_GRANT_REVOKED", token(&refresh(&next.refresh)));
}

fn revocation_race(tape: &mut Tape) {
    let revoke = |token: &str| {
        let form = encode(&[("token", token), ("client_id", "notes-app")]);
        json!({"call": "revoke", "form": form, "authorization": ""})
    };
    // The refresh first: the token that is revoked is the one that it replaced.
    let first = tape.sign_in();
    let second = tape.token(&refresh(&first.refresh));
    tape.ok(revoke(&first.refresh));
    tape.fails(
        "GRL_INVALID_GRANT_REVOKED",
        token(&refresh(&second.refresh)),
    );
    // The revocation first.
    let third = tape.sign_in();
    tape.ok(revoke(&third.refresh));
    tape.ok(revoke(&third.refresh));
    tape.fails("GRL_INVALID_GRANT_REVOKED", token(&refresh(&third.refresh)));
    tape.ok(revoke("grl_rt_nonsense"));
    // One access token alone.
    let fourth = tape.sign_in();
    tape.ok(revoke(&fourth.access));
    tape.fails("GRL_INVALID_TOKEN_REVOKED", verify(&fourth.access, ""));
    let fifth = tape.token(&refresh(&fourth.refresh));
    tape.verify(&fifth.access);
    // The client goes while the user is at the sign-in page.
    tape.authorize(&app_query(SCOPE));
    tape.ok(json!({"call": "remove_client", "client_id": "notes-app"}));
    tape.step(json!({"call": "approve", "pending": "asked", "login": {"subject": "alice"}}));
    tape.fails(
        "GRL_INVALID_CLIENT_UNKNOWN",
        token(&refresh(&fifth.refresh)),
    );
}

fn restart(tape: &mut Tape) {
    tape.with("store", true)
        .with("sealing_key", "42".repeat(32));
    let restart = json!({"call": "restart"});
    tape.authorize(&app_query(SCOPE));
    let code = tape.approve();
    tape.ok(restart.clone());
    let first = tape.token(&redeem(&code));
    let second = tape.token(&refresh(&first.refresh));
    tape.ok(restart.clone());
    // The answer was lost with the process.
    let again = tape.token(&refresh(&first.refresh));
    assert_eq!(again.refresh, second.refresh);
    tape.verify(&second.access);
    tape.ok(json!({"call": "put_api", "json": r#"{"identifier":"urn:example:late","signing_alg":"EdDSA"}"#}));
    tape.ok(restart.clone());
    tape.fails(
        "GRL_NOT_FOUND",
        json!({"call": "remove_api", "identifier": "urn:example:never"}),
    );
    tape.ok(json!({"call": "remove_api", "identifier": "urn:example:late"}));
    let third = tape.token(&refresh(&second.refresh));
    tape.ok(restart.clone());
    tape.fails("GRL_INVALID_GRANT_REUSED", token(&refresh(&first.refresh)));
    tape.ok(restart);
    tape.fails("GRL_INVALID_GRANT_REVOKED", token(&refresh(&third.refresh)));
    tape.fails("GRL_INVALID_TOKEN_REVOKED", verify(&third.access, ""));
}

fn scope_narrowing(tape: &mut Tape) {
    tape.authorize(&app_query("openid read:notes write:notes offline_access"));
    let code =
        tape.approve_as(json!({"subject": "alice", "scope": "openid read:notes offline_access"}));
    let first = tape.token(&redeem(&code));
    tape.fails(
        "GRL_INSUFFICIENT_SCOPE",
        verify(&first.access, "read:notes write:notes"),
    );
    let narrower = refresh(&first.refresh) + "&scope=openid";
    let second = tape.token(&narrower);
    tape.fails(
        "GRL_INSUFFICIENT_SCOPE",
        verify(&second.access, "read:notes"),
    );
    let wider = refresh(&second.refresh) + "&scope=openid%20write%3Anotes";
    tape.fails("GRL_INVALID_SCOPE", token(&wider));
    let third = tape.token(&refresh(&second.refresh));
    tape.verify(&third.access);
}

fn wrong_client(tape: &mut Tape) {
    let basic = basic("notes-web", WEB_SECRET);
    tape.authorize(&app_query(SCOPE));
    let code = tape.approve();
    let stolen = encode(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", APP_CALLBACK),
        ("code_verifier", VERIFIER),
    ]);
    tape.fails(
        "GRL_INVALID_GRANT_WRONG_CLIENT",
        json!({"call": "token", "form": stolen, "authorization": basic}),
    );
    let tokens = tape.token(&redeem(&code));
    let stolen = encode(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", &tokens.refresh),
    ]);
    tape.fails(
        "GRL_INVALID_GRANT_WRONG_CLIENT",
        json!({"call": "token", "form": stolen, "authorization": basic}),
    );
    tape.fails(
        "GRL_INVALID_CLIENT_UNKNOWN",
        token(&refresh_as("nobody", &tokens.refresh)),
    );
    tape.fails(
        "GRL_INVALID_GRANT_MALFORMED",
        token(&refresh("grl_rt_mangled")),
    );
    tape.token(&refresh(&tokens.refresh));
}

fn confidential_client(tape: &mut Tape) {
    let good = basic("notes-web", WEB_SECRET);
    let service = |authorization: &str| {
        let form = encode(&[("grant_type", "client_credentials"), ("audience", API)]);
        json!({"call": "token", "form": form, "authorization": authorization})
    };
    let own = Tokens::of(&tape.ok(service(&good)));
    tape.fails(
        "GRL_INVALID_CLIENT_SECRET",
        service(&basic("notes-web", "guess")),
    );
    tape.fails("GRL_INVALID_CLIENT_MISSING", service(""));
    let introspect = |token: &str| json!({"call": "introspect", "form": encode(&[("token", token)]), "authorization": good});
    tape.ok(introspect(&own.access));
    tape.ok(introspect("nonsense"));
    tape.fails(
        "GRL_INVALID_CLIENT_MISSING",
        json!({"call": "introspect", "form": "token=x", "authorization": ""}),
    );
    let query = encode(&[
        ("response_type", "code"),
        ("client_id", "notes-web"),
        ("redirect_uri", WEB_CALLBACK),
        ("scope", "openid read:notes"),
        ("audience", API),
        ("state", "s t&a=te\u{e9}"),
        ("code_challenge", crate::support::CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    tape.authorize(&query);
    let code = tape.approve();
    let form = encode(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", WEB_CALLBACK),
        ("code_verifier", VERIFIER),
    ]);
    tape.ok(json!({"call": "token", "form": form, "authorization": good}));
}

fn denial(tape: &mut Tape) {
    tape.authorize(&app_query(SCOPE));
    for why in [
        "GRL_ACCESS_DENIED",
        "GRL_LOGIN_REQUIRED",
        "GRL_CONSENT_REQUIRED",
    ] {
        tape.ok(json!({"call": "deny", "pending": "asked", "denial": why}));
    }
    tape.approve();
    tape.fails(
        "GRL_USAGE_ANSWERED",
        json!({"call": "approve", "pending": "asked", "login": {"subject": "alice"}}),
    );
    let ask = |query: String| json!({"call": "authorize", "query": query, "as": "refused"});
    let asked = app_query(SCOPE);
    tape.fails(
        "GRL_INVALID_SCOPE",
        ask(asked.replace("read%3Anotes", "%22")),
    );
    tape.fails(
        "GRL_UNSUPPORTED_RESPONSE_TYPE",
        ask(asked.replace("response_type=code", "response_type=token")),
    );
    tape.fails(
        "GRL_INVALID_REQUEST_REDIRECT_URI",
        ask(asked.replace("127.0.0.1", "evil.example.com")),
    );
    tape.fails(
        "GRL_INVALID_CLIENT_UNKNOWN",
        ask(asked.replace("notes-app", "n\u{f6}body")),
    );
    tape.fails("GRL_INVALID_REQUEST_MISSING", ask(String::new()));
}

fn expiry(tape: &mut Tape) {
    let at = |secs: u64, mut step: Value| {
        step["at"] = (START + secs).into();
        step
    };
    tape.authorize(&app_query(SCOPE));
    let code = tape.approve();
    tape.fails("GRL_INVALID_GRANT_EXPIRED", at(61, token(&redeem(&code))));
    let tokens = tape.sign_in();
    tape.fails(
        "GRL_INVALID_TOKEN_EXPIRED",
        at(61 + 3600, verify(&tokens.access, "")),
    );
    let second = tape.token(&refresh(&tokens.refresh));
    tape.fails(
        "GRL_INVALID_GRANT_IDLE",
        at(20 * 86_400, token(&refresh(&second.refresh))),
    );
    tape.ok(at(400 * 86_400, json!({"call": "sweep", "limit": 100})));
    tape.fails(
        "GRL_INVALID_GRANT_UNKNOWN",
        token(&refresh(&second.refresh)),
    );
}

fn host_signer(tape: &mut Tape) {
    let mut tenant = tenant();
    tenant["keys"]["signing"]
        .as_array_mut()
        .unwrap()
        .truncate(2);
    tenant["apis"][0]["signing_alg"] = "ES256".into();
    tenant["clients"][0]["id_token_signed_response_alg"] = "ES256".into();
    tape.with("config", tenant.to_string());
    tape.with("signing_key", key("p256")["public_jwk"].to_string());
    let mut tokens = tape.sign_in();
    tape.verify(&tokens.access);
    *tape.signer.answer.lock() = Answer::Cancelled;
    tape.fails("GRL_SERVER_ERROR", json!({"at": START + 1, "call": "token", "form": refresh(&tokens.refresh), "authorization": ""}));
    *tape.signer.answer.lock() = Answer::Der;
    // Nothing has changed: the same token is still good.
    tokens = Tokens::of(&tape.ok(json!({"at": START + 2, "call": "token", "form": refresh(&tokens.refresh), "authorization": ""})));
    tape.verify(&tokens.access);
}

fn user_claims(tape: &mut Tape) {
    let alice = json!({"name": "Alice Ångström", "email": "alice@example.com", "tier": 3});
    tape.with("users", json!({"alice": alice.to_string()}));
    tape.authorize(&app_query("openid profile read:notes"));
    let code = tape.approve_as(json!({
        "subject": "alice", "auth_time": START - 10, "acr": "urn:example:loa:2", "amr": ["pwd", "otp"], "sid": "session-1",
        "access_token_claims": r#"{"tenant":"t-1"}"#, "id_token_claims": r#"{"locale":"de"}"#,
    }));
    let tokens = tape.token(&redeem(&code));
    tape.verify(&tokens.access);
    tape.ok(json!({"call": "userinfo", "access_token": tokens.access}));
    tape.authorize(&app_query("openid email"));
    let code = tape.approve_as(json!({"subject": "bob"}));
    let tokens = tape.token(&redeem(&code));
    tape.fails(
        "GRL_INVALID_TOKEN",
        json!({"call": "userinfo", "access_token": tokens.access}),
    );
}

fn random_failure(tape: &mut Tape) {
    tape.authorize(&app_query(SCOPE));
    let login = json!({"subject": "alice", "auth_time": START});
    tape.fails(
        "GRL_SERVER_ERROR",
        json!({"call": "approve", "pending": "asked", "login": login, "random": false}),
    );
    let code = tape.approve();
    tape.token(&redeem(&code));
}

fn registry(tape: &mut Tape) {
    tape.fails(
        "GRL_CONFIG_UNKNOWN_KEY",
        json!({"call": "put_client", "json": r#"{"client_id":"late","redirect_urls":[]}"#}),
    );
    tape.fails("GRL_CONFIG", json!({"call": "put_api", "json": "{}"}));
    let late = json!({"client_id": "late", "redirect_uris": [APP_CALLBACK], "id_token_signed_response_alg": "EdDSA"});
    tape.ok(json!({"call": "put_client", "json": late.to_string()}));
    tape.authorize(&app_query(SCOPE).replace("notes-app", "late"));
    let code = tape.approve_as(json!({"subject": "bob"}));
    tape.token(&redeem(&code).replace("notes-app", "late"));
    tape.sign_in();
    tape.sign_in();
    let grants = |client_id: &str, subject: &str| json!({"call": "grants", "client_id": client_id, "subject": subject});
    tape.ok(grants("", ""));
    tape.ok(grants("", "bob"));
    let listed = tape.ok(grants("notes-app", "alice"));
    let listed: Value = serde_json::from_str(listed["json"].as_str().unwrap()).unwrap();
    let grant_id = listed[0]["grant_id"].as_str().unwrap();
    tape.ok(json!({"call": "grant", "grant_id": grant_id}));
    tape.ok(json!({"call": "revoke_grant", "grant_id": grant_id}));
    tape.ok(json!({"call": "revoke_grant", "grant_id": grant_id}));
    tape.fails(
        "GRL_NOT_FOUND",
        json!({"call": "revoke_grant", "grant_id": "no grant id"}),
    );
    tape.ok(json!({"call": "revoke_grants", "client_id": "", "subject": "alice"}));
    tape.ok(json!({"call": "remove_client", "client_id": "late"}));
    tape.fails(
        "GRL_NOT_FOUND",
        json!({"call": "remove_client", "client_id": "late"}),
    );
    tape.ok(json!({"call": "remove_api", "identifier": API}));
    tape.ok(grants("", ""));
}

fn http(tape: &mut Tape) {
    let form = json!([["Content-Type", "application/x-www-form-urlencoded"]]);
    let post = |target: &str, body: &str| json!({"call": "handle", "method": "POST", "target": target, "headers": form, "body": body});
    let get = |target: &str, headers: Value| json!({"call": "handle", "method": "GET", "target": target, "headers": headers, "body": ""});
    let mut ask = get(&format!("/authorize?{}", app_query(SCOPE)), json!([]));
    ask["as"] = "asked".into();
    tape.ok(ask);
    let code = tape.approve();
    let answered = tape.ok(post("/oauth/token", &redeem(&code)));
    let tokens = Tokens::of(&json!({"json": answered["body"]}));
    let bearer = json!([["Authorization", format!("Bearer {}", tokens.access)]]);
    tape.ok(get("/userinfo", bearer.clone()));
    tape.ok(post("/oauth/token", &refresh(&tokens.refresh)));
    tape.ok(post(
        "/oauth/token",
        "grant_type=password&client_id=notes-app",
    ));
    tape.ok(post(
        "/oauth/revoke",
        &encode(&[("token", &tokens.refresh), ("client_id", "notes-app")]),
    ));
    tape.ok(get("/userinfo", bearer));
    tape.ok(get("/.well-known/openid-configuration", json!([])));
    tape.ok(get("/authorize?client_id=nobody", json!([])));
    tape.ok(get("/nowhere", json!([])));
}
