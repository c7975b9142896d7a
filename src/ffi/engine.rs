//! `grl_engine`: the engine itself, one call for each operation.

use std::cell::Cell;

use crate::config::Config;
use crate::endpoint::FormRequest;
use crate::endpoint::grants::GrantFilter;
use crate::endpoint::token::TokenResponse;
use crate::engine::Engine;
use crate::error::{Error, Result, Status};
use crate::ffi::error::grl_error;
use crate::ffi::guard::{ErrorOut, Failure, guard};
use crate::ffi::host::{Host, grl_host};
use crate::ffi::types::{Out, free_shared, give_shared, grl_buf, grl_str, null, shared};
use crate::secret::{Secret, wipe};

/// An OAuth 2.1 / OpenID Connect server without a socket.
///
/// Ownership: yours; free it with grl_engine_free. What came of it may be freed before or after it.
/// Threads: any number may use it at once.
pub struct grl_engine(pub(super) Engine);

/// Opens an engine in memory: what it knows ends with it. Without a host, it takes the system's clock
/// and randomness.
///
/// `config` is a JSON object; the least that works:
/// `{"issuer":"http://127.0.0.1:8080/","apis":[…],"clients":[…]}`. A configuration that names a `store`, or a
/// host that brings one, makes it last: see grl_engine_open.
///
/// Ownership: `engine` is yours; of `host`, see there.
/// Errors: GRL_CONFIG and its reasons: the description names the place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_new(
    config: grl_str,
    host: *const grl_host,
    engine: *mut *mut grl_engine,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe { open(config, host, engine, error, Ok) }
}

/// Opens an engine on a file, which is made if it is not there: grants, keys, and what is changed of
/// clients and APIs outlive the process. Any number of processes may open the same file at once.
///
/// `path` is the file of an SQLite database of ours. `sealing_key` is 32 bytes, not text, which you keep
/// elsewhere: in the Keychain, DPAPI, the Secret Service, a KMS. Without them nobody can read the
/// engine's keys in the file. The configuration may say the same:
/// `"store":{"sqlite":path},"keys":{"sealing":base64url}`.
///
/// Ownership: `engine` is yours; of `host`, see there.
/// Errors: those of grl_engine_new. GRL_STORE and its reasons, such as GRL_STORE_SEALED of the wrong key.
/// GRL_TEMPORARILY_UNAVAILABLE where another process holds the file for longer than five seconds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_open(
    config: grl_str,
    path: grl_str,
    sealing_key: grl_str,
    host: *const grl_host,
    engine: *mut *mut grl_engine,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe {
        open(config, host, engine, error, |config| {
            let key = Secret::new(sealing_key.bytes("sealing_key")?);
            match path.text("path")? {
                "" => Err(Error::new(Status::Usage, "'path' is empty")),
                path => Ok(config.sqlite(path).sealing_key(key)),
            }
        })
    }
}

/// Opens an engine on a configuration that `complete` has the last word about.
///
/// # Safety
/// The contract of the module.
unsafe fn open(
    config: grl_str,
    host: *const grl_host,
    engine: *mut *mut grl_engine,
    error: *mut *mut grl_error,
    complete: impl FnOnce(Config) -> Result<Config>,
) -> Status {
    // SAFETY: NULL or writable, by contract.
    let error = unsafe { ErrorOut::new(error) };
    guard(error, || {
        // SAFETY: NULL or writable, by contract.
        let out = unsafe { Out::new(engine, "engine") };
        // First of all: what fails from here on releases the host.
        // SAFETY: NULL or a host, by contract.
        let host = unsafe { Host::read(host) }?;
        let out = out?;
        // SAFETY: text, by contract.
        let config = unsafe { config.text("config") }?;
        let mut builder = Engine::builder(complete(Config::from_json(config)?)?);
        if let Some(host) = host {
            // SAFETY: the host's text is still borrowed.
            builder = unsafe { host.install(builder) }?;
        }
        out.set(give_shared(grl_engine(builder.build()?)));
        Ok(())
    })
}

/// Frees an engine; NULL is fine. Within a callback too: a call that is under way goes on to its end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_free(engine: *mut grl_engine) {
    // SAFETY: NULL or an engine that was not freed, by contract.
    unsafe { free_shared(engine) }
}

