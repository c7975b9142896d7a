//! The whole story, step by step: `cargo run --release --example quickstart`.
//!
//! One process plays all the parts that a network would keep apart: the client, the user, the
//! authorization server, the API, and a thief.
//!
//! With `-- --store FILE` what the host knows is kept in FILE and what the app knows in FILE.app (see
//! `app`): kill the process when you like, and the same command goes on where it was. `-- --pause` waits
//! for Enter between the steps.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod app;
#[path = "../common/private_file.rs"]
mod private_file;

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use grantlet::{
    Api, ApplicationType, Class, Client, Config, Engine, FormRequest, Leeway, Login, RefreshPolicy,
    Status, TokenResponse,
};

use crate::app::{App, Tokens};

const USAGE: &str = "it takes --store FILE and --pause, and nothing else";
const API: &str = "https://api.example.com/";
const CALLBACK: &str = "http://127.0.0.1:51004/callback";
// The pair of RFC 7636, appendix B. A client makes a fresh one each time.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

type Told<T = ()> = Result<T, Box<dyn Error>>;

/// What follows when the engine is open.
const STORY: [fn(&Engine, &mut App) -> Told; 9] = [
    ask,
    agree,
    redeem,
    verify,
    refresh_twice,
    ask_again,
    steal,
    find_out,
    join,
];

