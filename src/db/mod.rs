//! Floor 1: the database. How connections are made and bounded, how the schema gets there, and the one way to run a
//! statement on behalf of an owner ([`OwnerTx`]).

pub mod announcements;
mod begin;
pub mod embedded;
pub mod exhaustion;
pub mod idempotency;
pub mod migrate;
mod outcome;
mod owner_tx;
mod pattern;
pub mod pool;
pub mod service_role;

pub use begin::{begin, begin_with};
pub use outcome::{exactly_one, violates};
pub use owner_tx::OwnerTx;
pub use pattern::containing;
