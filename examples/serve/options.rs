//! The command line, and what it tells people.

use std::net::SocketAddr;
use std::path::PathBuf;

use grantlet::limits::MAX_SUBJECT_BYTES;

pub(crate) const HELP: &str = "\
A loopback OAuth 2.1 / OpenID Connect server, made of grantlet and axum.

Usage: serve [--config FILE] [--listen ADDR:PORT] [--login SUBJECT] [--store FILE]

  --config FILE       the tenant, as JSON; a demo tenant unless given.
                      Without an issuer in it, the address listened on is the issuer.
  --listen ADDR:PORT  where to listen; 127.0.0.1:8080 unless given. Port 0 takes a free one.
  --login SUBJECT     approve every request as this user. Unless given, a page asks for a
                      user name (any will do: this is a demo) and for consent.
  --store FILE        keep grants and keys in this SQLite file, which is made if it is not there,
                      and the key that seals those keys in FILE.key. Unless given, all of it
                      lives in memory, or where the tenant says.
  --help              show this.

What a store keeps is good for one issuer: with --store, name one in the tenant or keep to one
address. Several servers may share a store. The audit log goes to stderr, as JSON lines.
";

/// What the command line asks for.
pub(crate) enum Command {
    Serve(Options),
    Help,
}

pub(crate) struct Options {
    pub(crate) config: Option<PathBuf>,
    pub(crate) listen: SocketAddr,
    pub(crate) login: Option<String>,
    pub(crate) store: Option<PathBuf>,
}

impl Options {
    /// The tenant's name in an error.
    pub(crate) fn tenant_name(&self) -> String {
        self.config
            .as_ref()
            .map_or("the demo tenant".to_owned(), |path| {
                path.display().to_string()
            })
    }
}

/// Reads `--name value` and `--name=value`.
pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut options = Options {
        config: None,
        listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
        login: None,
        store: None,
    };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let (name, mut value) = match argument.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (argument, None),
        };
        let mut value = || {
            value
                .take()
                .or_else(|| arguments.next())
                .ok_or(format!("{name} needs a value"))
        };
        match name.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--config" => options.config = Some(value()?.into()),
            "--store" => options.store = Some(value()?.into()),
            "--listen" => {
                let text = value()?;
                options.listen = text.parse().map_err(|_| {
                    format!("--listen '{text}' is not ADDR:PORT, such as 127.0.0.1:8080")
                })?;
            }
            "--login" => {
                let subject = value()?;
                if subject.is_empty() || subject.len() > MAX_SUBJECT_BYTES {
                    return Err(format!("--login needs 1 to {MAX_SUBJECT_BYTES} bytes"));
                }
                options.login = Some(subject);
            }
            _ => return Err(format!("unknown argument '{name}'")),
        }
    }
    Ok(Command::Serve(options))
}

/// Commands for the demo tenant, to be pasted into a shell.
pub(crate) fn what_to_try(address: SocketAddr, approves: bool) -> String {
    let server = format!("http://{address}");
    let callback = format!("http://{address}/callback");
    let web = "curl -u notes-web:notes-web-secret";
    let service = "curl -d client_id=notes-service -d client_secret=notes-service-secret";
    let api = "https://api.example.com/";
    let sign_in = format!(
        "{server}/authorize?response_type=code&client_id=notes-web&redirect_uri={callback}\
         &audience={api}&scope=openid+profile+read:notes+offline_access&state=xyz"
    );
    let code = match approves {
        true => format!("curl -s -o /dev/null -w '%{{redirect_url}}\\n' '{sign_in}'"),
        false => format!("open '{sign_in}'  # a browser"),
    };
    format!(
        "
Try, with the values that the answers hold:
  curl {server}/.well-known/openid-configuration
  {code}
  {web} -d grant_type=authorization_code -d redirect_uri={callback} {server}/oauth/token -d code=…
  {web} -d grant_type=refresh_token {server}/oauth/token -d refresh_token=…
  curl {server}/userinfo -H 'Authorization: Bearer …'
  {service} -d grant_type=client_credentials -d audience={api} {server}/oauth/token
"
    )
}
