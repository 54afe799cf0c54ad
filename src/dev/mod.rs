//! Layer 2: code that only development needs.
//! It starts a PostgreSQL server, creates a certificate for `localhost` and writes mails to files.
//! It also contains the templates of a new resource, and the attacker's page of the attack panel.
//!
//! The cargo feature `dev` enables this module and is on by default.
//! The image is built without the feature.
//! So the image contains neither this code nor the settings that only development reads.

pub mod attacker_page;
pub mod certificate;
pub mod mail_files;
pub mod new_resource;
pub mod postgres;
