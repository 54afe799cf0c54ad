//! Documents: uploaded files with a title, optionally attached to an invoice.
//!
//! [`upload_service`] reserves quota in [`quota_store`], then inspects and stores a file.
//! [`blob_deletion_store`] is the queue of stored files that must be deleted.
//!
//! Threats and controls:
//! - BOLA: every statement filters by owner.
//!   The storage key of a file is random, and no response contains it.
//! - Unrestricted file upload: `security/files/uploads` inspects each file.
//! - Resource exhaustion: `security/limits/body_limits` limits the size of a file, and the quota limits the total size.
//! - Stored XSS by an uploaded file: `content` sends each file as an attachment.
//! - A crash could leave a row without its file, or a file without a row.
//!   The order of the steps prevents this (`migrations/0012_documents.sql`).

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
