//! Documents: uploaded files with a title, optionally attached to an invoice.
//!
//! - [`model`]: the document. [`store`]: SQL. [`views`]: request and response types. [`handlers`]: endpoints.
//! - [`upload_service`]: reserves quota, then inspects and stores a file.
//!   [`quota_store`]: the storage quota of each owner.
//! - [`blob_deletion_store`]: the queue of stored files that must be deleted. [`content`]: downloads.
//!
//! Threats and controls:
//! - BOLA: access to another user's file.
//!   Every statement filters by owner, and no response contains a file's random storage key.
//! - Unrestricted file upload: `security/files/uploads` inspects each file.
//! - Resource exhaustion: `security/limits/body_limits` limits the size of a file, and the quota limits the total size.
//! - Stored XSS by an uploaded file: `content` sends each file as an attachment.
//! - A crash that leaves a row without its file, or a file without a row:
//!   `migrations/0012_documents.sql` explains the order of steps that prevents both.

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
