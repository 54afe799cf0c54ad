//! Removes directional marks from the text of users, who paste them without noticing (`base/text.rs`).
//! Passwords keep these marks, because every character of a password counts.

use serde::{Deserialize, Deserializer};

use crate::base::text::remove_directional_marks;

/// Text that a user has entered: a `String`, or an `Option` of a `String`.
pub trait UserText: Sized {
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

/// Deserializes text of a user: `#[serde(deserialize_with = "user_text")]`. On an `Option`, also add `default`.
pub fn user_text<'de, D: Deserializer<'de>, T: Deserialize<'de> + UserText>(deserializer: D) -> Result<T, D::Error> {
    T::deserialize(deserializer).map(T::without_marks)
}

/// Combines [`user_text`] and [`present`](super::partial::present), for partial updates.
pub fn present_user_text<'de, D: Deserializer<'de>, T: Deserialize<'de> + UserText>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    user_text(deserializer).map(Some)
}
