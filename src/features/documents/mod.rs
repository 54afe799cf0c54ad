//! Documents: files with a title, which may hang on an invoice.
//!
//! - [`model`]: what a document is. [`store`]: the statements. [`views`]: the wire. [`handlers`]: one function a verb.
//! - [`intake`]: how a file comes in: room first, then bytes, then the row. [`room_store`]: an owner's quota, and the room that
//!   is held for an upload. [`removal_store`]: bytes that are to go. [`content`]: how a file goes out.
//!
//! Threats: another user's file (four walls; its bytes have a random key that is never shown); a file that is something else
//! (`security/files/uploads`); disk and memory (`security/limits/body_limits`, the quota); a file that acts in a browser (`content`); bytes
//! without a document or a document without bytes after a crash (the migration says the order of things).

pub mod content;
pub mod handlers;
pub mod intake;
pub mod model;
pub mod removal_store;
pub mod room_store;
pub mod store;
pub mod views;
