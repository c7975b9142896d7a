//! Reads a configuration object key by key: each key is asked for by name (and aliases), and what
//! nobody asked for is refused by name, with the nearest name that was asked for.
//!
//! Knows JSON and the path to the object; knows nothing of what the keys mean. The known names are
//! those that the readers ask for, so no list of them can go stale.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, Result, Status};

/// The members of one JSON object that are still to be read.
pub(crate) struct Fields {
    path: String,
    members: Map<String, Value>,
    asked: Vec<&'static str>,
}

impl Fields {
    /// The members of `value`, which stands at `path`.
    pub(crate) fn new(path: impl Into<String>, value: Value) -> Result<Self> {
        let path = path.into();
        match value {
            Value::Object(members) => Ok(Fields {
                path,
                members,
                asked: Vec::new(),
            }),
            other => Err(wrong_type(&path, "an object", &other)),
        }
    }

    /// Where this object stands, for messages.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The value of the first of `names` that is present and not null; the others are its aliases.
    pub(crate) fn take<T: DeserializeOwned>(
        &mut self,
        names: &[&'static str],
    ) -> Result<Option<T>> {
        match self.take_value(names)? {
            None => Ok(None),
            Some((path, value)) => {
                let kind = kind(&value);
                serde_json::from_value(value).map(Some).map_err(|error| {
                    // serde names what it expected; the value itself might be a secret.
                    config(&path, format!("has the wrong type ({kind})"))
                        .with_detail(without_values(&error))
                })
            }
        }
    }

    /// Like [`Fields::take`], for a key that must be there.
    pub(crate) fn require<T: DeserializeOwned>(&mut self, names: &[&'static str]) -> Result<T> {
        let path = self.child(names[0]);
        self.take(names)?.ok_or_else(|| config(&path, "is missing"))
    }

    /// An object below this one.
    pub(crate) fn object(&mut self, names: &[&'static str]) -> Result<Option<Fields>> {
        self.take_value(names)?
            .map(|(path, value)| Fields::new(path, value))
            .transpose()
    }

    /// A list of values below this one, each with its path.
    pub(crate) fn list(&mut self, names: &[&'static str]) -> Result<Vec<(String, Value)>> {
        match self.take_value(names)? {
            None => Ok(Vec::new()),
            Some((path, Value::Array(items))) => Ok(items
                .into_iter()
                .enumerate()
                .map(|(i, item)| (format!("{path}[{i}]"), item))
                .collect()),
            Some((path, other)) => Err(wrong_type(&path, "a list", &other)),
        }
    }

    /// Accepts keys that mean nothing here: what an exported tenant carries along.
    pub(crate) fn ignore(&mut self, names: &[&'static str]) {
        for name in names {
            self.members.remove(*name);
        }
    }

    /// Refuses what nobody asked for.
    pub(crate) fn finish(self) -> Result<()> {
        let Some(unknown) = self.members.keys().next() else {
            return Ok(());
        };
        let nearest = self.asked.iter().max_by(|a, b| {
            strsim::jaro_winkler(a, unknown).total_cmp(&strsim::jaro_winkler(b, unknown))
        });
        let hint = nearest.map_or(String::new(), |name| {
            format!("; the nearest known key is '{name}'")
        });
        let place = match &*self.path {
            "" => "the configuration",
            path => path,
        };
        Err(Error::new(
            Status::ConfigUnknownKey,
            format!("{place}: unknown key '{unknown}'{hint}"),
        ))
    }

    fn take_value(&mut self, names: &[&'static str]) -> Result<Option<(String, Value)>> {
        self.asked.extend(names);
        let mut found = None;
        for name in names {
            let Some(value) = self.members.remove(*name).filter(|value| !value.is_null()) else {
                continue;
            };
            if found.is_some() {
                return Err(config(
                    &self.child(name),
                    format!("is another name of '{}': give one", names[0]),
                ));
            }
            found = Some((self.child(name), value));
        }
        Ok(found)
    }

    fn child(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }
}

/// A configuration error at `path`.
pub(crate) fn config(path: &str, what: impl std::fmt::Display) -> Error {
    Error::new(Status::Config, format!("{path} {what}"))
}

fn wrong_type(path: &str, wanted: &str, value: &Value) -> Error {
    config(path, format!("must be {wanted}, not {}", kind(value)))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// serde puts the offending value before «, expected …»: only what follows is safe to show.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rfind(", expected ")
        .map_or(String::new(), |at| text[at + 2..].to_owned())
}
