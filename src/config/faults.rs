//! The faults of a configuration. Faults are printed and logged, so they never contain the value of a setting.

use std::fmt;

/// An invalid setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub setting: String,
    /// Says what is wrong and how to correct it. The text follows the name of the setting, for example "is missing: …".
    pub problem: String,
}

/// All faults.
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
