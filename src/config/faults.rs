//! The faults of a configuration. They are printed, so they must not contain values of settings, which can be secrets.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub setting: String,
    /// What is wrong, and how to correct it. This text is printed after the setting's name, as in "is missing: …".
    pub problem: String,
}

/// All faults that were found in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl std::error::Error for Faults {}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = if self.0.len() == 1 { "fault" } else { "faults" };
        write!(f, "the configuration has {} {many} (.env.example explains each setting):", self.0.len())?;
        for Fault { setting, problem } in &self.0 {
            write!(f, "\n  {setting} {problem}")?;
        }
        Ok(())
    }
}
