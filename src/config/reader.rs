//! Reads settings and collects all faults, so that an operator can correct them together.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

use super::catalog::{SETTINGS, Setting};
use super::environment::Environment;
use super::faults::{Fault, Faults};
use super::strength::weakness;

/// The maximum size of a secret. Without a maximum, the service would read a file such as `/dev/zero` forever.
const MAX_SECRET_BYTES: u64 = 65_536;

pub(super) struct Reader<'a> {
    environment: &'a Environment,
    faults: Vec<Fault>,
    /// Whether the reader creates missing development secrets.
    #[cfg(feature = "dev")]
    pub writes: bool,
}

impl<'a> Reader<'a> {
    /// Creates a reader. A variable with an unknown name, an empty value, or no UTF-8 value is a fault.
    pub fn new(environment: &'a Environment) -> Self {
        let mut reader = Self {
            environment,
            faults: Vec::new(),
            #[cfg(feature = "dev")]
            writes: true,
        };
        for name in environment.names() {
            if !is_known(name) {
                if name.starts_with("STRONGROOM_") && !is_from_kubernetes(environment, name) {
                    reader.fault(&name.escape_debug().to_string(), "is not a setting: .env.example lists all settings");
                }
                continue;
            }
            // Refuse an empty value. Otherwise a default would replace it: an empty key would become a new key.
            match environment.get(name).map(OsStr::to_str) {
                Some(Some("")) => reader.fault(name, "is empty: give it a value, or remove it"),
                Some(None) => reader.fault(name, "is not UTF-8 text: enter it again"),
                _ => {}
            }
        }
        reader
    }

    /// Creates a reader that creates no development secrets.
    pub fn read_only(environment: &'a Environment) -> Self {
        Self {
            #[cfg(feature = "dev")]
            writes: false,
            ..Self::new(environment)
        }
    }

    /// Adds a fault: what is wrong, and how to correct it.
    /// The text must not contain the value, because an operator may have pasted a secret into the wrong line.
    pub fn fault(&mut self, setting: &str, problem: impl Into<String>) {
        self.faults.push(Fault { setting: setting.to_owned(), problem: problem.into() });
    }

    /// Adds a fault that results from several settings, unless this setting already has a fault (the probable cause).
    pub fn combined_fault(&mut self, setting: &str, problem: impl Into<String>) {
        if !self.faults.iter().any(|fault| fault.setting == setting) {
            self.fault(setting, problem);
        }
    }

