//! Test support: the service with its own database, real sockets, and a clock that tests can advance.

pub mod actor;
pub mod altcha;
pub mod app;
pub mod client;
pub mod collector;
pub mod database;
mod database_server;
pub mod documented;
pub mod events;
pub mod examples;
pub mod files;
pub mod folder;
pub mod forgery;
pub mod form;
pub mod logs;
pub mod metrics;
pub mod operations;
pub mod pdf;
pub mod pdf_files;
pub mod program;
pub mod proxy;
pub mod receiver;
pub mod relay;
pub mod reply;
pub mod snapshot;
pub mod socket;
pub mod wait;

pub use actor::Actor;
pub use app::{MAILS, TestApp};
pub use reply::Reply;
