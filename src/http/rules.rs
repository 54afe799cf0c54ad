//! Validation rules for `#[garde(custom(..))]`. Each message says what is expected, and never quotes the input.

use std::net::IpAddr;

use garde::{Error, Result};

use crate::base::day;
use crate::base::email::EmailAddress;
use crate::base::moment as moments;
use crate::base::money::Currency;
use crate::base::text;

fn check(holds: bool, expected: &'static str) -> Result {
    if holds { Ok(()) } else { Err(Error::new(expected)) }
}

/// Accepts one line of visible text.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
pub fn line(value: &str, _: &()) -> Result {
    check(text::is_line(value), "must be one line of text, without control or invisible characters")
}

/// Accepts visible text with line breaks and tabs.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
pub fn paragraph(value: &str, _: &()) -> Result {
    check(text::is_paragraph(value), "must be text without control or invisible characters")
}

/// Accepts an e-mail address.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
pub fn email(value: &str, _: &()) -> Result {
    value.parse::<EmailAddress>().map(drop).map_err(Error::new)
}

/// Accepts an ISO 4217 currency code.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
pub fn currency(value: &str, _: &()) -> Result {
    check(value.parse::<Currency>().is_ok(), "must be an ISO 4217 currency code in upper case")
}

/// Accepts two capital letters (ISO 3166-1 alpha-2).
#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
pub fn country(value: &str, _: &()) -> Result {
    let letters = value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_uppercase());
    check(letters, "must be a country code of two capital letters, for example NL")
}

/// Accepts a date of the form 2026-01-31, from the year [`day::FIRST_YEAR`] to 9999.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
pub fn day(value: &str, _: &()) -> Result {
    check(day::parse(value).is_some(), "must be a date from 2000 to 9999, for example 2026-01-31")
}

/// Accepts an RFC 3339 timestamp, from the year 2000 to 9999.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
pub fn moment(value: &str, _: &()) -> Result {
    check(moments::parse(value).is_some(), "must be a date and time, for example 2026-12-01T09:30:00Z")
}

/// Accepts an IP address.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
pub fn address(value: &str, _: &()) -> Result {
    check(value.parse::<IpAddr>().is_ok(), "must be an IP address")
}
