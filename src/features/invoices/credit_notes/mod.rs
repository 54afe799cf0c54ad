//! Credit notes: what was invoiced is taken back, in full or line by line. The invoice itself stands.
//!
//! - [`model`]: what a note comes to. [`store`]: the statements. [`views`]: the wire. [`handlers`]: one function a verb. The PDF is in
//!   `invoices/pdf`.
//!
//! Threats: crediting more than was invoiced, also by requests at once (the invoice's row is locked, and `invoices_credited` refuses); crediting or
//! reading another user's invoice (four walls, `attacks::authorization::object_level`); choosing a total or a number (`attacks::authorization::mass_assignment`). All in
//! `attacks::business_logic::credit_notes`.

pub mod handlers;
pub mod model;
pub mod store;
pub mod views;
