//! `grl_json_member`: reads the JSON that other calls give, for hosts that have no JSON library. Knows
//! JSON and nothing of what it means.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Error, Result, Status};
use crate::ffi::error::grl_error;
use crate::ffi::guard::{ErrorOut, guard};
use crate::ffi::types::{Out, grl_buf, grl_str};
use crate::secret::SecretText;

/// Gives one member of a JSON object, such as `access_token` of what grl_engine_token gave: text as it is,
/// without quotes and escapes; anything else, a number or an array, as JSON.
///
/// Ownership: `value` is yours.
/// Errors: GRL_NOT_FOUND where there is no such member, or it is `null`; GRL_USAGE of what is no JSON object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn grl_json_member(
    json: grl_str,
    name: grl_str,
    value: *mut grl_buf,
    error: *mut *mut grl_error,
) -> Status {
    // SAFETY: the parameters', by contract.
    let (out, error) = unsafe { (Out::new(value, "value"), ErrorOut::new(error)) };
    guard(error, || {
        // SAFETY: as above.
        let (json, name) = unsafe { (json.text("json")?, name.text("name")?) };
        out?.set(member(json, name)?);
        Ok(())
    })
}

fn member(json: &str, name: &str) -> Result<grl_buf> {
    let mut json = serde_json::Deserializer::from_str(json);
    let found = json
        .deserialize_map(Member(name))
        .and_then(|found| json.end().map(|()| found))
        .map_err(|_| Error::new(Status::Usage, "'json' is not a JSON object"))?;
    let missing = || Error::new(Status::NotFound, "the JSON object has no such member");
    let raw = found.map(RawValue::get).filter(|raw| *raw != "null");
    match raw.ok_or_else(missing)? {
        text if text.starts_with('"') => unquoted(text),
        other => Ok(grl_buf::of(other)),
    }
}

/// Text that is copied only where it has escapes.
#[derive(Deserialize)]
struct Text<'j>(#[serde(borrow)] Cow<'j, str>);

fn unquoted(quoted: &str) -> Result<grl_buf> {
    let no_text = |_| {
        Error::new(
            Status::Usage,
            "the member is no text: half a surrogate pair",
        )
    };
    match serde_json::from_str(quoted).map_err(no_text)? {
        Text(Cow::Borrowed(text)) => Ok(grl_buf::of(text)),
        Text(Cow::Owned(text)) => Ok(grl_buf::of(&SecretText::new(text))),
    }
}

/// The value of the first member of this name; all others are passed over.
struct Member<'n>(&'n str);

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(Text(key)) = map.next_key()? {
            if found.is_none() && key == self.0 {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}
