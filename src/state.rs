//! The state: the registry as it is now, and where it is kept.
//!
//! On a store that does not outlive the process it is in memory. On one that does, keys and registry
//! changes are one sealed record beside the grants: a change is one compare-and-swap, and whoever shares
//! the store sees it within a second of the clock. Keys are published one rotation before they are used,
//! so that nobody meets one that it has not heard of.
//!
//! Knows what lasts of a registry and how it is written; not what clients and APIs mean.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use serde_json::{Map, Value, json};

use crate::api::Api;
use crate::client::Client;
use crate::clock::Timestamp;
use crate::config::{Config, Issuer};
use crate::error::{Error, Result, Status};
use crate::grant::TokenKeys;
use crate::jose::Keyring;
use crate::random::Random;
use crate::registry::{Changes, Lasting, Registry};
use crate::seal::Sealing;
use crate::secret::{Secret, wipe_json};
use crate::store::{Key, Loaded, MAX_ATTEMPTS, Record, Store, busy};

/// Where the record is. Grants' ids are random, so none is here.
const KEY: Key = Key::new(*b"grantlet's state");
/// Of the JSON in it.
const FORMAT: u64 = 1;
/// No second of any clock.
const NOT_YET: u64 = u64::MAX;

/// The registry as it is now, and where it is kept.
pub(crate) struct State {
    registry: RwLock<Arc<Snapshot>>,
    kept: Option<Kept>,
}

/// A registry, and the record that it is of; both are zero where there is none.
struct Snapshot {
    registry: Arc<Registry>,
    /// The store's.
    version: u64,
    /// One more with each change.
    revision: u64,
}

struct Kept {
    store: Arc<dyn Store>,
    /// The first seals, any opens: there are two while the key is changed.
    sealing: RwLock<Vec<Arc<Sealing>>>,
    config: Config,
    issuer: Issuer,
    random: Arc<dyn Random>,
    /// The second in which the store was last asked.
    looked_at: AtomicU64,
}

impl State {
    /// The state of this store, or a new one: with the keys and the changes that lasted, under the
    /// configuration as it is now.
    pub(crate) fn open(
        mut config: Config,
        issuer: Issuer,
        store: &Arc<dyn Store>,
        now: impl Fn() -> Result<Timestamp>,
        random: &Arc<dyn Random>,
    ) -> Result<Self> {
        if !store.is_durable() {
            // Nothing is older than this engine: no moment matters.
            let registry = Registry::new(&config, issuer, None, Timestamp::default(), &**random)?;
            return Ok(State {
                registry: RwLock::new(Snapshot::new(registry, 0, 0)),
                kept: None,
            });
        }
        let sealing = Sealing::new(
            config.sealing_key.take().as_ref(),
            config.dangerous_plaintext_keys,
        )?;
        let now = now()?;
        let mut kept = Kept {
            store: Arc::clone(store),
            sealing: RwLock::new(vec![Arc::new(sealing)]),
            config,
            issuer,
            random: Arc::clone(random),
            looked_at: AtomicU64::new(now.as_secs()),
        };
        let opened = kept.open(now)?;
        // They are in the record, and guarded, from now on.
        kept.config.token_keys.clear();
        Ok(State {
            registry: RwLock::new(opened),
            kept: Some(kept),
        })
    }

    /// The registry as it is now; the lock is released again. The clock is asked where the registry is
    /// kept, and once a second the store: another process may have changed it.
    pub(crate) fn registry(&self, now: impl Fn() -> Result<Timestamp>) -> Result<Arc<Registry>> {
        if let Some(kept) = &self.kept {
            let now = now()?;
            // Noted once it is done: whoever comes meanwhile looks too, and nobody goes by what may be as
            // old as this process was idle.
            if kept.looked_at.load(Ordering::Relaxed) != now.as_secs() {
                self.refresh(kept, now)?;
                kept.looked_at.store(now.as_secs(), Ordering::Relaxed);
            }
        }
        Ok(self.last())
    }

    /// The same; where the store does not answer, as it was last seen.
    pub(crate) fn registry_or_last(&self, now: impl Fn() -> Result<Timestamp>) -> Arc<Registry> {
        self.registry(now).unwrap_or_else(|_| self.last())
    }

    fn last(&self) -> Arc<Registry> {
        Arc::clone(&self.registry.read().registry)
    }

    /// Makes the next registry out of the present one; what fails leaves the present one. Nothing is
    /// locked while `next` works, which may ask the host for random bytes; it works again where
    /// another change got in between.
    pub(crate) fn change(
        &self,
        now: Timestamp,
        next: impl Fn(Registry) -> Result<Registry>,
    ) -> Result<()> {
        for _ in 0..MAX_ATTEMPTS {
            if let Some(kept) = &self.kept {
                self.refresh(kept, now)?;
            }
            let present = Arc::clone(&self.registry.read());
            let made = next(Registry::clone(&present.registry))?;
            let done = match &self.kept {
                None => self.replace(&present, made),
                Some(kept) => {
                    let record = kept.seal(&made.lasting(), present.revision + 1)?;
                    kept.store.swap(&KEY, present.version, record)?
                }
            };
            if done {
                if let Some(kept) = &self.kept {
                    self.look_again(kept, now);
                }
                return Ok(());
            }
        }
        Err(busy())
    }