/// Adds an API, or replaces the one of the same identifier. `api` is a JSON object, as in the
/// configuration's `apis`.
///
/// State: changes the registry; grants stay.
/// Errors: GRL_CONFIG and its reasons; nothing is changed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_put_api(
    engine: *const grl_engine,
    api: grl_str,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe {
        with_text(engine, api, "api", error, |engine, api| {
            engine.put_api_json(api)
        })
    }
}

/// Removes an API: no more tokens for it, and those that are out are no longer valid here.
///
/// State: changes the registry; grants stay.
/// Errors: GRL_NOT_FOUND; GRL_CONFIG for the `default_audience`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_remove_api(
    engine: *const grl_engine,
    identifier: grl_str,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe { with_text(engine, identifier, "identifier", error, Engine::remove_api) }
}

/// Adds a client, or replaces the one of the same id. `client` is a JSON object, as in the
/// configuration's `clients`.
///
/// State: changes the registry; grants stay.
/// Errors: GRL_CONFIG and its reasons; nothing is changed then.
/// Spec: RFC 7591 §2 (the names).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_put_client(
    engine: *const grl_engine,
    client: grl_str,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe {
        with_text(engine, client, "client", error, |engine, client| {
            engine.put_client_json(client)
        })
    }
}

/// Removes a client and revokes its grants.
///
/// `revoked` gets how many were live until now; NULL if you do not care.
///
/// State: changes the registry and the grants.
/// Errors: GRL_NOT_FOUND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_remove_client(
    engine: *const grl_engine,
    client_id: grl_str,
    revoked: *mut usize,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe {
        with_count(engine, revoked, error, |engine| {
            engine.remove_client(client_id.text("client_id")?)
        })
    }
}

/// Answers a token request: `authorization_code`, `refresh_token` or `client_credentials`.
///
/// `form` is the body, `application/x-www-form-urlencoded`; `authorization` the value of the
/// `Authorization` header, or empty. `json` gets the body to answer with; send it with
/// `Cache-Control: no-store`.
///
/// Ownership: `json` is yours.
/// State: moves the grant on. A spent code or refresh token that comes back revokes it
/// (GRL_INVALID_GRANT_REUSED); any other error leaves it as it was.
/// Errors: those of RFC 6749 §5.2; grl_error_response gives the body.
/// Spec: RFC 6749 §3.2, §5, OIDC Core §3.1.3, §12.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_token(
    engine: *const grl_engine,
    form: grl_str,
    authorization: grl_str,
    json: *mut grl_buf,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe {
        with_buf(engine, json, error, |engine| {
            let request = form_request(form, authorization)?;
            Ok(grl_buf::of(&engine.token(request)?.to_json()))
        })
    }
}

/// As grl_engine_token, into memory of yours: nothing to free.
///
/// `buffer` has room for `capacity` bytes, and may be NULL if that is 0; `length` gets how many the
/// response has. No NUL is added. A refresh needs about 1 KiB, with an ID token 2 KiB.
///
/// `buffer` must not overlap `form` or `authorization`: GRL_USAGE.
///
/// Errors: also GRL_BUFFER_TOO_SMALL: nothing has changed, and `length` says what is needed. On any
/// other error `length` is 0; what was written to the buffer is wiped again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_token_into(
    engine: *const grl_engine,
    form: grl_str,
    authorization: grl_str,
    buffer: *mut u8,
    capacity: usize,
    length: *mut usize,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: NULL or writable, by contract.
    let error = unsafe { ErrorOut::new(error) };
    guard(error, || {
        // SAFETY: NULL or writable, by contract.
        let length = unsafe { Out::new(length, "length") }?;
        // SAFETY: NULL or what their types say, by contract.
        let (engine, request) = unsafe {
            (
                shared(engine, "engine")?,
                form_request(form, authorization)?,
            )
        };
        if buffer.is_null() && capacity != 0 {
            return Err(null("buffer").into());
        }
        // The request is read again while the response is written.
        let ours = buffer.addr()..buffer.addr().saturating_add(capacity);
        let overlaps = |text: grl_str| {
            text.len > 0
                && text.ptr.addr() < ours.end
                && ours.start < text.ptr.addr().saturating_add(text.len)
        };
        if overlaps(form) || overlaps(authorization) {
            let what = "'buffer' overlaps 'form' or 'authorization'";
            return Err(Error::new(Status::Usage, what).into());
        }
        let buffer = Buffer::new(buffer, capacity);
        // The last look before the commit is at the response that the commit is for.
        match engine
            .0
            .token_if(request, &|response| buffer.fill(response))
        {
            Ok(_) => length.set(buffer.keep()),
            Err(error) => {
                if error.status() == Status::BufferTooSmall {
                    length.set(buffer.needed.get());
                }
                return Err(error.into());
            }
        }
        Ok(())
    })
}

