//! `STRONGROOM_LIMITS_…`: the rate limits.

use std::str::FromStr;
use std::time::Duration;

use super::reader::Reader;

/// A number of requests or events per time window. `200/15m` means 200 in 15 minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub count: u32,
    pub window: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRate;

impl FromStr for Rate {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Self, BadRate> {
        let (count, window) = text.split_once('/').ok_or(BadRate)?;
        let (number, unit) = window.split_at_checked(window.len().saturating_sub(1)).ok_or(BadRate)?;
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err(BadRate),
        };
        let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).ok_or(BadRate)?;
        let count = count.parse().map_err(|_| BadRate)?;
        let is_valid = count > 0 && (1..=86_400).contains(&seconds);
        is_valid.then_some(Self { count, window: Duration::from_secs(seconds) }).ok_or(BadRate)
    }
}

/// The rate limit of each tier of routes (`security/limits/rate_limits.rs`).
#[derive(Clone, Debug)]
pub struct LimitSettings {
    pub standard: Rate,
    pub sign_in: Rate,
    pub registration: Rate,
    pub reset: Rate,
    pub refresh: Rate,
    pub write: Rate,
    pub preview: Rate,
    pub export: Rate,
    pub upload: Rate,
    pub asset: Rate,
    pub unknown_path: Rate,
}

impl LimitSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            standard: rate(reader, "STRONGROOM_LIMITS_STANDARD"),
            sign_in: rate(reader, "STRONGROOM_LIMITS_SIGN_IN"),
            registration: rate(reader, "STRONGROOM_LIMITS_REGISTRATION"),
            reset: rate(reader, "STRONGROOM_LIMITS_RESET"),
            refresh: rate(reader, "STRONGROOM_LIMITS_REFRESH"),
            write: rate(reader, "STRONGROOM_LIMITS_WRITE"),
            preview: rate(reader, "STRONGROOM_LIMITS_PREVIEW"),
            export: rate(reader, "STRONGROOM_LIMITS_EXPORT"),
            upload: rate(reader, "STRONGROOM_LIMITS_UPLOAD"),
            asset: rate(reader, "STRONGROOM_LIMITS_ASSET"),
            unknown_path: rate(reader, "STRONGROOM_LIMITS_UNKNOWN_PATH"),
        }
    }
}

pub(super) fn rate(reader: &mut Reader<'_>, name: &str) -> Rate {
    let fallback = Rate { count: 1, window: Duration::from_secs(1) };
    reader.parsed(name, "a rate such as 200/15m (at least 1, within at most a day)", fallback)
}