    /// Seals the record under another key, which is the engine's from now on. Where it fails once the store
    /// was asked, nobody knows which of the two opens the record: both are kept.
    pub(crate) fn reseal(&self, key: &Secret, now: Timestamp) -> Result<()> {
        let kept = self.kept.as_ref().ok_or_else(|| {
            Error::new(
                Status::StoreUnsupported,
                "the store keeps no keys: nothing is sealed",
            )
        })?;
        let renewed = Arc::new(Sealing::renewed(key)?);
        // Whoever looks meanwhile may find the record under either.
        kept.sealing.write().push(Arc::clone(&renewed));
        for _ in 0..MAX_ATTEMPTS {
            self.refresh(kept, now)?;
            let present = Arc::clone(&self.registry.read());
            let lasting = present.registry.lasting();
            let record = kept.seal_with(&renewed, &lasting, present.revision + 1)?;
            if kept.store.swap(&KEY, present.version, record)? {
                *kept.sealing.write() = vec![renewed];
                self.look_again(kept, now);
                return Ok(());
            }
        }
        Err(busy())
    }

    /// Takes over what was just changed. If the store does not answer now, the next call looks.
    fn look_again(&self, kept: &Kept, now: Timestamp) {
        kept.looked_at.store(NOT_YET, Ordering::Relaxed);
        let _ = self.refresh(kept, now);
    }

    /// Puts a registry in the place of the one that it was made of, if that is still there.
    fn replace(&self, present: &Arc<Snapshot>, made: Registry) -> bool {
        let mut registry = self.registry.write();
        let holds = Arc::ptr_eq(&registry, present);
        if holds {
            *registry = Snapshot::new(made, 0, 0);
        }
        holds
    }

    /// Takes over what the store holds, if it is not what is here.
    fn refresh(&self, kept: &Kept, now: Timestamp) -> Result<()> {
        let mut loaded = kept.load()?.ok_or_else(gone)?;
        if loaded.version == self.registry.read().version {
            return Ok(());
        }
        let snapshot = loop {
            match kept.snapshot(&loaded, now) {
                // It may have been sealed anew since it was loaded; then there is a newer one.
                Err(error) if error.status() == Status::StoreSealed => {
                    let version =
                        std::mem::replace(&mut loaded, kept.load()?.ok_or_else(gone)?).version;
                    if loaded.version == version {
                        return Err(error);
                    }
                }
                snapshot => break snapshot?,
            }
        };
        // Of two who look at once, the one who saw more; unless the store itself went back, by a backup.
        let is_older = snapshot.revision < self.registry.read().revision;
        if is_older && kept.load()?.map(|loaded| loaded.version) != Some(snapshot.version) {
            return Ok(());
        }
        let mut registry = self.registry.write();
        if is_older || snapshot.revision >= registry.revision {
            *registry = snapshot;
        }
        Ok(())
    }
}

impl Snapshot {
    fn new(registry: Registry, version: u64, revision: u64) -> Arc<Self> {
        Arc::new(Snapshot {
            registry: Arc::new(registry),
            version,
            revision,
        })
    }
}

/// The record as it was loaded.
struct Sealed {
    version: u64,
    bytes: Box<[u8]>,
}

impl Kept {
    /// Reads the record, or makes it; brings it up to what the configuration says now.
    fn open(&self, now: Timestamp) -> Result<Arc<Snapshot>> {
        for _ in 0..MAX_ATTEMPTS {
            let Some(loaded) = self.load()? else {
                let registry = self.registry(None, now)?;
                self.store
                    .insert(&KEY, self.seal(&registry.lasting(), 1)?)?;
                continue;
            };
            let (lasting, revision) = self.read(&loaded)?;
            let registry = self.registry(Some(lasting.clone()), now)?;
            let is_written =
                self.seals().is_current(&loaded.bytes) && same(&lasting, &registry.lasting())?;
            if is_written {
                return Ok(Snapshot::new(registry, loaded.version, revision));
            }
            let record = self.seal(&registry.lasting(), revision + 1)?;
            self.store.swap(&KEY, loaded.version, record)?;
        }
        Err(busy())
    }

    fn load(&self) -> Result<Option<Sealed>> {
        Ok(match self.store.load(&KEY)? {
            None => None,
            Some(Loaded {
                version,
                record: Record::State(bytes),
            }) => Some(Sealed { version, bytes }),
            Some(_) => return Err(gone()),
        })
    }

