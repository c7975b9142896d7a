//! A record as JSON text and back, for stores that keep records as text.
//!
//! One object: the version of the shape, the record's own key, and what it is, under its kind.
//!
//! ```json
//! {"v":1,"key":"AAAAAAAAAAAAAAAAAAAAAA","grant":{
//!   "client_id":"notes-app","subject":"alice","scope":"openid read:notes","audience":["https://api.example.com/"],
//!   "approved_at":1767225600,"issued_at":1767225700,"access_until":1767229300,
//!   "expires_at":null,"idle_until":1768435200,"auth_time":1767225590,
//!   "generation":3,"refreshable":true,"revoked":"by_host","details":{"sid":"…"}}}
//! {"v":1,"key":"…","mark":{"until":1767229300}}
//! {"v":1,"key":"…","state":"…base64url…"}
//! ```
//!
//! Moments are seconds since 1970; null is never, and has to be said: a member that got lost must not
//! make a session immortal. `auth_time`, `revoked` and `details` are left out where there is nothing
//! to say. A member that is not known is refused, so whoever adds one counts `v` up: an older library
//! then says that the store is newer, and a newer one still reads the older shape.
//!
//! The key is in there because a store of a host's own may mix its rows up (a key that it keeps as
//! text and that was none, a column that is too short): what lies under the wrong key is damage, not
//! somebody else's session.

use std::borrow::Cow;
use std::sync::Arc;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::grant::{Details, Grant, Revocation, Terms};
use crate::scope::Scope;
use crate::store::{Key, Record, StoreError, StoreResult};

/// The shape that is written.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text<'a> {
    v: u32,
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    grant: Option<GrantText<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<MarkText>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    state: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantText<'a> {
    #[serde(borrow)]
    client_id: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    #[serde(borrow)]
    scope: Cow<'a, str>,
    audience: Cow<'a, [Box<str>]>,
    #[serde(with = "moment")]
    approved_at: Timestamp,
    #[serde(with = "moment")]
    issued_at: Timestamp,
    #[serde(with = "moment")]
    access_until: Timestamp,
    #[serde(with = "moment")]
    expires_at: Timestamp,
    #[serde(with = "moment")]
    idle_until: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<u64>,
    generation: u32,
    refreshable: bool,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    revoked: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Cow<'a, Details>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkText {
    #[serde(with = "moment")]
    until: Timestamp,
}

/// Seconds, or null for never; not to be left out.
mod moment {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use crate::clock::Timestamp;

    pub(super) fn serialize<S: Serializer>(
        moment: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let secs = Some(moment.as_secs()).filter(|_| *moment != Timestamp::NEVER);
        secs.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        let secs = Option::<u32>::deserialize(deserializer)?;
        Ok(secs.map_or(Timestamp::NEVER, |secs| Timestamp::from_secs(secs.into())))
    }
}

/// The text of the record under this key.
pub(crate) fn to_json(key: &Key, record: &Record) -> StoreResult<String> {
    let mut text = Text {
        v: VERSION,
        key: key.to_string().into(),
        grant: None,
        mark: None,
        state: None,
    };
    match record {
        Record::Grant(grant) => text.grant = Some(GrantText::of(grant)),
        Record::Mark { until } => text.mark = Some(MarkText { until: *until }),
        Record::State(sealed) => text.state = Some(BASE64_URL_SAFE_NO_PAD.encode(sealed).into()),
    }
    serde_json::to_string(&text).map_err(|error| StoreError::Failed(error.to_string()))
}

/// The record whose text this is.
///
/// # Errors
/// [`StoreError::Newer`] where a later version of this library wrote it; [`StoreError::Corrupt`] where
/// nobody did, or not under this key.
pub(crate) fn from_json(key: &Key, text: &str) -> StoreResult<Record> {
    let Text {
        key: own,
        grant,
        mark,
        state,
        ..
    } = read(text)?;
    if Key::parse(&own) != Some(*key) {
        return Err(corrupt("a record is under another's key"));
    }
    match (grant, mark, state) {
        (Some(grant), None, None) => grant.read().map(Record::Grant),
        (None, Some(MarkText { until }), None) => Ok(Record::Mark { until }),
        (None, None, Some(sealed)) => match BASE64_URL_SAFE_NO_PAD.decode(&*sealed) {
            Ok(sealed) => Ok(Record::State(sealed.into())),
            Err(_) => Err(corrupt("a state is not base64url")),
        },
        _ => Err(corrupt("a record is not of one kind")),
    }
}

