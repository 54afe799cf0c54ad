//! Reads the environment variables once. In development, the file `.env` in the current folder adds variables.
//! A variable of the process takes precedence over the file.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;

/// The environment variables at the start. The type does not implement `Debug`, because some values are secrets.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, OsString>);

/// The error for an unusable `.env` file. The message contains no line of the file, because a line can be a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEnvironment {
    #[error("the file .env cannot be read ({0}): make it a text file that this user can read, or remove it")]
    Unreadable(io::ErrorKind),
    #[error("the file .env has a line that is not NAME=value, {0}: put a value with spaces, # or $ in 'single quotes'")]
    Malformed(String),
    #[error("the file .env sets {0} twice: remove one of the two lines")]
    Twice(String),
    #[error(
        "the file .env sets STRONGROOM_PROFILE to a value other than development: set the profile in the environment, since .env is only read in development"
    )]
    Profile,
}

const PROFILE: &str = "STRONGROOM_PROFILE";

impl Environment {
    /// Reads the environment of the process and, in development, the file `.env`.
    ///
    /// # Errors
    /// [`BadEnvironment`] if the `.env` file is invalid.
    #[allow(clippy::disallowed_methods, reason = "only this function reads the environment")]
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

    /// Adds the variables of a `.env` file, except those that are already set.
    ///
    /// # Errors
    /// [`BadEnvironment`] if a line is malformed, a name occurs twice, or the file selects the production profile.
    pub fn with_dot_env(mut self, text: &str) -> Result<Self, BadEnvironment> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut file = BTreeMap::new();
        let mut place = "at the beginning".to_owned();
        for line in dotenvy::from_read_iter(text.as_bytes()) {
            let (name, value) = line.map_err(|_| BadEnvironment::Malformed(place))?;
            place = format!("after {name}");
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