    /// The registry of a record. Where the configuration here asks for more than is in it, such as a key of
    /// an algorithm of its own, that is written first: nobody else would know what is signed with it.
    fn snapshot(&self, loaded: &Sealed, now: Timestamp) -> Result<Arc<Snapshot>> {
        let (lasting, revision) = self.read(loaded)?;
        let registry = self.registry(Some(lasting.clone()), now)?;
        match same(&lasting, &registry.lasting())? {
            true => Ok(Snapshot::new(registry, loaded.version, revision)),
            false => self.open(now),
        }
    }

    fn registry(&self, lasting: Option<Lasting>, now: Timestamp) -> Result<Registry> {
        Registry::new(
            &self.config,
            self.issuer.clone(),
            lasting,
            now,
            &*self.random,
        )
    }

    fn read(&self, loaded: &Sealed) -> Result<(Lasting, u64)> {
        let all = self.sealing.read().clone();
        let opens = |sealing: &Arc<Sealing>| sealing.open(KEY.as_bytes(), &loaded.bytes);
        let mut text = opens(&all[0]);
        for other in &all[1..] {
            text = text.or_else(|_| opens(other));
        }
        let text = text?;
        let mut value: Value = serde_json::from_slice(text.expose()).map_err(unreadable)?;
        let read = read(&value, &self.config);
        wipe_json(&mut value);
        read
    }

    fn seal(&self, lasting: &Lasting, revision: u64) -> Result<Record> {
        self.seal_with(&self.seals(), lasting, revision)
    }

    /// What seals.
    fn seals(&self) -> Arc<Sealing> {
        Arc::clone(&self.sealing.read()[0])
    }

    fn seal_with(&self, sealing: &Sealing, lasting: &Lasting, revision: u64) -> Result<Record> {
        let text = write(lasting, revision)?;
        let sealed = sealing.seal(KEY.as_bytes(), &text, &*self.random)?;
        Ok(Record::State(sealed))
    }
}

/// Whether both are written alike.
fn same(one: &Lasting, other: &Lasting) -> Result<bool> {
    Ok(write(one, 0)? == write(other, 0)?)
}

fn write(lasting: &Lasting, revision: u64) -> Result<Secret> {
    let clients = lasting.changes.clients.iter();
    let apis = lasting.changes.apis.iter();
    let mut value = json!({
        "format": FORMAT,
        "revision": revision,
        "keys": lasting.keyring.to_json()?,
        "token_keys": lasting.token_keys.to_json(),
        "clients": clients
            .map(|(id, client)| (id.clone(), client.as_ref().map_or(Value::Null, |c| c.to_json())))
            .collect::<Map<_, _>>(),
        "apis": apis
            .map(|(id, api)| (id.clone(), api.as_ref().map_or(Value::Null, |api| api.to_json())))
            .collect::<Map<_, _>>(),
    });
    let text = to_text(&value);
    wipe_json(&mut value);
    text
}

/// Written into one buffer that is long enough from the start: what a growing one leaves behind would not
/// be wiped.
fn to_text(value: &Value) -> Result<Secret> {
    let mut length = Length(0);
    serde_json::to_writer(&mut length, value).map_err(Error::server)?;
    let mut text = Vec::with_capacity(length.0);
    serde_json::to_writer(&mut text, value).map_err(Error::server)?;
    Ok(Secret::new(text))
}

/// Counts what is written.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn read(value: &Value, config: &Config) -> Result<(Lasting, u64)> {
    if value["format"].as_u64() != Some(FORMAT) {
        return Err(Error::new(
            Status::StoreNewer,
            "the server's store was written by a later version",
        )
        .with_detail("the engine's state has another format"));
    }
    let members = |name: &str| value[name].as_object().ok_or_else(|| unreadable(name));
    let mut changes = Changes::default();
    for (id, client) in members("clients")? {
        let client = match client {
            Value::Null => None,
            client => Some(Arc::new(Client::from_json(
                format!("the stored client '{id}'"),
                client.clone(),
                &config.defaults.refresh_token,
            )?)),
        };
        changes.clients.insert(id.clone(), client);
    }
    for (id, api) in members("apis")? {
        let api = match api {
            Value::Null => None,
            api => Some(Arc::new(Api::from_json(
                format!("the stored API '{id}'"),
                api.clone(),
            )?)),
        };
        changes.apis.insert(id.clone(), api);
    }
    let lasting = Lasting {
        keyring: Arc::new(Keyring::from_json(&value["keys"])?),
        token_keys: Arc::new(TokenKeys::from_json(&value["token_keys"])?),
        changes,
    };
    let revision = value["revision"].as_u64();
    Ok((lasting, revision.ok_or_else(|| unreadable("revision"))?))
}

fn unreadable(why: impl std::fmt::Display) -> Error {
    Error::new(Status::StoreCorrupt, "the server's store is damaged")
        .with_detail(format!("the engine's state is not readable: {why}"))
}

fn gone() -> Error {
    Error::new(Status::StoreCorrupt, "the server's store is damaged")
        .with_detail("the engine's state is not there any more")
}