/// Verifies an access token for a resource server: signature, issuer, lifetime, audience, scope, and
/// that neither it nor its grant was revoked. Only GRL_OK means that it is valid.
///
/// `scope` is what the token must have, separated by spaces, or empty. `json` gets its claims, an
/// object.
///
/// Ownership: `json` is yours.
/// State: changes nothing.
/// Errors: GRL_INVALID_TOKEN and its reasons; GRL_INSUFFICIENT_SCOPE.
/// Spec: RFC 9068 §4, RFC 6750 §3.1.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_verify(
    engine: *const grl_engine,
    access_token: grl_str,
    audience: grl_str,
    scope: grl_str,
    json: *mut grl_buf,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe {
        with_buf(engine, json, error, |engine| {
            let (token, audience) = (
                access_token.text("access_token")?,
                audience.text("audience")?,
            );
            let scopes: Vec<&str> = scope
                .text("scope")?
                .split(' ')
                .filter(|token| !token.is_empty())
                .collect();
            grl_buf::json(engine.verify(token, audience, &scopes)?.claims())
        })
    }
}

/// Answers a revocation request. Parameters as in grl_engine_token; there is no body to answer with.
///
/// State: revokes the grant of a refresh token, or one access token.
/// Errors: those of client authentication; an unknown token is none.
/// Spec: RFC 7009.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_revoke(
    engine: *const grl_engine,
    form: grl_str,
    authorization: grl_str,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe {
        with_engine(engine, error, |engine| {
            engine.revoke(form_request(form, authorization)?)
        })
    }
}

/// Answers an introspection request. Parameters as in grl_engine_token.
///
/// Ownership: `json` is yours.
/// State: changes nothing.
/// Errors: those of client authentication; a token that is not active is none.
/// Spec: RFC 7662.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_introspect(
    engine: *const grl_engine,
    form: grl_str,
    authorization: grl_str,
    json: *mut grl_buf,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe {
        with_buf(engine, json, error, |engine| {
            grl_buf::json(&engine.introspect(form_request(form, authorization)?)?)
        })
    }
}

/// Answers a UserInfo request with the claims that grl_host's `user_claims` gives.
///
/// Ownership: `json` is yours.
/// State: changes nothing.
/// Errors: those of grl_engine_verify.
/// Spec: OIDC Core §5.3.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_userinfo(
    engine: *const grl_engine,
    access_token: grl_str,
    json: *mut grl_buf,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe {
        with_buf(engine, json, error, |engine| {
            grl_buf::json(&engine.userinfo(access_token.text("access_token")?)?)
        })
    }
}

/// Gives the metadata document, for `/.well-known/openid-configuration`.
///
/// Ownership: `json` is yours.
/// Spec: OIDC Discovery §3, RFC 8414 §2.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_metadata(
    engine: *const grl_engine,
    json: *mut grl_buf,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe {
        with_buf(engine, json, error, |engine| {
            grl_buf::json(&engine.metadata())
        })
    }
}

/// Gives the public keys: next, current and previous, as a JWK set.
///
/// Ownership: `json` is yours.
/// Spec: RFC 7517 §5.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_jwks(
    engine: *const grl_engine,
    json: *mut grl_buf,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe { with_buf(engine, json, error, |engine| grl_buf::json(&engine.jwks())) }
}

/// Lists the grants of a client, of a user (`subject`), of both, or all; an empty one means anybody's.
///
/// `json` gets an array of objects, the oldest grant first.
///
/// Ownership: `json` is yours.
/// State: changes nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_grants(
    engine: *const grl_engine,
    client_id: grl_str,
    subject: grl_str,
    json: *mut grl_buf,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe {
        with_buf(engine, json, error, |engine| {
            grl_buf::json(&engine.grants(filter(client_id, subject)?)?)
        })
    }
}

