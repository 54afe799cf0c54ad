//! Messages for invalid fields (CWE-209). They say what the API requires.
//!
//! They replace the messages of serde and garde, which contain names of Rust types and of all fields.

use std::borrow::Cow;

use super::error::FieldFault;
use crate::base::money::MAX_MINOR_UNITS;
use crate::base::page::Limit;

/// Maps a message of serde to a fault.
pub(super) fn data_fault(pointer: &str, message: &str) -> FieldFault {
    let quoted = message.split('`').nth(1).unwrap_or_default();
    if message.starts_with("missing field") {
        FieldFault::new(format!("{pointer}/{quoted}"), "is required")
    } else if message.starts_with("unknown field") {
        FieldFault::new(pointer, "is not a known field")
    } else if message.starts_with("duplicate field") {
        FieldFault::new(format!("{pointer}/{quoted}"), "is given twice")
    } else {
        FieldFault::new(pointer, expectation(message))
    }
}

/// Returns what the client should send, derived from serde's message.
fn expectation(message: &str) -> Cow<'static, str> {
    if message.starts_with("number out of range") {
        return not_an_integer();
    }
    // serde's message quotes the client's text before the expectation. This text may contain the same words, so search
    // from the end.
    let expected = message.rsplit_once(", expected ").map_or(message, |(_, expected)| expected);
    if message.starts_with("unknown variant") {
        let names: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        return format!("must be one of: {}", names.join(", ")).into();
    }
    let expected = expected.rsplit_once(" at line ").map_or(expected, |(expected, _)| expected);
    match expected {
        "a string" => "must be a string".into(),
        "a boolean" | "provided string was not `true` or `false`" => "must be true or false".into(),
        "a sequence" => "must be a list".into(),
        "an object" => "must be an object".into(),
        "an integer" => not_an_integer(),
        "a page size" => format!("must be a number from {} to {}", Limit::SMALLEST, Limit::LARGEST).into(),
        _ => "does not match the documented format".into(),
    }
}

fn not_an_integer() -> Cow<'static, str> {
    format!("must be an integer of at most {MAX_MINOR_UNITS}").into()
}

/// Maps a message of garde to a fault. Messages of this crate's own rules are used unchanged.
pub(super) fn rule_fault(pointer: String, message: &str) -> FieldFault {
    let texts = [
        ("length is lower than ", "must have a length of at least "),
        ("length is greater than ", "must have a length of at most "),
        ("lower than ", "must be at least "),
        ("greater than ", "must be at most "),
    ];
    let translated = texts.iter().find_map(|(theirs, ours)| Some(format!("{ours}{}", message.strip_prefix(theirs)?)));
    FieldFault::new(pointer, translated.unwrap_or_else(|| message.to_owned()))
}
