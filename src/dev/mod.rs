//! Layer 2: code that only development needs.
//! The cargo feature `dev`, which is on by default, enables it. The container image is built without this feature.

pub mod attacker_page;
pub mod certificate;
pub mod mail_files;
pub mod new_resource;
pub mod postgres;
