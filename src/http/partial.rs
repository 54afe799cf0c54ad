//! Partial updates (PATCH): an absent field stays unchanged, and null clears a field.

use serde::{Deserialize, Deserializer};

/// Deserializes a present field as `Some`. Use it as `#[serde(default, deserialize_with = "present")]`.
/// For an `Option<String>`, null is an error. For an `Option<Option<String>>`, null is `Some(None)`: clear the field.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Update {
        #[serde(default, deserialize_with = "present")]
        name: Option<String>,
        #[serde(default, deserialize_with = "present")]
        email: Option<Option<String>>,
    }

    #[test]
    fn absent_null_and_present_are_distinct() {
        let read = |json| serde_json::from_str::<Update>(json).ok().map(|update| (update.name, update.email));
        assert_eq!(read("{}"), Some((None, None)));
        assert_eq!(read(r#"{"email": null}"#), Some((None, Some(None))));
        assert_eq!(read(r#"{"name": "a", "email": "b"}"#), Some((Some("a".into()), Some(Some("b".into())))));
        assert_eq!(read(r#"{"name": null}"#), None);
    }
}
