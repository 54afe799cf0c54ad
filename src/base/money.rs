//! Money: whole minor units (cents) of a currency that is named beside them. No fraction, no float, no silent overflow.

use std::fmt;
use std::str::FromStr;

/// The largest amount: what a JavaScript client still reads exactly, 2^53 - 1.
pub const MOST_MINOR_UNITS: i64 = 9_007_199_254_740_991;

/// A currency of ISO 4217 that has minor units (0, 2, 3 or 4 digits).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency(iso_currency::Currency);

/// No currency that one can be invoiced in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a currency code of ISO 4217")]
pub struct BadCurrency;

impl Currency {
    /// `EUR`.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many digits stand after the decimal point: 2 for EUR, 0 for JPY, 3 for KWD.
    #[must_use]
    pub fn minor_digits(self) -> u16 {
        self.0.exponent().unwrap_or(0)
    }

    /// An amount in minor units as a decimal: 12345 is `123.45` in EUR and `12345` in JPY.
    #[must_use]
    pub fn decimal(self, minor: i64) -> String {
        let digits = usize::from(self.minor_digits());
        let padded = format!("{:0width$}", minor.unsigned_abs(), width = digits + 1);
        let (whole, part) = padded.split_at(padded.len() - digits);
        let (sign, point) = (if minor < 0 { "-" } else { "" }, if digits == 0 { "" } else { "." });
        format!("{sign}{whole}{point}{part}")
    }
}

impl FromStr for Currency {
    type Err = BadCurrency;

    fn from_str(text: &str) -> Result<Self, BadCurrency> {
        let currency = iso_currency::Currency::from_code(text).ok_or(BadCurrency)?;
        // Gold, test codes and "no currency" have no minor unit.
        let usable = currency.exponent().is_some() && currency.code() == text && !matches!(text, "XXX" | "XTS");
        usable.then_some(Self(currency)).ok_or(BadCurrency)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The amount is larger than [`MOST_MINOR_UNITS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the amount is too large")]
pub struct TooMuch;

/// `value * numerator / denominator`, rounded half up to the minor unit. No part is negative.
///
/// # Errors
/// [`TooMuch`].
pub fn scale(value: i64, numerator: i64, denominator: i64) -> Result<i64, TooMuch> {
    let product = i128::from(value) * i128::from(numerator);
    let denominator = i128::from(denominator.max(1));
    capped((product + denominator / 2) / denominator)
}

/// The sum.
///
/// # Errors
/// [`TooMuch`].
pub fn sum(amounts: impl IntoIterator<Item = i64>) -> Result<i64, TooMuch> {
    amounts.into_iter().try_fold(0, |sum, amount| capped(i128::from(sum) + i128::from(amount)))
}

fn capped(amount: i128) -> Result<i64, TooMuch> {
    let most = i128::from(MOST_MINOR_UNITS);
    if !(-most..=most).contains(&amount) {
        return Err(TooMuch);
    }
    i64::try_from(amount).map_err(|_| TooMuch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_have_their_own_digits() {
        for (code, digits) in [("EUR", 2), ("JPY", 0), ("KWD", 3), ("BHD", 3), ("CLF", 4)] {
            assert_eq!(code.parse::<Currency>().unwrap().minor_digits(), digits, "{code}");
        }
        for text in ["eur", "EURO", "EU", "", "XXX", "XTS", "XAU", "ZZZ", "978"] {
            assert_eq!(text.parse::<Currency>(), Err(BadCurrency), "{text}");
        }
    }

    #[test]
    fn decimals_have_the_digits_of_their_currency() {
        let decimal = |code: &str, minor| code.parse::<Currency>().unwrap().decimal(minor);
        assert_eq!(decimal("EUR", 0), "0.00");
        assert_eq!(decimal("EUR", 5), "0.05");
        assert_eq!(decimal("EUR", 12_345), "123.45");
        assert_eq!(decimal("EUR", -12_345), "-123.45");
        assert_eq!(decimal("JPY", 12_345), "12345");
        assert_eq!(decimal("KWD", 1_005), "1.005");
        assert_eq!(decimal("EUR", MOST_MINOR_UNITS), "90071992547409.91");
    }

    #[test]
    fn halves_go_up_and_too_much_is_refused() {
        assert_eq!(scale(1, 1, 2), Ok(1));
        assert_eq!(scale(333, 1, 1000), Ok(0));
        assert_eq!(scale(1_999, 2_100, 10_000), Ok(420));
        assert_eq!(scale(MOST_MINOR_UNITS, 1, 1), Ok(MOST_MINOR_UNITS));
        assert_eq!(scale(MOST_MINOR_UNITS, 1_001, 1_000), Err(TooMuch));
        assert_eq!(scale(i64::MAX, i64::MAX, 1), Err(TooMuch));
        assert_eq!(sum([MOST_MINOR_UNITS, 1]), Err(TooMuch));
        assert_eq!(sum([]), Ok(0));
    }
}
