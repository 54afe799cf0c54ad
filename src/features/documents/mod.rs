//! Documents: uploaded files with a title, optionally attached to an invoice.
//!
//! - [`model`]: the document. [`store`]: SQL. [`views`]: wire types. [`handlers`]: one function per operation.
//! - [`upload_service`]: reserves quota, inspects and stores a file. [`quota_store`]: the storage quota per owner.
//! - [`blob_deletion_store`]: the queue of stored files to delete. [`content`]: downloads.
//!
//! Threats:
//! - BOLA, another user's file: owner-scoped queries and row-level security; storage keys are random and never shown;
//! - unrestricted file upload: `security/files/uploads`;
//! - resource exhaustion: `security/limits/body_limits` and the quota;
//! - stored XSS by a file: `content`;
//! - a row without its file, or a file without its row, after a crash: the order of steps is in the migration.

pub mod blob_deletion_store;
pub mod content;
pub mod handlers;
pub mod model;
pub mod quota_store;
pub mod store;
pub mod upload_service;
pub mod views;
