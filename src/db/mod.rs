//! Layer 1: the database, with a bounded connection pool and migrations.
//! A read of an owner's rows is one statement ([`owner_query!`]).
//! A change of an owner's rows is a transaction ([`OwnerTx`]).

mod begin;
pub mod counters;
pub mod exhaustion;
pub mod idempotency;
pub mod migrate;
pub mod notifications;
pub mod outbox;
mod outcome;
mod owner_query;
mod owner_tx;
mod pattern;
pub mod pool;
pub mod service_role;

pub use begin::{begin, begin_with};
pub use outcome::{exactly_one, violates};
pub(crate) use owner_query::{owner_query, owner_query_as};
pub use owner_tx::OwnerTx;
pub use pattern::containing;
