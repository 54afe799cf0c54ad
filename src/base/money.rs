//! Amounts of money: integers in the minor unit of a currency (for example cents).
//! Floats are not used, because they cannot represent 0.10 exactly. An overflow is an error (CWE-190).

use std::fmt;
use std::str::FromStr;

/// The largest amount: 2^53 - 1. JavaScript clients cannot represent larger integers exactly.
pub const MAX_MINOR_UNITS: i64 = 9_007_199_254_740_991;

/// An ISO 4217 currency. Its minor unit has 0, 2, 3 or 4 decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency(iso_currency::Currency);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not an ISO 4217 currency code")]
pub struct BadCurrency;

impl Currency {
    /// Returns the ISO 4217 code, for example `EUR`.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Returns the number of digits after the decimal point: 2 for EUR, 0 for JPY, 3 for KWD.
    #[must_use]
    pub fn minor_digits(self) -> u16 {
        self.0.exponent().unwrap_or(0)
    }

    /// Formats an amount in minor units as a decimal number: 12345 becomes `123.45` in EUR and `12345` in JPY.
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
        // Refuse codes without a minor unit, such as XAU (gold). Also refuse XXX (no currency) and XTS (for tests).
        let usable = currency.exponent().is_some() && currency.code() == text && !matches!(text, "XXX" | "XTS");
        usable.then_some(Self(currency)).ok_or(BadCurrency)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the amount is too large")]
pub struct AmountTooLarge;

/// Returns `value * numerator / denominator`, rounded half up. The arguments must not be negative.
///
/// # Errors
/// [`AmountTooLarge`] if the result is larger than [`MAX_MINOR_UNITS`].
pub fn scale(value: i64, numerator: i64, denominator: i64) -> Result<i64, AmountTooLarge> {
    let product = i128::from(value) * i128::from(numerator);
    let denominator = i128::from(denominator.max(1));
    check_range((product + denominator / 2) / denominator)
}

/// Returns the sum of amounts.
///
/// # Errors
/// [`AmountTooLarge`] if the sum is larger than [`MAX_MINOR_UNITS`].
pub fn sum(amounts: impl IntoIterator<Item = i64>) -> Result<i64, AmountTooLarge> {
    amounts.into_iter().try_fold(0, |sum, amount| check_range(i128::from(sum) + i128::from(amount)))
}

fn check_range(amount: i128) -> Result<i64, AmountTooLarge> {
    let max = i128::from(MAX_MINOR_UNITS);
    if !(-max..=max).contains(&amount) {
        return Err(AmountTooLarge);
    }
    i64::try_from(amount).map_err(|_| AmountTooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currency_determines_its_number_of_digits() {
        for (code, digits) in [("EUR", 2), ("JPY", 0), ("KWD", 3), ("BHD", 3), ("CLF", 4)] {
            assert_eq!(code.parse::<Currency>().unwrap().minor_digits(), digits, "{code}");
        }
        for text in ["eur", "EURO", "EU", "", "XXX", "XTS", "XAU", "ZZZ", "978"] {
            assert_eq!(text.parse::<Currency>(), Err(BadCurrency), "{text}");
        }
    }

    #[test]
    fn amount_is_formatted_with_the_digits_of_its_currency() {
        let decimal = |code: &str, minor| code.parse::<Currency>().unwrap().decimal(minor);
        assert_eq!(decimal("EUR", 0), "0.00");
        assert_eq!(decimal("EUR", 5), "0.05");
        assert_eq!(decimal("EUR", 12_345), "123.45");
        assert_eq!(decimal("EUR", -12_345), "-123.45");
        assert_eq!(decimal("JPY", 12_345), "12345");
        assert_eq!(decimal("KWD", 1_005), "1.005");
        assert_eq!(decimal("EUR", MAX_MINOR_UNITS), "90071992547409.91");
    }

    #[test]
    fn halves_are_rounded_up_and_overflow_is_an_error() {
        assert_eq!(scale(1, 1, 2), Ok(1));
        assert_eq!(scale(333, 1, 1000), Ok(0));
        assert_eq!(scale(1_999, 2_100, 10_000), Ok(420));
        assert_eq!(scale(MAX_MINOR_UNITS, 1, 1), Ok(MAX_MINOR_UNITS));
        assert_eq!(scale(MAX_MINOR_UNITS, 1_001, 1_000), Err(AmountTooLarge));
        assert_eq!(scale(i64::MAX, i64::MAX, 1), Err(AmountTooLarge));
        assert_eq!(sum([MAX_MINOR_UNITS, 1]), Err(AmountTooLarge));
        assert_eq!(sum([]), Ok(0));
    }
}
