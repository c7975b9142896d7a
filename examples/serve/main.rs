//! A loopback host: the engine behind a socket, with a sign-in page.
//!
//! `options` reads the command line, `host` joins HTTP and the engine, `pages` writes HTML. The
//! tenant is a file: `demo.json`, unless `--config` names another. So is the store, where `--store`
//! names one.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod host;
mod options;
mod pages;
#[path = "../common/private_file.rs"]
mod private_file;

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use grantlet::{Class, Config, Engine, Event, Secret, UserClaimsRequest};
use serde_json::{Map, Value, json};

use crate::host::Host;
use crate::options::{Command, Options};

const DEMO_TENANT: &str = include_str!("demo.json");
const SWEEP_EVERY: Duration = Duration::from_secs(60);
const SWEEP_AT_MOST: usize = 10_000;

fn main() -> ExitCode {
    let done = match options::parse(std::env::args().skip(1)) {
        Ok(Command::Serve(options)) => run(&options),
        Ok(Command::Help) => {
            print!("{}", options::HELP);
            Ok(())
        }
        Err(what) => Err(Failure::Asked(what)),
    };
    let (what, code) = match done {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Asked(what)) => (what + "\nTry 'serve --help'.", 2),
        Err(Failure::Met(what)) => (what.to_string(), 1),
    };
    eprintln!("serve: {what}");
    ExitCode::from(code)
}

/// Why there is no service.
enum Failure {
    /// The command line or the tenant asks for what cannot be.
    Asked(String),
    /// The system did not play along.
    Met(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Met(error)
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    let name = options.tenant_name();
    let tenant = read_tenant(options).map_err(|what| Failure::Asked(format!("{name}: {what}")))?;
    // Bound before the engine opens: the address may be its issuer.
    let listener = TcpListener::bind(options.listen)
        .map_err(|error| met(format!("cannot listen on {}: {error}", options.listen)))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let host = open(tenant, address, options)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        tokio::spawn(sweep(host.engine.clone()));
        announce(address, options)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        axum::serve(listener, host::router(host))
            .with_graceful_shutdown(asked_to_stop())
            .await?;
        Ok(())
    })
}

fn read_tenant(options: &Options) -> Result<Value, String> {
    let text = match &options.config {
        None => DEMO_TENANT.to_owned(),
        Some(path) => std::fs::read_to_string(path).map_err(|error| error.to_string())?,
    };
    serde_json::from_str(&text).map_err(|error| format!("not JSON: {error}"))
}

/// Opens the engine.
fn open(tenant: Value, address: SocketAddr, options: &Options) -> Result<Host, Failure> {
    let engine = Engine::builder(config(tenant, address, options)?)
        .events(Arc::new(log))
        .user_claims(Arc::new(demo_claims))
        .build()
        .map_err(|error| match (error.class(), &options.store) {
            (Class::Config, _) => refused(options, &error),
            (_, None) => met(format!("{}: {error}", options.tenant_name())),
            (_, Some(store)) => {
                let store = store.display();
                met(format!("{store}, opened with {store}.key: {error}"))
            }
        })?;
    Ok(Host {
        origin: engine.issuer().origin().to_owned(),
        login: options.login.clone(),
        engine,
    })
}

/// A tenant that names no issuer gets the address that clients reach it at.
fn config(mut tenant: Value, address: SocketAddr, options: &Options) -> Result<Config, Failure> {
    if let Some(tenant) = tenant.as_object_mut() {
        tenant
            .entry("issuer")
            .or_insert_with(|| format!("http://{address}/").into());
    }
    let has_store = tenant.get("store").is_some() || tenant.pointer("/keys/sealing").is_some();
    let config = Config::from_value(tenant).map_err(|error| refused(options, &error))?;
    match &options.store {
        None => Ok(config),
        Some(_) if has_store => Err(Failure::Asked(format!(
            "{}: has a store or a sealing key of its own, so there is no place for --store",
            options.tenant_name()
        ))),
        Some(store) => Ok(config.sqlite(store).sealing_key(sealing_key(store)?)),
    }
}

fn refused(options: &Options, error: &grantlet::Error) -> Failure {
    Failure::Asked(format!("{}: {error}", options.tenant_name()))
}

fn met(what: String) -> Failure {
    Failure::Met(io::Error::other(what))
}

/// The key in FILE.key. People are told of a new one: their store is worth nothing without it.
fn sealing_key(store: &Path) -> io::Result<Secret> {
    let (key, is_new) = private_file::sealing_key(store)?;
    if is_new {
        let store = store.display();
        eprintln!("serve: made {store}.key: it opens {store}, so keep it, and keep it to yourself");
    }
    Ok(key)
}

/// Says where it listens. The line goes out at once: a script may be waiting for it.
fn announce(address: SocketAddr, options: &Options) -> io::Result<()> {
    if !address.ip().is_loopback() {
        eprintln!(
            "serve: warning: {address} is open to the network, and the sign-in takes any user name"
        );
    }
    println!("grantlet: listening on http://{address}");
    if options.config.is_none() {
        print!("{}", options::what_to_try(address, options.login.is_some()));
    }
    io::stdout().flush()
}

/// Lets go of what has ended, now and then.
async fn sweep(engine: Engine) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    loop {
        ticks.tick().await;
        let engine = engine.clone();
        let swept = tokio::task::spawn_blocking(move || engine.sweep(SWEEP_AT_MOST)).await;
        if let Ok(Err(error)) = swept {
            eprintln!("serve: sweep: {error}");
        }
    }
}

/// Until SIGINT (Ctrl-C) or SIGTERM.
async fn asked_to_stop() {
    #[cfg(unix)]
    if let Ok(mut terminate) =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
    {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// The audit log: one line of JSON for each event.
fn log(event: &Event<'_>) {
    if let Ok(line) = serde_json::to_string(event) {
        eprintln!("{line}");
    }
}

/// What a user database would know. The engine lets out what the token's scope may see.
fn demo_claims(request: &UserClaimsRequest<'_>) -> grantlet::Result<Option<Map<String, Value>>> {
    let user = request.subject;
    let claims = json!({
        "name": format!("Demo user {user}"),
        "preferred_username": user,
        "email": format!("{user}@users.example.com"),
        "email_verified": false,
    });
    Ok(claims.as_object().cloned())
}
