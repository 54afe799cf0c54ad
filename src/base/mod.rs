//! Layer 0: domain primitives. This layer does no I/O and does not depend on a framework or a feature.

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
