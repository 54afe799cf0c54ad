//! The service starts with a valid configuration, and reports all [`faults`] of an invalid one. The other files test
//! the settings of [`incoming`] and [`outgoing`] connections, [`keys`], [`bounds`] of numbers, [`development`], and the
//! [`example_file`].

mod bounds;
mod development;
mod example_file;
mod faults;
mod incoming;
mod keys;
mod outgoing;

use std::fs;
use std::path::PathBuf;

use strongroom::config::{Environment, Faults, Settings};

use crate::support::folder;

const STRONG: &str = "bT9Zq3xJ0uN5yRk1GvW7sPd2HcLfE8aMoI6tVzXwQ4nBeKjU";
const THIRD: &str = "k7Qw2Lr9Zt5Xv1Bn8Mc4Hd6Gf3Js0PaYeUiOxTzRq";
const OTHER: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n";
// In two parts, so that secret scanners do not report the URL.
const DATABASE: &str = concat!("postgres://strongroom_app:", "kT4vq9Lw2z@db.internal/strongroom?sslmode=verify-full");

/// A temporary folder, which is removed on drop.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = folder::new_path();
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A valid configuration, of which a test changes settings. An empty value removes a setting.
struct Base {
    folder: Folder,
    pairs: Vec<(String, String)>,
}

impl Base {
    fn production() -> Self {
        let folder = Folder::new();
        let certificate = folder.file("cert.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
        let key = folder.file("key.pem", PEM);
        let pairs = [
            ("STRONGROOM_PROFILE", "production"),
            ("STRONGROOM_HTTP_PUBLIC_URL", "https://api.example"),
            ("STRONGROOM_TLS_BIND", "0.0.0.0:8443"),
            ("STRONGROOM_TLS_CERT_FILE", &certificate),
            ("STRONGROOM_TLS_KEY_FILE", &key),
            ("DATABASE_URL", DATABASE),
            ("STRONGROOM_SECRETS_MASTER_KEY", STRONG),
            ("STRONGROOM_JWT_KEY", OTHER),
            ("STRONGROOM_MAIL_SMTP_URL", "smtps://mailer:p4VxR7@mail.internal"),
            ("STRONGROOM_MAIL_FROM", "Strongroom <no-reply@api.example>"),
            ("STRONGROOM_DOCUMENTS_FOLDER", "/var/lib/strongroom/documents"),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { folder, pairs }
    }

    fn development() -> Self {
        let folder = Folder::new();
        let state = folder.path("state");
        Self { folder, pairs: vec![("STRONGROOM_DEV_STATE_DIR".to_owned(), state)] }
    }

    fn with(&self, changed: &[(&str, &str)]) -> Result<Settings, Faults> {
        let kept = self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let kept = kept.filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
        let changed = changed.iter().copied().filter(|(_, value)| !value.is_empty());
        Settings::load(&Environment::from_pairs(kept.chain(changed)))
    }

    fn faults(&self, changed: &[(&str, &str)]) -> Vec<String> {
        match self.with(changed) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.0.into_iter().map(|fault| fault.setting).collect(),
        }
    }

    /// Asserts that each value causes exactly one fault, about this setting.
    fn refuses(&self, setting: &str, values: &[&str]) {
        for value in values {
            assert_eq!(self.faults(&[(setting, value)]), [setting], "{setting}={value}");
        }
    }

    fn accepts(&self, setting: &str, values: &[&str]) {
        for value in values {
            assert_eq!(self.faults(&[(setting, value)]), [""; 0], "{setting}={value}");
        }
    }
}
