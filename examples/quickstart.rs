//! The whole story, step by step: `cargo run --release --example quickstart`.
//!
//! One process plays all the parts that a network would keep apart: the client, the user, the
//! authorization server, the API, and a thief.
#![allow(clippy::print_stdout)]

use std::error::Error;

use grantlet::{Api, ApplicationType, Client, Config, Engine, FormRequest, Login, TokenResponse};

const API: &str = "https://api.example.com/";
const CALLBACK: &str = "http://127.0.0.1:51004/callback";
// The pair of RFC 7636, appendix B. A client makes a fresh one each time.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn main() -> Result<(), Box<dyn Error>> {
    println!("1. The host opens an engine that knows an API and an app.");
    let api = Api::new(API)
        .scope("read:notes", "Read your notes")
        .scope("write:notes", "Change your notes")
        .allow_offline_access(true);
    // Of a loopback address, a request may name any port (RFC 8252 §7.3).
    let app = Client::public("notes-app")
        .redirect_uri("http://127.0.0.1/callback")
        .build()?;
    let engine = Engine::new(Config::new("http://127.0.0.1:8080/").api(api).client(app))?;

    println!(
        "\n2. The app sends the user's browser to /authorize; the host shows what it asks for."
    );
    let pending = engine.authorize(&form(&[
        ("response_type", "code"),
        ("client_id", "notes-app"),
        ("redirect_uri", CALLBACK),
        ("audience", API),
        ("scope", "openid read:notes offline_access"),
        ("state", "af0ifjsldkj"),
        ("nonce", "n-0S6_WzA2Mj"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]))?;
    for scope in &pending.request().scopes {
        println!("   {}  {}", scope.value, scope.description);
    }

    println!("\n3. The user signs in and agrees; the browser takes a code back to the app.");
    let response = engine.approve(&pending, &Login::new("alice"))?;
    let location = response.location().ok_or("the answer is not a redirect")?;
    let (uri, query) = location
        .split_once('?')
        .ok_or("the redirect says nothing")?;
    println!("   {uri}");
    let mut code = String::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        println!("   {name:5} {}", short(&value));
        if name == "code" {
            code = value.into_owned();
        }
    }

    println!("\n4. The app redeems the code.");
    let request = form(&[
        ("grant_type", "authorization_code"),
        ("client_id", "notes-app"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]);
    let first = show(engine.token(FormRequest {
        form: &request,
        authorization: None,
    })?);

    println!("\n5. The API verifies the access token that comes with a request.");
    let access = engine.verify(&first.access_token, API, &["read:notes"])?;
    println!(
        "   {} may '{}', through {}",
        access.subject(),
        access.scope(),
        access.client_id()
    );
    println!(
        "   {}",
        refused(engine.verify(&first.access_token, API, &["write:notes"]))?
    );

    println!("\n6. The app refreshes, and refreshes again. The refresh token moves on each time.");
    let second = show(refresh(&engine, &first)?);
    let third = show(refresh(&engine, &second)?);

    println!(
        "\n7. That answer was lost in a tunnel. The app asks again, and gets the same successor."
    );
    let again = show(refresh(&engine, &second)?);
    assert_eq!(again.refresh_token, third.refresh_token);

    println!("\n8. A thief comes with the first refresh token, which was replaced long ago.");
    println!("   {}", refused(refresh(&engine, &first))?);

    println!("\n9. From now on nothing under that grant works, for the thief and for the app.");
    println!("   {}", refused(refresh(&engine, &third))?);
    println!(
        "   {}",
        refused(engine.verify(&again.access_token, API, &[]))?
    );

    println!("\n10. A service joins while the engine runs, and gets a token in its own name.");
    let service = Client::confidential("backup", "a secret of 128 random bits")
        .application_type(ApplicationType::Service)
        .client_grant(API, ["read:notes"]);
    engine.put_client(service.build()?)?;
    let form = form(&[("grant_type", "client_credentials"), ("audience", API)]);
    let authorization = Some("Basic YmFja3VwOmEgc2VjcmV0IG9mIDEyOCByYW5kb20gYml0cw==");
    let token = engine.token(FormRequest {
        form: &form,
        authorization,
    })?;
    let access = engine.verify(&token.access_token, API, &["read:notes"])?;
    println!("   {} may '{}'", access.subject(), access.scope());
    Ok(())
}

/// The app posts `grant_type=refresh_token`.
fn refresh(engine: &Engine, tokens: &TokenResponse) -> grantlet::Result<TokenResponse> {
    let form = form(&[
        ("grant_type", "refresh_token"),
        ("client_id", "notes-app"),
        (
            "refresh_token",
            tokens.refresh_token.as_deref().unwrap_or_default(),
        ),
    ]);
    engine.token(FormRequest {
        form: &form,
        authorization: None,
    })
}

/// `application/x-www-form-urlencoded`, as every HTTP client makes it.
fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// The error that the story expects; a success would be the end of it.
fn refused<T>(result: grantlet::Result<T>) -> Result<grantlet::Error, &'static str> {
    result.err().ok_or("this should have been refused")
}

fn show(tokens: TokenResponse) -> TokenResponse {
    println!(
        "   access token  {} for {} s",
        short(&tokens.access_token),
        tokens.expires_in
    );
    if let Some(refresh_token) = &tokens.refresh_token {
        println!("   refresh token {}", short(refresh_token));
    }
    tokens
}

/// Both ends of a token: those of one grant begin alike.
fn short(text: &str) -> String {
    match (text.get(..16), text.get(text.len().saturating_sub(16)..)) {
        (Some(head), Some(tail)) if text.len() > 40 => format!("{head}…{tail}"),
        _ => text.to_owned(),
    }
}
