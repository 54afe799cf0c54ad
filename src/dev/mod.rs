//! Everything that only development needs: a PostgreSQL server, a certificate for `localhost`, and mail as files.
//!
//! A cargo feature, on by default. The image is built without it: nothing of this is compiled there, and the settings that
//! only development reads do not exist.

pub mod certificate;
pub mod mail_files;
pub mod postgres;
