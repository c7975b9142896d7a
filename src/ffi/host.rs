//! `grl_host`: the callbacks through which a host replaces parts of the engine.

use std::ffi::c_void;
use std::sync::Arc;

use serde_json::Value;

use crate::clock::{Clock, Timestamp};
use crate::endpoint::userinfo::{UserClaims, UserClaimsRequest};
use crate::engine::EngineBuilder;
use crate::error::{Error, Result, Status};
use crate::event::{Event, EventSink};
use crate::ffi::sink::grl_sink;
use crate::ffi::store::{HostStore, grl_store};
use crate::ffi::types::{grl_str, sized};
use crate::jose::{Signer, SigningKey};
use crate::random::Random;

/// Parts of the engine that are yours. Begin with GRL_HOST_INIT, set what you need; NULL leaves the
/// engine's own.
///
/// A callback runs on the thread that called the engine, whichever that is, and several may run at
/// once; never under a lock of the engine's, so it may call the engine, and even free it. It must
/// return: no longjmp, no exception. Where it returns a status, GRL_OK means that it did its work;
/// GRL_TEMPORARILY_UNAVAILABLE is passed on to the client; anything else means that it failed, and
/// the call ends with GRL_SERVER_ERROR. Either way nothing is issued then and nothing has changed.
///
/// Ownership: the struct and its text are borrowed while grl_engine_new or grl_engine_open runs. `ctx`
/// stays yours until `release`, which is called exactly once for each of these calls: when nothing can
/// call back any more, as the engine and all its grl_authorization are freed, or none of the callbacks
/// was set; or before the call returns if it fails.
/// (Not after GRL_USAGE_SIZE: then nothing but sizes was read.)
#[repr(C)]
#[derive(Clone, Copy)]
pub struct grl_host {
    /// sizeof(grl_host).
    pub size: usize,
    /// Handed to every callback.
    pub ctx: *mut c_void,
    /// Says that no callback will be called again, on the thread that ended the last use.
    pub release: Option<unsafe extern "C" fn(ctx: *mut c_void)>,
    /// Tells the time, in seconds since 1970; 0 where it cannot be told, which is a failure.
    pub clock: Option<unsafe extern "C" fn(ctx: *mut c_void) -> u64>,
    /// Fills `len` bytes with randomness that nobody can predict, and returns a status. Elliptic-curve
    /// keys and signatures, and the salts of client secrets, take the system's all the same.
    pub random: Option<unsafe extern "C" fn(ctx: *mut c_void, bytes: *mut u8, len: usize) -> i32>,
    /// Takes an event for the audit log, a JSON object: `{"at":…,"event":"rotated",…}`. The change is
    /// stored already. No event holds a token or a secret.
    pub event: Option<unsafe extern "C" fn(ctx: *mut c_void, event: grl_str)>,
    /// Writes what is known of a user to `claims`, one JSON object, and returns a status; of
    /// GRL_NOT_FOUND the client learns that its token is no longer valid. Claims that need a scope
    /// which `scope` lacks are left out for you (OIDC Core §5.4).
    pub user_claims: Option<
        unsafe extern "C" fn(
            ctx: *mut c_void,
            subject: grl_str,
            client_id: grl_str,
            scope: grl_str,
            claims: *mut grl_sink,
        ) -> i32,
    >,
    /// The public JWK of the key that `sign` signs with, with its `alg` where the key allows several.
    pub signing_key: grl_str,
    /// Writes the signature over `input` (not its hash) to `signature`, and returns a status. ES256
    /// and ES384: R‖S or DER. Your Secure Enclave, TPM or HSM goes here; it may block.
    pub sign: Option<
        unsafe extern "C" fn(ctx: *mut c_void, input: grl_str, signature: *mut grl_sink) -> i32,
    >,
    /// Where records are kept, with a `ctx` and a `release` of its own. The configuration then names no
    /// other store, but `keys.sealing`: the engine's own keys lie there, too. NULL: where it says.
    pub store: *const grl_store,
}

/// What a host brings, taken over: dropping it releases each `ctx`.
pub(super) struct Host {
    callbacks: Arc<Callbacks>,
    store: Option<Arc<HostStore>>,
}

/// A host's callbacks, as each of the engine's traits. The last one to let go releases `ctx`.
struct Callbacks(grl_host);

// SAFETY: `ctx` is the host's, who promises callbacks that any thread may call at any time; nothing
// else in it is ever looked at.
unsafe impl Send for Callbacks {}
// SAFETY: as above.
unsafe impl Sync for Callbacks {}

impl Host {
    /// Takes a host over, and its store.
    ///
    /// # Safety
    /// NULL or a host, by the contract of the module.
    pub(super) unsafe fn read(host: *const grl_host) -> Result<Option<Self>> {
        if host.is_null() {
            return Ok(None);
        }
        // SAFETY: passed on.
        let host = unsafe { sized(host, "host") }?;
        let store = match host.store.is_null() {
            true => None,
            // Its size as well, before either is taken over.
            // SAFETY: not NULL, by contract a store.
            false => Some(unsafe { sized(host.store, "host.store") }?),
        };
        let callbacks = Arc::new(Callbacks(*host));
        let store = store.map(HostStore::new).transpose()?;
        Ok(Some(Host {
            callbacks,
            store: store.map(Arc::new),
        }))
    }

