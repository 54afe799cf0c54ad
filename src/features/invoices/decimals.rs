//! Exact decimals: quantities, unit prices and rates.
//! A decimal is a string in JSON, because most clients would read a number as an inexact floating-point number.
//! A decimal is an integer in the code and in the database. The integer counts the smallest unit, such as thousandths.

use std::fmt;
use std::str::FromStr;

use crate::base::money::Currency;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidDecimal;

/// A quantity: above zero, at most nine digits and three decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity(i64);

impl Quantity {
    /// In thousandths.
    pub const MAX: i64 = 999_999_999_999;

    #[must_use]
    pub fn from_thousandths(thousandths: i64) -> Option<Self> {
        (1..=Self::MAX).contains(&thousandths).then_some(Self(thousandths))
    }

    #[must_use]
    pub fn thousandths(self) -> i64 {
        self.0
    }
}

impl FromStr for Quantity {
    type Err = InvalidDecimal;

    fn from_str(text: &str) -> Result<Self, InvalidDecimal> {
        parse(text, 9, 3).and_then(Self::from_thousandths).ok_or(InvalidDecimal)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&decimal(self.0, 3, 0))
    }
}

/// A rate from 0 to 100 percent, with at most three decimals. For example, 8.875 % is the sales tax in New York City.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(i32);

impl Rate {
    /// In thousandths of a percent.
    pub const ONE_HUNDRED_PERCENT: i32 = 100_000;

    #[must_use]
    pub fn from_millipercent(millipercent: i32) -> Option<Self> {
        (0..=Self::ONE_HUNDRED_PERCENT).contains(&millipercent).then_some(Self(millipercent))
    }

    #[must_use]
    pub fn millipercent(self) -> i32 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = InvalidDecimal;

    fn from_str(text: &str) -> Result<Self, InvalidDecimal> {
        let millipercent = parse(text, 3, 3).ok_or(InvalidDecimal)?;
        i32::try_from(millipercent).ok().and_then(Self::from_millipercent).ok_or(InvalidDecimal)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&decimal(self.0.into(), 3, 0))
    }
}

/// A price per unit. It can have up to four more decimals than the currency, for example EUR 0.1648 per kilowatt-hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitPrice(i64);

impl UnitPrice {
    /// The number of steps in a minor unit. A step is the smallest difference between two prices.
    pub const STEPS_PER_MINOR_UNIT: i64 = 10_000;
    /// In ten-thousandths of a minor unit: 14 digits of minor units and four decimals.
    pub const MAX: i64 = 999_999_999_999_999_999;

    #[must_use]
    pub fn from_ten_thousandths(steps: i64) -> Option<Self> {
        (0..=Self::MAX).contains(&steps).then_some(Self(steps))
    }

    #[must_use]
    pub fn ten_thousandths(self) -> i64 {
        self.0
    }

    /// Returns the maximum number of digits before and after the decimal point.
    #[must_use]
    pub fn digits(currency: Currency) -> (usize, usize) {
        let minor = usize::from(currency.minor_digits());
        (14_usize.saturating_sub(minor), minor + 4)
    }

    /// Parses a price in the currency's major unit.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, InvalidDecimal> {
        let (whole, decimals) = Self::digits(currency);
        parse(text, whole, decimals).and_then(Self::from_ten_thousandths).ok_or(InvalidDecimal)
    }

    /// Formats the price in the major unit, with at least the decimals of the currency: `100.00`, `0.1648`.
    #[must_use]
    pub fn decimal(self, currency: Currency) -> String {
        let (_, decimals) = Self::digits(currency);
        decimal(self.0, decimals, currency.minor_digits().into())
    }
}

/// Parses a decimal into an integer that counts the smallest unit. With three decimals, `1.5` becomes 1500.
fn parse(text: &str, whole_digits: usize, decimals: usize) -> Option<i64> {
    let (whole, part) = text.split_once('.').map_or((text, None), |(whole, part)| (whole, Some(part)));
    let digits = |text: &str, max| (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole, whole_digits) || !part.is_none_or(|part| digits(part, decimals)) {
        return None;
    }
    format!("{whole}{:0<decimals$}", part.unwrap_or_default()).parse().ok()
}

