//! Authorization (ASVS V8): administrators, and list cursors that are bound to their user.
//!
//! Object-level authorization is not here: each store filters by owner, and row-level security filters again
//! (`migrations`).
//!
//! Attacks: broken function-level authorization, forged cursors (API5:2023, API1:2023, CWE-862, CWE-639).

pub mod administrators;
pub mod cursors;
