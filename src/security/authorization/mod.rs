//! Authorization (ASVS V8): the administrator's role, and list cursors that only their user can use.
//!
//! Object-level authorization is not here: each store filters by owner, and row-level security filters again (`migrations`).
//! Attacks: broken function-level authorization, forged cursors (API5:2023, API1:2023, CWE-862, CWE-639).

pub mod administrators;
pub mod cursors;