/// Gives one grant as a JSON object.
///
/// Ownership: `json` is yours.
/// State: changes nothing.
/// Errors: GRL_NOT_FOUND.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_grant(
    engine: *const grl_engine,
    grant_id: grl_str,
    json: *mut grl_buf,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe {
        with_buf(engine, json, error, |engine| {
            let grant = engine.grant(grant_id.text("grant_id")?)?;
            let missing = || Error::new(Status::NotFound, "there is no such grant");
            grl_buf::json(&grant.ok_or_else(missing)?)
        })
    }
}

/// Revokes a grant, and everything under it.
///
/// `revoked` gets 1 if it was live until now, else 0; NULL if you do not care.
///
/// State: changes the grant.
/// Errors: GRL_NOT_FOUND for what is no grant id at all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_revoke_grant(
    engine: *const grl_engine,
    grant_id: grl_str,
    revoked: *mut usize,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe {
        with_count(engine, revoked, error, |engine| {
            engine
                .revoke_grant(grant_id.text("grant_id")?)
                .map(usize::from)
        })
    }
}

/// Revokes the grants of a client, of a user (`subject`), or of one at the other; an empty one means
/// anybody's, but not both: a variable that was never set must not sign everybody out.
///
/// `revoked` gets how many were live until now; NULL if you do not care.
///
/// State: changes the grants.
/// Errors: GRL_USAGE where both are empty. Should the store fail half-way, grants stay revoked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_revoke_grants(
    engine: *const grl_engine,
    client_id: grl_str,
    subject: grl_str,
    revoked: *mut usize,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe {
        with_count(engine, revoked, error, |engine| {
            let filter = filter(client_id, subject)?;
            if filter == GrantFilter::default() {
                let what = "name the client or the user whose grants to revoke";
                return Err(Error::new(Status::Usage, what));
            }
            engine.revoke_grants(filter)
        })
    }
}

/// Moves every key on: the next one signs, the current one still verifies, a fresh next is published.
///
/// Tokens that are out stay valid. The key of grl_host's `sign` stays. Where several processes share a
/// store, not twice within two seconds: the others must have seen a key before it signs.
///
/// State: changes the keys.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_rotate_keys(
    engine: *const grl_engine,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe { with_engine(engine, error, Engine::rotate_keys) }
}

/// Seals the engine's keys in its store under another 32 bytes, `sealing_key`, which the next to open it
/// has to bring. Engines of other processes on the same store refuse every request from the next second
/// on (GRL_STORE_SEALED) until they are opened with it.
///
/// State: changes how the keys are stored.
/// Errors: GRL_CONFIG_KEY for another length; GRL_STORE_UNSUPPORTED where nothing outlives the process.
/// Those of the store: then nobody knows whether it was done, so keep both keys; one of them opens it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_reseal(
    engine: *const grl_engine,
    sealing_key: grl_str,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe {
        with_engine(engine, error, |engine| {
            engine.reseal(&Secret::new(sealing_key.bytes("sealing_key")?))
        })
    }
}

/// Writes a consistent copy of the store's file to a new one, `path`, while the engine goes on working. It
/// is its owner's alone (mode 0600), sealed as the store is, and opened like any other.
///
/// State: changes nothing.
/// Errors: GRL_STORE_UNSUPPORTED of a store that is no file; GRL_STORE_FULL; GRL_SERVER_ERROR where the
/// file exists or its folder does not: grl_error_detail says which.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_backup(
    engine: *const grl_engine,
    path: grl_str,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe {
        with_text(engine, path, "path", error, |engine, path| {
            engine.backup(path)
        })
    }
}

/// Removes at most `limit` records that nobody needs any more; a bounded amount of work. Call it now
/// and then.
///
/// `removed` gets how many went; NULL if you do not care.
///
/// State: removes what has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_engine_sweep(
    engine: *const grl_engine,
    limit: usize,
    removed: *mut usize,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    unsafe { with_count(engine, removed, error, |engine| engine.sweep(limit)) }
}

/// A body that needs the engine and gives nothing back.
///
/// # Safety
/// The contract of the module.
unsafe fn with_engine(
    engine: *const grl_engine,
    error: *mut *mut grl_error,
    body: impl FnOnce(&Engine) -> Result<()>,
) -> Status {
    // SAFETY: passed on.
    let error = unsafe { ErrorOut::new(error) };
    guard(error, || {
        // SAFETY: passed on.
        let engine = unsafe { shared(engine, "engine") }?;
        Ok(body(&engine.0)?)
    })
}

