//! The endpoints: one file each, and what they share.
//!
//! An endpoint reads parameters, decides, and changes one grant; it knows neither HTTP nor the host
//! language. [`Context`] is all that it may work with.

pub(crate) mod access_token;
pub(crate) mod approve;
pub(crate) mod authorize;
pub(crate) mod client_auth;
pub(crate) mod grants;
pub(crate) mod introspect;
pub(crate) mod metadata;
pub(crate) mod params;
pub(crate) mod revoke;
pub(crate) mod token;
pub(crate) mod userinfo;

use std::sync::Arc;

use crate::clock::{Clock, Timestamp};
use crate::config::{Defaults, Endpoints, Issuer};
use crate::endpoint::userinfo::UserClaims;
use crate::error::{Error, Result};
use crate::event::{Event, EventKind, EventSink, Replay};
use crate::grant::{Grant, Revocation};
use crate::jose::claims::Serial;
use crate::random::Random;
use crate::registry::Registry;
use crate::state::State;
use crate::store::{Key, Loaded, Owner, Record, Store};
pub(crate) use crate::store::{MAX_ATTEMPTS, busy};

/// A request to an endpoint that takes a form: `/oauth/token`, `/oauth/revoke`, `/oauth/introspect`.
#[derive(Clone, Copy, Default)]
pub struct FormRequest<'a> {
    /// The body, `application/x-www-form-urlencoded`.
    pub form: &'a str,
    /// The `Authorization` header's value, if the request has one.
    pub authorization: Option<&'a str>,
}

impl<'a> From<&'a str> for FormRequest<'a> {
    /// A form from a client that authenticates in the form, or not at all.
    fn from(form: &'a str) -> Self {
        FormRequest {
            form,
            authorization: None,
        }
    }
}

impl std::fmt::Debug for FormRequest<'_> {
    /// Hides the text: credentials are in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FormRequest { .. }")
    }
}

/// What the endpoints work with.
pub(crate) struct Context {
    pub(crate) issuer: Issuer,
    pub(crate) endpoints: Endpoints,
    pub(crate) defaults: Defaults,
    pub(crate) default_audience: Option<String>,
    pub(crate) acr_values_supported: Vec<String>,
    pub(crate) ui_locales_supported: Vec<String>,
    pub(crate) service_documentation: Option<String>,
    pub(crate) state: State,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) serial: Serial,
    pub(crate) events: Option<Arc<dyn EventSink>>,
    pub(crate) user_claims: Option<Arc<dyn UserClaims>>,
}

impl Context {
    /// Clients, APIs and keys as they are now.
    pub(crate) fn registry(&self) -> Result<Arc<Registry>> {
        self.state.registry(|| self.now())
    }

    /// The same, for what is public anyway; where the store does not answer, as it was last seen.
    pub(crate) fn registry_or_last(&self) -> Arc<Registry> {
        self.state.registry_or_last(|| self.now())
    }

    pub(crate) fn now(&self) -> Result<Timestamp> {
        self.clock.now()
    }

    /// Whether anybody listens.
    pub(crate) fn has_sink(&self) -> bool {
        self.events.is_some()
    }

    /// Tells the sink; `kind` is made only where there is one.
    pub(crate) fn event<'a>(&self, kind: impl FnOnce() -> EventKind<'a>) {
        if let Some(sink) = &self.events {
            sink.record(&Event {
                // What has happened is told, even where it cannot be told when.
                at: self.now().unwrap_or_default(),
                kind: kind(),
            });
        }
    }

    /// Tells the sink of a refusal, and hands the error on.
    pub(crate) fn refused(&self, endpoint: &str, client_id: Option<&str>, error: Error) -> Error {
        self.event(|| EventKind::Refused {
            endpoint,
            client_id,
            status: error.status().code(),
            error: error.oauth_code(),
            description: error.description(),
            detail: error.detail(),
        });
        error
    }

    /// The grant of this id, and the version to swap it by.
    pub(crate) fn load_grant(&self, key: &Key) -> Result<Option<(u64, Grant)>> {
        Ok(match self.store.load(key)? {
            Some(Loaded {
                version,
                record: Record::Grant(grant),
            }) => Some((version, grant)),
            _ => None,
        })
    }

    /// An owner's grants. A store that lists another's as well (one that takes ALICE for alice) is not
    /// believed.
    pub(crate) fn owned_grants(&self, owner: Owner<'_>) -> Result<Vec<(Key, Grant)>> {
        let mut owned = Vec::new();
        for key in self.store.owned_by(owner)? {
            // What was swept meanwhile is nobody's.
            let loaded = self.load_grant(&key)?;
            owned.extend(
                loaded
                    .map(|(_, grant)| (key, grant))
                    .filter(|(_, grant)| owner.owns(grant)),
            );
        }
        Ok(owned)
    }

    /// Revokes a grant if `may` holds of it; tells whether it is newly revoked.
    pub(crate) fn revoke_grant(
        &self,
        key: &Key,
        why: Revocation,
        may: impl Fn(&Grant) -> Result<()>,
    ) -> Result<bool> {
        for _ in 0..MAX_ATTEMPTS {
            let Some((version, grant)) = self.load_grant(key)? else {
                return Ok(false);
            };
            may(&grant)?;
            if grant.revoked.is_some() {
                return Ok(false);
            }
            let revoked = grant.clone().revoke(why);
            if self.store.swap(key, version, Record::Grant(revoked))? {
                self.event(|| grant_revoked(key, &grant, why));
                return Ok(true);
            }
        }
        Err(busy())
    }
}

/// The event of a revocation.
pub(crate) fn grant_revoked<'a>(key: &Key, grant: &'a Grant, why: Revocation) -> EventKind<'a> {
    EventKind::GrantRevoked {
        grant_id: key.to_string(),
        client_id: &grant.terms.client_id,
        subject: &grant.subject,
        reason: why.name(),
    }
}

/// The event of a spent credential that came back.
pub(crate) fn replayed<'a>(
    key: &Key,
    grant: &'a Grant,
    presented: u32,
    looks_like: Replay,
) -> EventKind<'a> {
    EventKind::Replayed {
        grant_id: key.to_string(),
        client_id: &grant.terms.client_id,
        subject: &grant.subject,
        presented,
        current: grant.generation,
        distance: grant.generation - presented,
        looks_like,
    }
}
