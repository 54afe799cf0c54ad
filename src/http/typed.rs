//! Text as a person typed or pasted it. Directional marks are removed when it is read: people paste them without knowing, and what
//! is kept is what a reader sees (`base/text.rs`). Passwords are no such text.

use serde::{Deserialize, Deserializer};

use crate::base::text::without_directional_marks;

/// Something that holds typed text.
pub trait Typed: Sized {
    /// The same without directional marks.
    #[must_use]
    fn unmarked(self) -> Self;
}

impl Typed for String {
    fn unmarked(self) -> Self {
        without_directional_marks(&self)
    }
}

impl<T: Typed> Typed for Option<T> {
    fn unmarked(self) -> Self {
        self.map(T::unmarked)
    }
}

/// For `#[serde(deserialize_with = "typed")]`; with `default` on an `Option`.
///
/// # Errors
/// Those of the value.
pub fn typed<'de, D: Deserializer<'de>, T: Deserialize<'de> + Typed>(deserializer: D) -> Result<T, D::Error> {
    T::deserialize(deserializer).map(T::unmarked)
}

/// [`typed`] for a partial update, as [`given`](super::partial::given).
///
/// # Errors
/// Those of the value.
pub fn given_typed<'de, D: Deserializer<'de>, T: Deserialize<'de> + Typed>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    typed(deserializer).map(Some)
}
