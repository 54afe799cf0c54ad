//! Floor: see lib.rs.