fn read(text: &str) -> StoreResult<Text<'_>> {
    /// All that every version has.
    #[derive(Deserialize)]
    struct AnyVersion {
        v: u32,
    }
    let error = match serde_json::from_str::<Text<'_>>(text) {
        Ok(text) if text.v == VERSION => return Ok(text),
        Ok(_) => None,
        Err(error) => Some(error),
    };
    match (serde_json::from_str(text), error) {
        (Ok(AnyVersion { v }), _) if v > VERSION => {
            let what = format!("a record has version {v}; {VERSION} is known");
            Err(StoreError::Newer(what))
        }
        // The parser's own words may quote what is stored.
        (_, Some(error)) => Err(corrupt(&format!(
            "a record is not what it can be at column {}",
            error.column()
        ))),
        _ => Err(corrupt("a record has a version that never was")),
    }
}

impl<'a> GrantText<'a> {
    fn of(grant: &'a Grant) -> Self {
        GrantText {
            client_id: (&*grant.terms.client_id).into(),
            subject: (&*grant.subject).into(),
            scope: grant.terms.scope.as_str().into(),
            audience: (&*grant.terms.audience).into(),
            approved_at: grant.approved_at,
            issued_at: grant.issued_at,
            access_until: grant.access_until,
            expires_at: grant.expires_at,
            idle_until: grant.idle_until,
            auth_time: grant.auth_time().map(Timestamp::as_secs),
            generation: grant.generation,
            refreshable: grant.refreshable,
            revoked: grant.revoked.map(|why| why.name().into()),
            details: grant.details.as_deref().map(Cow::Borrowed),
        }
    }

    fn read(self) -> StoreResult<Grant> {
        let terms = Terms {
            client_id: self.client_id.into(),
            audience: self.audience.into(),
            scope: Scope::parse(&self.scope).map_err(|_| corrupt("a scope is none"))?,
        };
        let mut grant = Grant::approved(
            Arc::new(terms),
            (&*self.subject).into(),
            self.auth_time.map(Timestamp::from_secs),
            Details::default(),
            self.refreshable,
            self.approved_at,
            self.expires_at,
        );
        grant.issued_at = self.issued_at;
        grant.access_until = self.access_until;
        grant.idle_until = self.idle_until;
        grant.generation = self.generation;
        grant.revoked = self.revoked.as_deref().map(revocation).transpose()?;
        grant.details = self.details.map(|details| Arc::new(details.into_owned()));
        Ok(grant)
    }
}

