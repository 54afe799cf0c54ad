//! `STRONGROOM_LOGIN_…`: how many sign-ins may fail (`security/login_guard`).

use super::environment::Reader;
use super::limits::{Rate, rate};

/// Failures allowed in a window.
#[derive(Clone, Debug)]
pub struct LoginSettings {
    pub failures_per_pair: Rate,
    pub failures_per_address: Rate,
    pub failures_per_account: Rate,
}

impl LoginSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            failures_per_pair: rate(reader, "STRONGROOM_LOGIN_FAILURES_PER_PAIR"),
            failures_per_address: rate(reader, "STRONGROOM_LOGIN_FAILURES_PER_ADDRESS"),
            failures_per_account: rate(reader, "STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT"),
        }
    }
}