fn main() -> ExitCode {
    match tell() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tell() -> Told {
    let (store, pauses) = options()?;
    let engine = open(store.as_deref())?;
    let mut app = App::load(store.as_deref())?;
    while let Some(step) = STORY.get(app.done) {
        // Killed before this, the app does the last step once more.
        app.note()?;
        if pauses {
            wait_for_enter()?;
        }
        match step(&engine, &mut app) {
            Ok(()) => app.done += 1,
            Err(error) if is_over(&*error) => {
                println!(
                    "   {error}\n   That session is over: the app asks the user to sign in again."
                );
                app.done = 0;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(app.forget()?)
}

fn open(store: Option<&Path>) -> Told<Engine> {
    println!("1. The host opens an engine that knows an API and an app.");
    let api = Api::new(API)
        .scope("read:notes", "Read your notes")
        .scope("write:notes", "Change your notes")
        .allow_offline_access(true);
    // Of a loopback address, a request may name any port (RFC 8252 §7.3).
    let app = Client::public("notes-app")
        .redirect_uri("http://127.0.0.1/callback")
        // For an app that may be killed for days between asking and noting the answer.
        .refresh_token(RefreshPolicy {
            leeway: Leeway::UntilUsed,
            ..RefreshPolicy::default()
        })
        .build()?;
    let mut config = Config::new("http://127.0.0.1:8080/").api(api).client(app);
    if let Some(store) = store {
        let (sealing_key, is_new) = private_file::sealing_key(store)?;
        config = config.sqlite(store).sealing_key(sealing_key);
        let file = store.display();
        println!("   Grants and keys are kept in {file}, the keys sealed under {file}.key.");
        if is_new {
            println!("   That one is new: 32 random bytes. A real host has a Keychain or a KMS.");
        }
    }
    Ok(Engine::new(config)?)
}

fn ask(engine: &Engine, _: &mut App) -> Told {
    println!(
        "\n2. The app sends the user's browser to /authorize; the host shows what it asks for."
    );
    let pending = engine.authorize(&authorization_request())?;
    for scope in &pending.request().scopes {
        println!("   {}  {}", scope.value, scope.description);
    }
    Ok(())
}

fn agree(engine: &Engine, app: &mut App) -> Told {
    println!("\n3. The user signs in and agrees; the browser takes a code back to the app.");
    // The sign-in page brought the request back: nobody had to keep it meanwhile.
    let pending = engine.authorize(&authorization_request())?;
    let response = engine.approve(&pending, &Login::new("alice"))?;
    let location = response.location().ok_or("the answer is not a redirect")?;
    let (uri, query) = location
        .split_once('?')
        .ok_or("the redirect says nothing")?;
    println!("   {uri}");
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        println!("   {name:5} {}", short(&value));
        if name == "code" {
            app.code = value.into_owned();
        }
    }
    Ok(())
}

fn redeem(engine: &Engine, app: &mut App) -> Told {
    println!("\n4. The app redeems the code.");
    let request = form(&[
        ("grant_type", "authorization_code"),
        ("client_id", "notes-app"),
        ("code", &app.code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]);
    let answer = engine.token(FormRequest {
        form: &request,
        authorization: None,
    });
    if matches!(&answer, Err(error) if error.status() == Status::InvalidGrantReused) {
        // RFC 6749 §4.1.2: a code is good once. Either of the two may be a thief: both lose.
        println!("   It did so before, and was killed before it noted the answer.");
    }
    app.tokens = vec![show(answer?)?];
    Ok(())
}

fn verify(engine: &Engine, app: &mut App) -> Told {
    println!("\n5. The API verifies the access token that comes with a request.");
    let token = &app.newest()?.access_token;
    match engine.verify(token, API, &["read:notes"]) {
        Ok(access) => println!(
            "   {} may '{}', through {}",
            access.subject(),
            access.scope(),
            access.client_id()
        ),
        // It was an hour until the process was started again. To refresh is what comes next.
        Err(error) if error.status() == Status::InvalidTokenExpired => {}
        Err(error) => return Err(error.into()),
    }
    let refusal = refused(engine.verify(token, API, &["write:notes"]))?;
    println!("   {refusal}");
    Ok(())
}

fn refresh_twice(engine: &Engine, app: &mut App) -> Told {
    println!("\n6. The app refreshes, and refreshes again. The refresh token moves on each time.");
    while app.tokens.len() < 3 {
        let answer = show(refresh(engine, app.newest()?)?)?;
        app.tokens.push(answer);
        // Before it asks again. An answer lost on the way here is had once more; two would be a theft.
        app.note()?;
    }
    Ok(())
}

fn ask_again(engine: &Engine, app: &mut App) -> Told {
    println!(
        "\n7. That answer was lost in a tunnel. The app asks again, and gets the same successor."
    );
    let again = show(refresh(engine, app.token(1)?)?)?;
    assert_eq!(again.refresh_token, app.token(2)?.refresh_token);
    Ok(())
}

fn steal(engine: &Engine, app: &mut App) -> Told {
    println!("\n8. A thief comes with the first refresh token, which was replaced long ago.");
    println!("   {}", refused(refresh(engine, app.token(0)?))?);
    Ok(())
}

fn find_out(engine: &Engine, app: &mut App) -> Told {
    println!("\n9. From now on nothing under that grant works, for the thief and for the app.");
    println!("   {}", refused(refresh(engine, app.newest()?))?);
    let access_token = &app.newest()?.access_token;
    println!("   {}", refused(engine.verify(access_token, API, &[]))?);
    Ok(())
}

fn join(engine: &Engine, _: &mut App) -> Told {
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
fn refresh(engine: &Engine, tokens: &Tokens) -> grantlet::Result<TokenResponse> {
    let form = form(&[
        ("grant_type", "refresh_token"),
        ("client_id", "notes-app"),
        ("refresh_token", &tokens.refresh_token),
    ]);
    engine.token(FormRequest {
        form: &form,
        authorization: None,
    })
}

fn authorization_request() -> String {
    form(&[
        ("response_type", "code"),
        ("client_id", "notes-app"),
        ("redirect_uri", CALLBACK),
        ("audience", API),
        ("scope", "openid read:notes offline_access"),
        ("state", "af0ifjsldkj"),
        ("nonce", "n-0S6_WzA2Mj"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ])
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

/// Whether it is no use to ask again: only the user can help.
fn is_over(error: &(dyn Error + 'static)) -> bool {
    error
        .downcast_ref::<grantlet::Error>()
        .is_some_and(|error| matches!(error.class(), Class::InvalidGrant | Class::InvalidToken))
}

fn show(tokens: TokenResponse) -> Told<Tokens> {
    println!(
        "   access token  {} for {} s",
        short(&tokens.access_token),
        tokens.expires_in
    );
    let refresh_token = tokens.refresh_token.ok_or("there is no refresh token")?;
    println!("   refresh token {}", short(&refresh_token));
    Ok(Tokens {
        access_token: tokens.access_token.into_string(),
        refresh_token: refresh_token.into_string(),
    })
}

/// Both ends of a token: those of one grant begin alike.
fn short(text: &str) -> String {
    match (text.get(..16), text.get(text.len().saturating_sub(16)..)) {
        (Some(head), Some(tail)) if text.len() > 40 => format!("{head}…{tail}"),
        _ => text.to_owned(),
    }
}

/// `--store FILE` and `--pause`.
fn options() -> Told<(Option<PathBuf>, bool)> {
    let (mut store, mut pauses) = (None, false);
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--store") => store = Some(arguments.next().ok_or(USAGE)?.into()),
            Some("--pause") => pauses = true,
            _ => return Err(USAGE.into()),
        }
    }
    Ok((store, pauses))
}

fn wait_for_enter() -> std::io::Result<()> {
    print!("\n[Enter] ");
    std::io::stdout().flush()?;
    std::io::stdin().read_line(&mut String::new()).map(drop)
}
