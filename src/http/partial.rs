//! Partial updates: a field that is left out stays as it is, and that must not be confused with one that is null.

use serde::{Deserialize, Deserializer};

/// For `#[serde(default, deserialize_with = "given")]`. `None` is a field that was left out.
///
/// On an `Option<String>` an explicit null is refused; on an `Option<Option<String>>` it is `Some(None)`: clear the field.
///
/// # Errors
/// Those of the value.
pub fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Update {
        #[serde(default, deserialize_with = "given")]
        name: Option<String>,
        #[serde(default, deserialize_with = "given")]
        email: Option<Option<String>>,
    }

    #[test]
    fn absent_null_and_given_are_three_things() {
        let read = |json| serde_json::from_str::<Update>(json).ok().map(|update| (update.name, update.email));
        assert_eq!(read("{}"), Some((None, None)));
        assert_eq!(read(r#"{"email": null}"#), Some((None, Some(None))));
        assert_eq!(read(r#"{"name": "a", "email": "b"}"#), Some((Some("a".into()), Some(Some("b".into())))));
        assert_eq!(read(r#"{"name": null}"#), None);
    }
}