    /// Puts what the host brings in the place of the engine's own.
    ///
    /// # Safety
    /// Called while [`Host::read`]'s pointer is still good: its text is borrowed.
    pub(super) unsafe fn install(self, builder: EngineBuilder) -> Result<EngineBuilder> {
        let Host { callbacks, store } = self;
        let host = &callbacks.0;
        let mut builder = builder;
        if let Some(store) = store {
            builder = builder.store(store);
        }
        if host.clock.is_some() {
            builder = builder.clock(callbacks.clone());
        }
        if host.random.is_some() {
            builder = builder.random(callbacks.clone());
        }
        if host.event.is_some() {
            builder = builder.events(callbacks.clone());
        }
        if host.user_claims.is_some() {
            builder = builder.user_claims(callbacks.clone());
        }
        // SAFETY: passed on.
        let key = unsafe { host.signing_key.text_if_any("host.signing_key") }?;
        match (key, host.sign) {
            (None, None) => Ok(builder),
            (Some(jwk), Some(_)) => {
                let jwk: Value = serde_json::from_str(jwk)
                    .map_err(|_| Error::new(Status::ConfigKey, "host.signing_key is not JSON"))?;
                let signer = callbacks.clone();
                Ok(builder.signing_key(SigningKey::external(&jwk, signer)?))
            }
            _ => Err(Error::new(
                Status::UsageNull,
                "host.signing_key and host.sign go together",
            )),
        }
    }
}

impl Drop for Callbacks {
    fn drop(&mut self) {
        if let Some(release) = self.0.release {
            // SAFETY: the host's own callback and ctx; this is the last use of either.
            unsafe { release(self.0.ctx) }
        }
    }
}

impl Clock for Callbacks {
    fn now(&self) -> Result<Timestamp> {
        // SAFETY: the host's own callback and ctx.
        match self.0.clock.map(|clock| unsafe { clock(self.0.ctx) }) {
            None | Some(0) => Err(Error::server("the host's clock cannot tell the time")),
            Some(secs) => Ok(Timestamp::from_secs(secs)),
        }
    }
}

impl Random for Callbacks {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        let status = self.0.random.map_or(Status::Usage.code(), |random| {
            // SAFETY: the host's own callback and ctx; `out` is as long as it says.
            unsafe { random(self.0.ctx, out.as_mut_ptr(), out.len()) }
        });
        done("random", status)
    }
}

impl EventSink for Callbacks {
    fn record(&self, event: &Event<'_>) {
        // An event is text and numbers: it always serialises.
        if let (Some(record), Ok(json)) = (self.0.event, serde_json::to_string(event)) {
            // SAFETY: the host's own callback and ctx; the text outlives the call.
            unsafe { record(self.0.ctx, grl_str::lend(&json)) }
        }
    }
}

impl UserClaims for Callbacks {
    fn claims(
        &self,
        request: &UserClaimsRequest<'_>,
    ) -> Result<Option<serde_json::Map<String, Value>>> {
        let mut sink = grl_sink::for_answer();
        let status = self.0.user_claims.map_or(Status::Usage.code(), |claims| {
            let subject = grl_str::lend(request.subject);
            let client_id = grl_str::lend(request.client_id);
            let scope = grl_str::lend(request.scope);
            // SAFETY: the host's own callback and ctx; text and sink outlive the call.
            unsafe { claims(self.0.ctx, subject, client_id, scope, &raw mut sink) }
        });
        if status == Status::NotFound.code() {
            return Ok(None);
        }
        let json = answered("user_claims", status, sink)?;
        serde_json::from_slice(&json)
            .map(Some)
            .map_err(|_| Error::server("the host's user_claims wrote no JSON object"))
    }
}

impl Signer for Callbacks {
    fn sign(&self, input: &[u8]) -> Result<Vec<u8>> {
        let mut sink = grl_sink::for_answer();
        let status = self.0.sign.map_or(Status::Usage.code(), |sign| {
            // SAFETY: the host's own callback and ctx; input and sink outlive the call.
            unsafe { sign(self.0.ctx, grl_str::lend(input), &raw mut sink) }
        });
        answered("sign", status, sink)
    }
}

/// What a callback's status means to us.
fn done(callback: &str, status: i32) -> Result<()> {
    match status {
        0 => Ok(()),
        _ if status == Status::TemporarilyUnavailable.code() => Err(Error::new(
            Status::TemporarilyUnavailable,
            "the server cannot do this at the moment; try again",
        )
        .with_detail(format!("the host's {callback} is unavailable"))),
        _ => Err(Error::server(format!(
            "the host's {callback} failed: status {status}"
        ))),
    }
}

/// What a callback that has done its work wrote.
fn answered(callback: &str, status: i32, sink: grl_sink) -> Result<Vec<u8>> {
    done(callback, status)?;
    let too_much = || Error::server(format!("the host's {callback} wrote more than it may"));
    sink.written().ok_or_else(too_much)
}