/// A body that takes one text.
///
/// # Safety
/// The contract of the module.
unsafe fn with_text(
    engine: *const grl_engine,
    text: grl_str,
    name: &str,
    error: *mut *mut grl_error,
    body: impl FnOnce(&Engine, &str) -> Result<()>,
) -> Status {
    // SAFETY: passed on.
    unsafe { with_engine(engine, error, |engine| body(engine, text.text(name)?)) }
}

/// A body that gives text away.
///
/// # Safety
/// The contract of the module.
unsafe fn with_buf(
    engine: *const grl_engine,
    buf: *mut grl_buf,
    error: *mut *mut grl_error,
    body: impl FnOnce(&Engine) -> Result<grl_buf>,
) -> Status {
    // SAFETY: passed on.
    let error = unsafe { ErrorOut::new(error) };
    guard(error, || -> Result<(), Failure> {
        // SAFETY: passed on.
        let out = unsafe { Out::new(buf, "json") }?;
        // SAFETY: passed on.
        let engine = unsafe { shared(engine, "engine") }?;
        out.set(body(&engine.0)?);
        Ok(())
    })
}

/// A body that counts, for a caller who may not care.
///
/// # Safety
/// The contract of the module.
unsafe fn with_count(
    engine: *const grl_engine,
    count: *mut usize,
    error: *mut *mut grl_error,
    body: impl FnOnce(&Engine) -> Result<usize>,
) -> Status {
    // SAFETY: passed on.
    let error = unsafe { ErrorOut::new(error) };
    guard(error, || {
        // SAFETY: passed on.
        let out = unsafe { Out::optional(count) };
        // SAFETY: passed on.
        let engine = unsafe { shared(engine, "engine") }?;
        let counted = body(&engine.0)?;
        if let Some(out) = out {
            out.set(counted);
        }
        Ok(())
    })
}

/// # Safety
/// The contract of the module, for `'a`.
unsafe fn form_request<'a>(form: grl_str, authorization: grl_str) -> Result<FormRequest<'a>> {
    // SAFETY: passed on.
    let (form, authorization) = unsafe {
        (
            form.text("form")?,
            authorization.text_if_any("authorization")?,
        )
    };
    Ok(FormRequest {
        form,
        authorization,
    })
}

/// # Safety
/// The contract of the module, for `'a`.
unsafe fn filter<'a>(client_id: grl_str, subject: grl_str) -> Result<GrantFilter<'a>> {
    // SAFETY: passed on.
    let (client_id, subject) = unsafe {
        (
            client_id.text_if_any("client_id")?,
            subject.text_if_any("subject")?,
        )
    };
    Ok(GrantFilter { client_id, subject })
}

/// A caller's memory for a token response; wiped again unless the response is kept.
struct Buffer {
    start: *mut u8,
    capacity: usize,
    needed: Cell<usize>,
    written: Cell<usize>,
}

impl Buffer {
    fn new(start: *mut u8, capacity: usize) -> Self {
        Buffer {
            start,
            capacity,
            needed: Cell::new(0),
            written: Cell::new(0),
        }
    }

    /// Writes a response in the place of the last one. Its tokens are not out yet.
    fn fill(&self, response: &TokenResponse) -> Result<()> {
        self.wipe();
        let needed = response.json_len();
        self.needed.set(needed);
        if needed > self.capacity {
            let what = format!("the response has {needed} bytes");
            return Err(
                Error::new(Status::BufferTooSmall, "the buffer is too small").with_detail(what),
            );
        }
        response.write_json(&mut &*self).map_err(Error::server)
    }

    /// Leaves the response to the caller; tells its length.
    fn keep(&self) -> usize {
        self.written.take()
    }

    fn wipe(&self) {
        let written = self.written.take();
        if written > 0 {
            // SAFETY: `fill` has written these bytes.
            wipe(unsafe { std::slice::from_raw_parts_mut(self.start, written) });
        }
    }
}

impl std::fmt::Write for &Buffer {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let at = self.written.get();
        if self.capacity - at < text.len() {
            return Err(std::fmt::Error);
        }
        // SAFETY: the caller's memory has room for `capacity` bytes, of which `at` are written, and our
        // own text does not lie in it.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), self.start.add(at), text.len()) };
        self.written.set(at + text.len());
        Ok(())
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.wipe();
    }
}
