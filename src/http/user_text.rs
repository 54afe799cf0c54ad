//! Removes directional marks from the text of users, who often paste such marks without noticing (`base/text.rs`).
//! Passwords keep these marks, because every character of a password counts.

use serde::{Deserialize, Deserializer};

use crate::base::text::remove_directional_marks;

/// A value that contains text of a user, such as a `String` or an `Option<String>`.
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

/// Deserializes text of a user.
/// Use it as `#[serde(deserialize_with = "user_text")]`. On an `Option`, also add `default`.
///
/// # Errors
/// Fails if the value is invalid.
pub fn user_text<'de, D: Deserializer<'de>, T: Deserialize<'de> + UserText>(deserializer: D) -> Result<T, D::Error> {
    T::deserialize(deserializer).map(T::without_marks)
}

/// Deserializes text of a user in a partial update: it combines [`user_text`] and [`present`](super::partial::present).
///
/// # Errors
/// Fails if the value is invalid.
pub fn present_user_text<'de, D: Deserializer<'de>, T: Deserialize<'de> + UserText>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    user_text(deserializer).map(Some)
}