    /// Returns a variable that is not a setting of the service, for example `PATH`.
    pub fn system(&self, name: &str) -> Option<&'a OsStr> {
        self.environment.get(name).filter(|value| !value.is_empty())
    }

    fn raw(&self, name: &str) -> Option<String> {
        self.system(name).and_then(OsStr::to_str).map(str::to_owned)
    }

    fn setting(&mut self, name: &str) -> Option<&'static Setting> {
        let setting = SETTINGS.iter().find(|setting| setting.name == name);
        if setting.is_none() {
            self.fault(name, "is missing in the list of settings: this is a bug, please report it");
        }
        setting
    }

    pub fn optional(&mut self, name: &str) -> Option<String> {
        self.setting(name).and_then(|setting| self.raw(setting.name))
    }

    pub fn text(&mut self, name: &str) -> String {
        let default = self.setting(name).map_or("", |setting| setting.default);
        self.raw(name).unwrap_or_else(|| default.to_owned())
    }

    /// Returns the entries of a comma-separated list with their positions, which start at 1.
    pub fn list(&mut self, name: &str) -> Vec<(usize, String)> {
        let text = self.text(name);
        let parts = text.split(',').map(|part| part.trim().to_owned());
        (1..).zip(parts).filter(|(_, part)| !part.is_empty()).collect()
    }

    /// Parses a value. An invalid value adds a fault and is replaced by `fallback`.
    pub fn parsed<T: FromStr>(&mut self, name: &str, expected: &str, fallback: T) -> T {
        self.text(name).parse().unwrap_or_else(|_| {
            self.fault(name, format!("is not {expected}"));
            fallback
        })
    }

    /// Returns an integer between `min` and `max`. Any other number adds a fault and is replaced by the nearer limit.
    pub fn number(&mut self, name: &str, min: u64, max: u64) -> u64 {
        let number = self.parsed(name, &format!("an integer: set it to {min} to {max}"), min);
        if !(min..=max).contains(&number) {
            self.fault(name, format!("is out of range: set it to {min} to {max}"));
        }
        number.clamp(min, max)
    }

    pub fn number_or(&mut self, name: &str, min: u64, max: u64, default: usize) -> usize {
        match self.optional(name) {
            Some(_) => usize::try_from(self.number(name, min, max)).unwrap_or(default),
            None => default,
        }
    }

    /// Returns a secret from the variable `NAME` or from the file in `NAME_FILE`. To set both is a fault.
    pub fn secret(&mut self, name: &str) -> Option<SecretString> {
        let file_name = format!("{name}_FILE");
        match (self.optional(name), self.raw(&file_name)) {
            (Some(_), Some(_)) => {
                self.fault(name, format!("is set twice: remove it or {file_name}"));
                None
            }
            (Some(value), None) => Some(value.into()),
            (None, Some(path)) => match read_secret(&path) {
                Ok(secret) => Some(secret),
                // The fault must not contain the path, because an operator may have entered the secret in its place.
                Err(error) => {
                    self.fault(&file_name, format!("names a file that cannot be read ({})", error.kind()));
                    None
                }
            },
            (None, None) => None,
        }
    }

    pub fn has_secret(&self, name: &str) -> bool {
        self.raw(name).is_some() || self.raw(&format!("{name}_FILE")).is_some()
    }

    /// Returns a secret. A missing secret is a fault, and `remedy` says how to create it.
    pub fn required_secret(&mut self, name: &str, remedy: &str) -> Option<SecretString> {
        if !self.has_secret(name) {
            self.fault(name, format!("is missing: {remedy}"));
        }
        self.secret(name)
    }

    /// Returns a secret. A missing secret, or one that is easy to guess, is a fault.
    pub fn strong_secret(&mut self, name: &str) -> Option<SecretString> {
        let secret = self.required_secret(name, "openssl rand -base64 48 creates one");
        let problem = secret.as_ref().and_then(|secret| weakness(secret.expose_secret()));
        if let Some(problem) = problem {
            self.fault(name, format!("{problem}: openssl rand -base64 48 creates a better one"));
        }
        secret
    }

    pub fn finish(self) -> Result<(), Faults> {
        if self.faults.is_empty() { Ok(()) } else { Err(Faults(self.faults)) }
    }
}

fn is_known(name: &str) -> bool {
    SETTINGS
        .iter()
        .any(|setting| setting.name == name || (setting.secret && name.strip_suffix("_FILE") == Some(setting.name)))
}

/// Returns whether Kubernetes has set this variable for a service of the namespace.
/// For a Kubernetes service named `strongroom`, such variables look like settings: `STRONGROOM_PORT_443_TCP`.
fn is_from_kubernetes(environment: &Environment, name: &str) -> bool {
    environment.names().filter_map(|other| other.strip_suffix("_SERVICE_HOST")).any(|service| {
        name.strip_prefix(service)
            .is_some_and(|rest| rest == "_PORT" || rest.starts_with("_PORT_") || rest.starts_with("_SERVICE_"))
    })
}

/// Reads a secret from a file, without the line breaks that editors and `echo` add at the end.
pub(super) fn read_secret(path: impl AsRef<Path>) -> io::Result<SecretString> {
    let mut text = String::new();
    fs::File::open(path)?.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_SECRET_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text.trim_end_matches(['\r', '\n']).into())
}
