//! JSON objects without duplicate names: the header and the claims of a token.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::token_fault::TokenFault;

/// A JSON object that rejects duplicate names. If a name occurs twice, `serde_json` uses the last value and other
/// parsers use the first one. So two services could interpret the same token differently.
pub(super) struct StrictObject(Map<String, Value>);

impl StrictObject {
    /// Removes and returns the value with this name, or null if there is none.
    pub(super) fn take(&mut self, name: &str) -> Value {
        self.0.remove(name).unwrap_or_default()
    }

    pub(super) fn text(&mut self, name: &str) -> Result<String, TokenFault> {
        match self.take(name) {
            Value::String(text) => Ok(text),
            _ => Err(TokenFault::Claims),
        }
    }

    /// Removes and returns a time. It must be a whole number of seconds since 1970.
    pub(super) fn seconds(&mut self, name: &str) -> Result<i64, TokenFault> {
        let seconds = self.take(name).as_u64().ok_or(TokenFault::Claims)?;
        i64::try_from(seconds).map_err(|_| TokenFault::Claims)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for StrictObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = StrictObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object without duplicate names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<StrictObject, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(de::Error::custom("a duplicate name"));
                    }
                }
                Ok(StrictObject(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}
