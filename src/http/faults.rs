//! What is wrong with a field, in our own words (CWE-209): a developer corrects the request after reading the answer alone.
//!
//! serde's and garde's texts name Rust types and list all our fields, so they never reach a client: serde's are read for their
//! kind, garde's are replaced. A message names what the client sent or what the contract requires.

use std::borrow::Cow;

use super::error::FieldFault;
use crate::base::money::MOST_MINOR_UNITS;
use crate::base::page::Limit;

/// Our own sentence for what serde found at this place.
pub(super) fn data_fault(pointer: &str, said: &str) -> FieldFault {
    let quoted = said.split('`').nth(1).unwrap_or_default();
    if said.starts_with("missing field") {
        FieldFault::new(format!("{pointer}/{quoted}"), "is required")
    } else if said.starts_with("unknown field") {
        FieldFault::new(pointer, "is not a known field")
    } else if said.starts_with("duplicate field") {
        FieldFault::new(format!("{pointer}/{quoted}"), "is given twice")
    } else {
        FieldFault::new(pointer, expectation(said))
    }
}

/// What serde expected instead of what came.
fn expectation(said: &str) -> Cow<'static, str> {
    if said.starts_with("number out of range") {
        return not_an_integer();
    }
    // The last one: what the client sent stands before it, and may hold the same words.
    let expected = said.rsplit_once(", expected ").map_or(said, |(_, expected)| expected);
    if said.starts_with("unknown variant") {
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
        _ => "does not have the documented form".into(),
    }
}

fn not_an_integer() -> Cow<'static, str> {
    format!("must be an integer of at most {MOST_MINOR_UNITS}").into()
}

/// garde's rules that compare with a bound, in our words; our own rules speak for themselves.
pub(super) fn rule_fault(pointer: String, said: &str) -> FieldFault {
    let ours = [
        ("length is lower than ", "must have a length of at least "),
        ("length is greater than ", "must have a length of at most "),
        ("lower than ", "must be at least "),
        ("greater than ", "must be at most "),
    ];
    let translated = ours.iter().find_map(|(theirs, ours)| Some(format!("{ours}{}", said.strip_prefix(theirs)?)));
    FieldFault::new(pointer, translated.unwrap_or_else(|| said.to_owned()))
}
