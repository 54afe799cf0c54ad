//! What administrators see and do: users, whom they unlock, disable, enable and sign out.
//!
//! - [`model`]: what they see of a user. [`store`]: the statements. [`views`]: the wire. [`handlers`]: one function a verb.
//!
//! Threats: a user who calls these (`security/authorization/administrators`); an administrator who reads what is not his business: there is
//! no way from here to anybody's customers, invoices or password; one who makes more of his kind: roles change by command line
//! only; one who locks everybody out: nobody disables himself, so one administrator is always left.

pub mod handlers;
mod model;
pub mod store;
pub mod views;
