//! An object is read by its names alone. serde also reads a list as a struct, field after field: `["ann@example.com", "…"]`
//! would be a sign-in, in a form that no document describes and that no gate in front of us looks into.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A struct that was written as an object.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ByNames(PhantomData))
    }
}

struct ByNames<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ByNames<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// For `#[serde(deserialize_with = "objects")]` on a list of structs.
///
/// # Errors
/// Those of the items, and of an item that is a list.
pub fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let items = Vec::<Object<T>>::deserialize(deserializer)?;
    Ok(items.into_iter().map(|Object(item)| item).collect())
}

/// [`objects`] for a list that may be left out; with `default`.
///
/// # Errors
/// Those of the items, and of null.
pub fn some_objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    objects(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Pair {
        a: u8,
        #[serde(default)]
        b: u8,
    }

    #[test]
    fn names_are_needed() {
        let read = |json| serde_json::from_str::<Object<Pair>>(json).ok().map(|Object(pair)| (pair.a, pair.b));
        assert_eq!(read(r#"{"a": 1, "b": 2}"#), Some((1, 2)));
        assert_eq!(read(r#"{"a": 1}"#), Some((1, 0)));
        for other in ["[1, 2]", "[1]", "[]", "null", "1", r#"{"a": 1, "a": 2}"#, r#"{"a": 1, "c": 2}"#] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
