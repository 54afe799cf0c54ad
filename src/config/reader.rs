//! Reads settings one by one and collects what is wrong with them, so that all of it is told at once.

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

/// No secret is longer; `NAME_FILE=/dev/zero` must not fill the memory.
const LONGEST_SECRET: u64 = 65_536;

/// Reads settings and collects their faults.
pub(super) struct Reader<'a> {
    environment: &'a Environment,
    faults: Vec<Fault>,
    /// Whether secrets that development lacks are made and kept.
    pub writes: bool,
}

impl<'a> Reader<'a> {
    /// Begins with what is wrong before any setting is read: names that are none, and values that are nothing.
    pub fn new(environment: &'a Environment) -> Self {
        let mut reader = Self { environment, faults: Vec::new(), writes: true };
        for name in environment.names() {
            if !is_known(name) {
                if name.starts_with("STRONGROOM_") && !is_made_by_kubernetes(environment, name) {
                    reader
                        .fault(&name.escape_debug().to_string(), "is no setting: a typo? .env.example lists them all");
                }
                continue;
            }
            // An empty profile would otherwise mean development, and an empty key a generated one.
            match environment.get(name).map(OsStr::to_str) {
                Some(Some("")) => reader.fault(name, "is set to nothing: give it a value, or do not set it at all"),
                Some(None) => reader.fault(name, "is not UTF-8 text: type it again"),
                _ => {}
            }
        }
        reader
    }

    /// For a check that changes nothing.
    pub fn without_writing(environment: &'a Environment) -> Self {
        Self { writes: false, ..Self::new(environment) }
    }

    /// Notes a fault. `problem` says what is wrong and what to do, and never quotes the value: people paste secrets into the
    /// wrong line.
    pub fn fault(&mut self, setting: &str, problem: impl Into<String>) {
        self.faults.push(Fault { setting: setting.to_owned(), problem: problem.into() });
    }

    /// Notes a fault of how settings go together, which a setting that could not be read at all does not have as well.
    pub fn fault_together(&mut self, setting: &str, problem: impl Into<String>) {
        if !self.faults.iter().any(|fault| fault.setting == setting) {
            self.fault(setting, problem);
        }
    }

    /// What the system, and not the operator, says (`PATH`, `HOME`).
    pub fn of_system(&self, name: &str) -> Option<&'a OsStr> {
        self.environment.get(name).filter(|value| !value.is_empty())
    }

    fn raw(&self, name: &str) -> Option<String> {
        self.of_system(name).and_then(OsStr::to_str).map(str::to_owned)
    }

    fn setting(&mut self, name: &str) -> Option<&'static Setting> {
        let setting = SETTINGS.iter().find(|setting| setting.name == name);
        if setting.is_none() {
            self.fault(name, "is read but stands in no list: a mistake of the programmer, please report it");
        }
        setting
    }

    /// What is set and not empty.
    pub fn given(&mut self, name: &str) -> Option<String> {
        self.setting(name).and_then(|setting| self.raw(setting.name))
    }

    /// What is set, or the default.
    pub fn text(&mut self, name: &str) -> String {
        let default = self.setting(name).map_or("", |setting| setting.default);
        self.raw(name).unwrap_or_else(|| default.to_owned())
    }

    /// The parts of a list that is separated by commas, with their places, counted from 1.
    pub fn list(&mut self, name: &str) -> Vec<(usize, String)> {
        let text = self.text(name);
        let parts = text.split(',').map(|part| part.trim().to_owned());
        (1..).zip(parts).filter(|(_, part)| !part.is_empty()).collect()
    }

    /// A value of another type, or a fault and `instead`.
    pub fn parsed<T: FromStr>(&mut self, name: &str, expected: &str, instead: T) -> T {
        self.text(name).parse().unwrap_or_else(|_| {
            self.fault(name, format!("is not {expected}"));
            instead
        })
    }

    /// A whole number between two bounds.
    pub fn number(&mut self, name: &str, least: u64, most: u64) -> u64 {
        let number = self.parsed(name, &format!("a whole number: set it to {least} to {most}"), least);
        if !(least..=most).contains(&number) {
            self.fault(name, format!("is out of bounds: set it to {least} to {most}"));
        }
        number.clamp(least, most)
    }

    /// A number, or what the machine suggests where none is given.
    pub fn number_or(&mut self, name: &str, least: u64, most: u64, suggested: usize) -> usize {
        match self.given(name) {
            Some(_) => usize::try_from(self.number(name, least, most)).unwrap_or(suggested),
            None => suggested,
        }
    }

    /// A secret, by value or by file.
    pub fn secret(&mut self, name: &str) -> Option<SecretString> {
        let file_name = format!("{name}_FILE");
        match (self.given(name), self.raw(&file_name)) {
            (Some(_), Some(_)) => {
                self.fault(name, format!("is given twice: remove it, or remove {file_name}"));
                None
            }
            (Some(value), None) => Some(value.into()),
            (None, Some(path)) => match read_secret(&path) {
                Ok(secret) => Some(secret),
                // Without the path: it may be the secret itself, in the wrong place.
                Err(error) => {
                    self.fault(&file_name, format!("names a file that cannot be read ({})", error.kind()));
                    None
                }
            },
            (None, None) => None,
        }
    }

    /// Whether a secret is given in either way.
    pub fn has_secret(&self, name: &str) -> bool {
        self.raw(name).is_some() || self.raw(&format!("{name}_FILE")).is_some()
    }

    /// A secret that must be there; `remedy` says how to get one.
    pub fn required_secret(&mut self, name: &str, remedy: &str) -> Option<SecretString> {
        if !self.has_secret(name) {
            self.fault(name, format!("is missing: {remedy}"));
        }
        self.secret(name)
    }

    /// A secret that must be there and hard to guess.
    pub fn strong_secret(&mut self, name: &str) -> Option<SecretString> {
        let secret = self.required_secret(name, "openssl rand -base64 48 makes one");
        let problem = secret.as_ref().and_then(|secret| weakness(secret.expose_secret()));
        if let Some(problem) = problem {
            self.fault(name, format!("{problem}: openssl rand -base64 48 makes a better one"));
        }
        secret
    }

    /// Nothing, if nothing was wrong.
    pub fn finish(self) -> Result<(), Faults> {
        if self.faults.is_empty() { Ok(()) } else { Err(Faults(self.faults)) }
    }
}

fn is_known(name: &str) -> bool {
    SETTINGS
        .iter()
        .any(|setting| setting.name == name || (setting.secret && name.strip_suffix("_FILE") == Some(setting.name)))
}

/// Kubernetes tells each pod where the services of its namespace are. One that is called `strongroom` or `strongroom-…` makes
/// variables that look like ours: `STRONGROOM_SERVICE_HOST`, `STRONGROOM_PORT_443_TCP`, …
fn is_made_by_kubernetes(environment: &Environment, name: &str) -> bool {
    environment.names().filter_map(|other| other.strip_suffix("_SERVICE_HOST")).any(|service| {
        name.strip_prefix(service)
            .is_some_and(|rest| rest == "_PORT" || rest.starts_with("_PORT_") || rest.starts_with("_SERVICE_"))
    })
}

/// A file's text without the line's end that editors and `echo` put there.
pub(super) fn read_secret(path: impl AsRef<Path>) -> io::Result<SecretString> {
    let mut text = String::new();
    fs::File::open(path)?.take(LONGEST_SECRET + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST_SECRET {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text.trim_end_matches(['\r', '\n']).into())
}