fn revocation(name: &str) -> StoreResult<Revocation> {
    (0..=u8::MAX)
        .filter_map(Revocation::from_code)
        .find(|why| why.name() == name)
        .ok_or_else(|| corrupt("a grant was revoked for no known reason"))
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(what.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::grant::Code;

    const KEY: Key = Key::new([7; Key::LEN]);

    fn text() -> impl Strategy<Value = Box<str>> {
        any::<String>().prop_map(String::into_boxed_str)
    }

    fn moment() -> impl Strategy<Value = Timestamp> {
        prop_oneof![
            any::<u32>().prop_map(|secs| Timestamp::from_secs(secs.into())),
            Just(Timestamp::NEVER),
        ]
    }

    /// Any JSON.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                claims_of(inner).prop_map(Value::from),
            ]
        })
    }

    fn claims_of(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
        proptest::collection::vec((any::<String>(), value), 0..4).prop_map(Map::from_iter)
    }

    fn code() -> impl Strategy<Value = Code> {
        let challenge = proptest::option::of(any::<[u8; 32]>());
        let nonce = proptest::option::of(text());
        (text(), any::<bool>(), challenge, nonce).prop_map(
            |(redirect_uri, redirect_uri_was_sent, code_challenge, nonce)| Code {
                redirect_uri,
                redirect_uri_was_sent,
                code_challenge,
                nonce,
            },
        )
    }

    fn details() -> impl Strategy<Value = Details> {
        let amr = proptest::collection::vec(text(), 0..3);
        let (acr, sid) = (proptest::option::of(text()), proptest::option::of(text()));
        let (access, id) = (claims_of(value()), claims_of(value()));
        (acr, amr, sid, access, id, proptest::option::of(code())).prop_map(
            |(acr, amr, sid, access_token_claims, id_token_claims, code)| Details {
                acr,
                amr: amr.into(),
                sid,
                access_token_claims,
                id_token_claims,
                code,
            },
        )
    }

    fn terms() -> impl Strategy<Value = Terms> {
        let scope = proptest::collection::vec("[!#-\\[\\]-~]{1,8}", 0..5);
        let audience = proptest::collection::vec(text(), 0..3);
        (text(), audience, scope).prop_map(|(client_id, audience, scope)| Terms {
            client_id,
            audience: audience.into(),
            scope: Scope::parse(&scope.join(" ")).unwrap(),
        })
    }

    fn grant() -> impl Strategy<Value = Grant> {
        let details = prop_oneof![
            Just(None),
            Just(Some(Details::default())),
            details().prop_map(Some)
        ];
        let moments = (moment(), moment(), moment(), moment(), moment());
        let counted = (
            any::<u32>(),
            any::<bool>(),
            (0..=4_u8).prop_map(Revocation::from_code),
        );
        let auth_time = proptest::option::of(moment());
        (terms(), text(), details, auth_time, moments, counted).prop_map(
            |(terms, subject, details, auth_time, moments, (generation, refreshable, revoked))| {
                let (approved_at, issued_at, access_until, expires_at, idle_until) = moments;
                let mut grant = Grant::approved(
                    Arc::new(terms),
                    (&*subject).into(),
                    auth_time,
                    Details::default(),
                    refreshable,
                    approved_at,
                    expires_at,
                );
                grant.details = details.map(Arc::new);
                grant.issued_at = issued_at;
                grant.access_until = access_until;
                grant.idle_until = idle_until;
                grant.generation = generation;
                grant.revoked = revoked;
                grant
            },
        )
    }

    fn record() -> impl Strategy<Value = Record> {
        prop_oneof![
            4 => grant().prop_map(Record::Grant),
            1 => moment().prop_map(|until| Record::Mark { until }),
            1 => any::<Vec<u8>>().prop_map(|sealed| Record::State(sealed.into())),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_record_comes_back_as_it_was(key: [u8; Key::LEN], record in record()) {
            let key = Key::new(key);
            let text = to_json(&key, &record).unwrap();
            prop_assert_eq!(from_json(&key, &text).unwrap(), record.clone());
            prop_assert_eq!(to_json(&key, &from_json(&key, &text).unwrap()).unwrap(), text);
        }

        /// A text that was cut short is damage; one with another byte in it may be, and makes no panic.
        #[test]
        fn damage_is_no_panic(record in record(), at: proptest::sample::Index, byte: u8) {
            let text = to_json(&KEY, &record).unwrap();
            let cut = (0..text.len()).filter(|&at| text.is_char_boundary(at)).nth(at.index(text.chars().count()));
            let is_corrupt = matches!(from_json(&KEY, &text[..cut.unwrap()]), Err(StoreError::Corrupt(_)));
            prop_assert!(is_corrupt);
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(text) = std::str::from_utf8(&bytes) {
                let _ = from_json(&KEY, text);
            }
        }
    }

    fn full() -> Value {
        json!({"v": 1, "key": KEY.to_string(), "grant": {
            "client_id": "notes-app", "subject": "alice", "scope": "openid read:notes",
            "audience": ["https://api.example.com/"],
            "approved_at": 10, "issued_at": 20, "access_until": 30, "expires_at": null, "idle_until": 40,
            "auth_time": 5, "generation": 3, "refreshable": true, "revoked": "by_host",
            "details": {"sid": "s"},
        }})
    }

    fn refused(value: &Value) -> StoreError {
        from_json(&KEY, &value.to_string()).unwrap_err()
    }

    /// What older libraries have stored: this shape stays readable.
    #[test]
    fn the_shape_is_the_documented_one() {
        let record = from_json(&KEY, &full().to_string()).unwrap();
        let Record::Grant(grant) = &record else {
            panic!("a grant was read")
        };
        assert_eq!(grant.expires_at, Timestamp::NEVER);
        assert_eq!(grant.auth_time(), Some(Timestamp::from_secs(5)));
        assert_eq!(grant.revoked, Some(Revocation::ByHost));
        let written: Value = serde_json::from_str(&to_json(&KEY, &record).unwrap()).unwrap();
        assert_eq!(written, full());
        let zeros = "AAAAAAAAAAAAAAAAAAAAAA";
        for (text, record) in [
            (
                r#""mark":{"until":7}"#,
                Record::Mark {
                    until: Timestamp::from_secs(7),
                },
            ),
            (
                r#""mark":{"until":null}"#,
                Record::Mark {
                    until: Timestamp::NEVER,
                },
            ),
            (r#""state":"-_8""#, Record::State([0xfb, 0xff].into())),
        ] {
            let text = format!(r#"{{"v":1,"key":"{zeros}",{text}}}"#);
            let key = Key::new([0; Key::LEN]);
            assert_eq!(to_json(&key, &record).unwrap(), text);
            assert_eq!(from_json(&key, &text).unwrap(), record);
        }
    }

    #[test]
    fn every_member_is_needed_and_no_other_is_known() {
        let optional = ["auth_time", "revoked", "details"];
        let members: Vec<String> = full()["grant"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        for member in members {
            let mut less = full();
            less["grant"].as_object_mut().unwrap().remove(&member);
            let read = from_json(&KEY, &less.to_string());
            assert_eq!(read.is_ok(), optional.contains(&&*member), "{member}");
            let mut wrong = full();
            wrong["grant"][&member] = json!({"x": 1});
            assert!(
                matches!(refused(&wrong), StoreError::Corrupt(_)),
                "{member}"
            );
        }
        for at in ["", "/grant", "/grant/details"] {
            let mut more = full();
            let object = more.pointer_mut(at).unwrap().as_object_mut().unwrap();
            object.insert("x".into(), json!(1));
            assert!(matches!(refused(&more), StoreError::Corrupt(_)), "{at}");
        }
    }

    #[test]
    fn what_is_newer_says_so_and_what_is_nothing_is_damage() {
        for newer in [
            json!({"v": 2}),
            json!({"v": 99, "key": {}, "shape": "another"}),
            json!({"v": 2, "key": KEY.to_string(), "mark": {"until": 1}}),
        ] {
            assert!(matches!(refused(&newer), StoreError::Newer(_)), "{newer}");
        }
        let key = KEY.to_string();
        for damaged in [
            json!(null),
            json!([]),
            json!({}),
            json!({"v": 1}),
            json!({"v": 0, "key": key, "mark": {"until": 1}}),
            json!({"v": "1", "key": key, "mark": {"until": 1}}),
            json!({"v": 1, "key": key}),
            json!({"v": 1, "key": key, "device": {}}),
            json!({"v": 1, "key": key, "mark": {"until": 1}, "state": ""}),
            json!({"v": 1, "key": key, "mark": {}}),
            json!({"v": 1, "key": key, "mark": {"until": -1}}),
            json!({"v": 1, "key": key, "mark": {"until": 4_294_967_296_u64}}),
            json!({"v": 1, "key": key, "state": "=="}),
            json!({"v": 1, "key": "", "mark": {"until": 1}}),
            json!({"v": 1, "key": Key::new([8; Key::LEN]).to_string(), "mark": {"until": 1}}),
        ] {
            assert!(
                matches!(refused(&damaged), StoreError::Corrupt(_)),
                "{damaged}"
            );
        }
        for (member, value) in [
            ("revoked", json!("by_nobody")),
            ("scope", json!("a\"b")),
            ("generation", json!(-1)),
            ("generation", json!(1.5)),
            ("expires_at", json!("1")),
        ] {
            let mut damaged = full();
            damaged["grant"][member] = value;
            assert!(
                matches!(refused(&damaged), StoreError::Corrupt(_)),
                "{member}"
            );
        }
        let twice = full().to_string().replacen('{', r#"{"v":1,"#, 1);
        assert!(matches!(
            from_json(&KEY, &twice),
            Err(StoreError::Corrupt(_))
        ));
        let more = format!("{} x", full());
        assert!(matches!(
            from_json(&KEY, &more),
            Err(StoreError::Corrupt(_))
        ));
    }

    #[test]
    fn an_error_quotes_nothing_of_what_is_stored() {
        let mut damaged = full();
        damaged["grant"]["generation"] = json!("a secret");
        damaged["grant"]["subject"] = json!({"alice": 1});
        let error = refused(&damaged).to_string();
        assert!(
            !error.contains("alice") && !error.contains("secret"),
            "{error}"
        );
    }
}
