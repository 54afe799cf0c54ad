//! Layer 0: domain primitives, without I/O and without a framework.

pub mod bank;
pub mod clock;
pub mod day;
pub mod email;
pub mod hex;
pub mod id;
pub mod moment;
pub mod money;
pub mod page;
pub mod person;
pub mod text;
pub mod time_zone;
