//! Accepts a struct only as a JSON object. serde also accepts a list of its values, such as `["ann@example.com", "…"]`.
//! The API document does not describe such lists, so a gateway that uses this document would not inspect them.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// Deserializes a list of objects: `#[serde(deserialize_with = "objects")]`.
pub fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let items = Vec::<Object<T>>::deserialize(deserializer)?;
    Ok(items.into_iter().map(|Object(item)| item).collect())
}

/// Deserializes a list of objects, for a field that may be absent but not null. Use it with `#[serde(default)]`.
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
    fn struct_is_read_from_an_object_only() {
        let read = |json| serde_json::from_str::<Object<Pair>>(json).ok().map(|Object(pair)| (pair.a, pair.b));
        assert_eq!(read(r#"{"a": 1, "b": 2}"#), Some((1, 2)));
        assert_eq!(read(r#"{"a": 1}"#), Some((1, 0)));
        for other in ["[1, 2]", "[1]", "[]", "null", "1", r#"{"a": 1, "a": 2}"#, r#"{"a": 1, "c": 2}"#] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
