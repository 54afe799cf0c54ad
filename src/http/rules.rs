//! What garde's own rules do not know: each is a rule for `#[garde(custom(..))]`, with a message that says what is expected and
//! repeats nothing that was typed in.

use std::net::IpAddr;

use garde::{Error, Result};

use crate::base::day;
use crate::base::email::EmailAddress;
use crate::base::moment as moments;
use crate::base::money::Currency;
use crate::base::text;

fn hold(holds: bool, expected: &'static str) -> Result {
    if holds { Ok(()) } else { Err(Error::new(expected)) }
}

/// One line of visible text.
///
/// # Errors
/// It is blank, or holds control or invisible characters.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
pub fn line(value: &str, _: &()) -> Result {
    hold(text::is_line(value), "must be one line of text, without control or invisible characters")
}

/// Text of several lines.
///
/// # Errors
/// It holds control characters other than line feeds and tabs, or invisible characters.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
pub fn paragraph(value: &str, _: &()) -> Result {
    hold(text::is_paragraph(value), "must be text without control or invisible characters")
}

/// An e-mail address.
///
/// # Errors
/// It is none.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
pub fn email(value: &str, _: &()) -> Result {
    value.parse::<EmailAddress>().map(drop).map_err(Error::new)
}

/// A currency's code.
///
/// # Errors
/// It is none of ISO 4217 with minor units that one can invoice in.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
pub fn currency(value: &str, _: &()) -> Result {
    hold(value.parse::<Currency>().is_ok(), "must be an ISO 4217 currency code in upper case")
}

/// A country.
///
/// # Errors
/// It is not two capital letters, as ISO 3166-1 has it.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
pub fn country(value: &str, _: &()) -> Result {
    let letters = value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_uppercase());
    hold(letters, "must be a country code of two capital letters, as NL")
}

/// A day.
///
/// # Errors
/// It is not written as 2026-01-31, or lies outside [`day::FIRST_YEAR`] to 9999.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
pub fn day(value: &str, _: &()) -> Result {
    hold(day::parse(value).is_some(), "must be a day from 2000 to 9999, as 2026-01-31")
}

/// A moment.
///
/// # Errors
/// It is not RFC 3339 with a zone, or of no year from 2000 to 9999.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
pub fn moment(value: &str, _: &()) -> Result {
    hold(moments::parse(value).is_some(), "must be a moment as 2026-12-01T09:30:00Z")
}

/// An IP address.
///
/// # Errors
/// It is none.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
pub fn address(value: &str, _: &()) -> Result {
    hold(value.parse::<IpAddr>().is_ok(), "must be an IP address")
}
