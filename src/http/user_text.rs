//! Text that a user typed or pasted. Directional marks are removed on input, because users paste them without knowing
//! (`base/text.rs`). Not for passwords.

use serde::{Deserialize, Deserializer};

use crate::base::text::remove_directional_marks;

/// A value that contains text of a user.
pub trait UserText: Sized {
    /// Returns the value without directional marks.
    #[must_use]
    fn without_marks(self) -> Self;
}

impl UserText for String {
    fn without_marks(self) -> Self {
        remove_directional_marks(&self)
    }
}

impl<T: UserText> UserText for Option<T> {
    fn without_marks(self) -> Self {
        self.map(T::without_marks)
    }
}

/// Deserializes text of a user. For `#[serde(deserialize_with = "user_text")]`; use with `default` on an `Option`.
///
/// # Errors
/// Those of the value.
pub fn user_text<'de, D: Deserializer<'de>, T: Deserialize<'de> + UserText>(deserializer: D) -> Result<T, D::Error> {
    T::deserialize(deserializer).map(T::without_marks)
}

/// Deserializes [`user_text`] in a partial update, like [`present`](super::partial::present).
///
/// # Errors
/// Those of the value.
pub fn present_user_text<'de, D: Deserializer<'de>, T: Deserialize<'de> + UserText>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    user_text(deserializer).map(Some)
}
