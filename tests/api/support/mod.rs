//! The service under test, for real: a database of its own, real sockets, real time that can be turned.

pub mod actor;
pub mod app;
pub mod client;
pub mod database;
pub mod forgery;
pub mod logs;
pub mod operations;

pub use actor::Actor;
pub use app::TestApp;
pub use client::Reply;
