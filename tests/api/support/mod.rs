//! What every attack uses.

pub mod forgery;
