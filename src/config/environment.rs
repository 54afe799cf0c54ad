//! The environment, read once. In development a `.env` file in the current folder adds to it; what is set for the process wins.

use std::collections::BTreeMap;
use std::fs;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

use super::catalog::{SETTINGS, Setting};
use super::faults::{Fault, Faults};

/// Names and values, as they were when the process started.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// The environment could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum BadEnvironment {
    #[error("the file .env cannot be read: {0}")]
    DotEnv(#[from] dotenvy::Error),
}

impl Environment {
    /// Reads the process's environment, and `.env` unless the profile is production.
    ///
    /// # Errors
    /// There is a `.env` that is malformed.
    #[allow(clippy::disallowed_methods, reason = "the one reader of the environment")]
    pub fn read() -> Result<Self, BadEnvironment> {
        let process: BTreeMap<String, String> = std::env::vars().collect();
        if process.get("STRONGROOM_PROFILE").is_some_and(|profile| profile == "production") {
            return Ok(Self(process));
        }
        let mut all = BTreeMap::new();
        match dotenvy::from_path_iter(".env") {
            Ok(lines) => {
                for line in lines {
                    let (name, value) = line?;
                    all.insert(name, value);
                }
            }
            Err(error) if error.not_found() => {}
            Err(error) => return Err(error.into()),
        }
        all.extend(process);
        Ok(Self(all))
    }

    /// An environment made of these pairs and nothing else.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// A variable that is no setting of ours (`PATH`).
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Reads settings and collects what is wrong with them.
pub(super) struct Reader<'a> {
    environment: &'a Environment,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    pub fn new(environment: &'a Environment) -> Self {
        let known = |name: &str| {
            SETTINGS.iter().any(|setting| {
                setting.name == name || (setting.secret && name.strip_suffix("_FILE") == Some(setting.name))
            })
        };
        let unknown = environment.0.keys().filter(|name| name.starts_with("STRONGROOM_") && !known(name));
        let faults = unknown
            .map(|name| Fault {
                setting: name.clone(),
                problem: "is no setting: a typo? (see .env.example)".to_owned(),
            })
            .collect();
        Self { environment, faults }
    }

    pub fn fault(&mut self, setting: &str, problem: impl Into<String>) {
        self.faults.push(Fault { setting: setting.to_owned(), problem: problem.into() });
    }

    pub fn raw(&self, name: &str) -> Option<String> {
        self.environment.raw(name).map(str::to_owned)
    }

    fn setting(name: &str) -> Option<&'static Setting> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }

    /// What is set and not empty.
    pub fn given(&self, name: &str) -> Option<String> {
        Self::setting(name).and_then(|setting| self.raw(setting.name))
    }

    /// What is set, or the default.
    pub fn text(&self, name: &str) -> String {
        let default = Self::setting(name).map_or("", |setting| setting.default);
        self.given(name).unwrap_or_else(|| default.to_owned())
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
        let number = self.parsed(name, "a whole number", least);
        if !(least..=most).contains(&number) {
            self.fault(name, format!("is not between {least} and {most}"));
        }
        number.clamp(least, most)
    }

    /// A secret, by value or by file.
    pub fn secret(&mut self, name: &str) -> Option<SecretString> {
        let file = self.raw(&format!("{name}_FILE"));
        match (self.given(name), file) {
            (Some(_), Some(_)) => {
                self.fault(name, "is given twice: by value and by file");
                None
            }
            (Some(value), None) => Some(value.into()),
            (None, Some(path)) => match fs::read_to_string(&path) {
                Ok(text) => Some(text.trim_end_matches(['\r', '\n']).into()),
                Err(error) => {
                    self.fault(&format!("{name}_FILE"), format!("names a file that cannot be read ({})", error.kind()));
                    None
                }
            },
            (None, None) => None,
        }
    }

    /// Whether a secret is given in either way.
    pub fn has_secret(&self, name: &str) -> bool {
        self.given(name).is_some() || self.raw(&format!("{name}_FILE")).is_some()
    }

    /// A secret that must be there and hard to guess.
    pub fn strong_secret(&mut self, name: &str) -> Option<SecretString> {
        let given = self.has_secret(name);
        let secret = self.secret(name);
        if !given {
            self.fault(name, "is missing");
        }
        let problem = secret.as_ref().and_then(|secret| weakness(secret.expose_secret()));
        if let Some(problem) = problem {
            self.fault(name, problem);
        }
        secret
    }

    /// Nothing, if nothing was wrong.
    pub fn finish(self) -> Result<(), Faults> {
        if self.faults.is_empty() { Ok(()) } else { Err(Faults(self.faults)) }
    }
}

/// Texts that stand in samples, tutorials and word lists, and so in attackers' lists.
const SAMPLES: [&str; 10] = [
    "change",
    "secret",
    "sample",
    "example",
    "password",
    "your-256-bit",
    "0123456789",
    "qwerty",
    "abcdefgh",
    "strongroom",
];

/// Why a key could be guessed.
pub(super) fn weakness(key: &str) -> Option<&'static str> {
    let lower = key.to_lowercase();
    let mut characters: Vec<char> = key.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    if key.len() < 32 {
        Some("is shorter than 32 bytes (256 bits): openssl rand -base64 48")
    } else if SAMPLES.iter().any(|sample| lower.contains(sample)) {
        Some("looks like a sample value: openssl rand -base64 48")
    } else if characters.len() < 12 {
        Some("has too little variety to be random: openssl rand -base64 48")
    } else {
        None
    }
}