/// Formats an integer from [`parse`] as a decimal. Removes trailing zeros, but keeps at least `min_decimals` decimals.
fn decimal(value: i64, decimals: usize, min_decimals: usize) -> String {
    let padded = format!("{value:0width$}", width = decimals + 1);
    let (whole, part) = padded.split_at(padded.len() - decimals);
    let part = format!("{:0<min_decimals$}", part.trim_end_matches('0'));
    if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn quantities_are_exact() {
        for (text, thousandths) in
            [("1", 1_000), ("1.5", 1_500), ("0.001", 1), ("007.10", 7_100), ("999999999.999", Quantity::MAX)]
        {
            assert_eq!(text.parse::<Quantity>().map(Quantity::thousandths), Ok(thousandths), "{text}");
        }
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1,5",
            "1.2345",
            "1234567890",
            " 1",
            "1.5 ",
            "٣",
            "0x1",
            "NaN",
            "0",
        ] {
            assert_eq!(text.parse::<Quantity>(), Err(InvalidDecimal), "{text:?}");
        }
        let written = |thousandths| Quantity::from_thousandths(thousandths).unwrap().to_string();
        assert_eq!([written(1_000), written(1), written(12_340), written(100_000)], ["1", "0.001", "12.34", "100"]);
    }

    #[test]
    fn rates_have_three_decimals() {
        for (text, millipercent, written) in [
            ("0", 0, "0"),
            ("8.875", 8_875, "8.875"),
            ("21.000", 21_000, "21"),
            ("100", Rate::ONE_HUNDRED_PERCENT, "100"),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!((rate.millipercent(), rate.to_string().as_str()), (millipercent, written));
        }
        for text in ["", "-1", "8.8750", "100.001", "101", "999999999", "1e1", "8,875", "8.875%"] {
            assert_eq!(text.parse::<Rate>(), Err(InvalidDecimal), "{text:?}");
        }
    }

    #[test]
    fn unit_prices_are_four_decimals_finer_than_their_currency() {
        for (code, text, steps, written) in [
            ("EUR", "0.1648", 164_800, "0.1648"),
            ("EUR", "100", 100_000_000, "100.00"),
            ("EUR", "0.000001", 1, "0.000001"),
            ("EUR", "999999999999.999999", UnitPrice::MAX, "999999999999.999999"),
            ("JPY", "4.5", 45_000, "4.5"),
            ("JPY", "1250", 12_500_000, "1250"),
            ("JPY", "99999999999999.9999", UnitPrice::MAX, "99999999999999.9999"),
            ("KWD", "1.0050", 10_050_000, "1.005"),
        ] {
            let price = UnitPrice::parse(text, currency(code)).unwrap();
            assert_eq!((price.ten_thousandths(), price.decimal(currency(code)).as_str()), (steps, written), "{text}");
        }
        for (code, text) in [
            ("EUR", "0.0000001"),
            ("EUR", "1000000000000"),
            ("JPY", "4.50000"),
            ("JPY", "100000000000000"),
            ("EUR", "-1"),
            ("EUR", ""),
            ("EUR", "1e3"),
        ] {
            assert_eq!(UnitPrice::parse(text, currency(code)), Err(InvalidDecimal), "{code} {text:?}");
        }
    }

    proptest! {
        #[test]
        fn formatted_decimals_parse_to_the_same_value(
            quantity in 1..=Quantity::MAX, rate in 0..=Rate::ONE_HUNDRED_PERCENT, price in 0..=UnitPrice::MAX,
            code in prop::sample::select(vec!["EUR", "JPY", "KWD", "CLF"])
        ) {
            let (quantity, rate) = (Quantity(quantity), Rate(rate));
            prop_assert_eq!(quantity.to_string().parse(), Ok(quantity));
            prop_assert_eq!(rate.to_string().parse(), Ok(rate));
            let price = UnitPrice(price);
            prop_assert_eq!(UnitPrice::parse(&price.decimal(currency(code)), currency(code)), Ok(price));
        }
    }
}
