//! The environment, read once. In development a `.env` file in the current folder adds to it; what is set for the process wins.
//! The process's own environment is never changed: `set_var` races with every thread that reads it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;

/// Names and values, as they were when the process started. No `Debug`: the values hold secrets.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, OsString>);

/// The `.env` file cannot be used. Never quotes a line of it, since that line may hold a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEnvironment {
    #[error("the file .env cannot be read ({0}): make it a text file that this user can read, or remove it")]
    Unreadable(io::ErrorKind),
    #[error(
        "the file .env has a line that is not NAME=value, {0}: a value with spaces, # or $ stands in 'single quotes'"
    )]
    Malformed(String),
    #[error("the file .env sets {0} twice: remove one of the two lines")]
    Twice(String),
    #[error(
        "the file .env sets STRONGROOM_PROFILE to something other than development: it is read in development only, so set the profile in the environment"
    )]
    Profile,
}

const PROFILE: &str = "STRONGROOM_PROFILE";

impl Environment {
    /// Reads the process's environment, and `.env` unless the profile is production.
    ///
    /// # Errors
    /// There is a `.env` that cannot be used.
    #[allow(clippy::disallowed_methods, reason = "the one reader of the environment")]
    pub fn read() -> Result<Self, BadEnvironment> {
        let process =
            Self(std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect());
        if process.get(PROFILE).is_some_and(|profile| profile != "development") {
            return Ok(process);
        }
        match fs::read_to_string(".env") {
            Ok(text) => process.with_dot_env(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(process),
            Err(error) => Err(BadEnvironment::Unreadable(error.kind())),
        }
    }

    /// This environment, and below it the lines of a `.env` file.
    ///
    /// # Errors
    /// A line is malformed, a name stands there twice, or it names a profile other than development.
    pub fn with_dot_env(mut self, text: &str) -> Result<Self, BadEnvironment> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut file = BTreeMap::new();
        let mut place = "at its beginning".to_owned();
        for line in dotenvy::from_read_iter(text.as_bytes()) {
            let (name, value) = line.map_err(|_| BadEnvironment::Malformed(place))?;
            place = format!("below {name}");
            if file.insert(name.clone(), OsString::from(value)).is_some() {
                return Err(BadEnvironment::Twice(name));
            }
        }
        if file.get(PROFILE).is_some_and(|profile| profile != "development") {
            return Err(BadEnvironment::Profile);
        }
        for (name, value) in file {
            self.0.entry(name).or_insert(value);
        }
        Ok(self)
    }

    /// An environment made of these pairs and nothing else.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(name).map(OsString::as_os_str)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
