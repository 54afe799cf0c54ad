//! Floor: see lib.rs.

mod jwt;

pub use jwt::{JwtAlgorithm, JwtSettings};
