//! Documents: uploaded files with a title, optionally attached to an invoice.
//!
//! - [`model`]: the document. [`store`]: SQL. [`views`]: request and response types. [`handlers`]: endpoints.
//! - [`upload_service`]: reserves quota, then inspects and stores a file. [`quota_store`]: the storage quota of each
//!   owner.
//! - [`blob_deletion_store`]: the queue of stored files to delete. [`content`]: downloads.
//!
//! Threats and controls:
//! - BOLA: another user's file. Statements are owner-scoped, and no response contains the random storage key of a file.
//! - Unrestricted file upload: `security/files/uploads`.
//! - Resource exhaustion: `security/limits/body_limits` and the storage quota.
//! - Stored XSS by an uploaded file: `content`.
//! - A crash that leaves a row without its file, or a file without a row: `migrations/0012_documents.sql` explains the
//!   order of steps that prevents both.

pub mod blob_deletion_store;
pub mod content;
pub mod docs;
pub mod handlers;
pub mod id;
pub mod model;
pub mod quota_store;
pub mod store;
pub mod upload_service;
pub mod views;
