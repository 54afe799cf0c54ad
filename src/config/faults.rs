//! What is wrong with the configuration, all of it. Never a value: a fault is printed and logged.

use std::fmt;

/// One setting that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub setting: String,
    /// What is wrong and what to do.
    pub problem: String,
}

/// Every fault that was found.
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
