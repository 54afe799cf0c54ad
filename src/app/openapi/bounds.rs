//! Adds limits to all schemas, so that clients know the maximum of every value.
//! A limit that the Rust type declares has priority. All other limits follow from the format of the value.

use serde_json::{Map, Value, json};

use crate::base::money::MAX_MINOR_UNITS;

pub(super) fn add(document: &mut Value) {
    match document {
        Value::Object(members) => {
            bound(members);
            // Skip examples, because they contain data and no schemas.
            members.iter_mut().filter(|(name, _)| *name != "example").for_each(|(_, member)| add(member));
        }
        Value::Array(items) => items.iter_mut().for_each(add),
        _ => {}
    }
}

/// Characters that the service refuses in all texts (`base/text.rs`), as an ECMA-262 character class.
/// The list is incomplete, because the full list needs Unicode tables.
const REFUSED: &str =
    r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff";
/// Directional marks, which the service removes from input.
const MARKS: &str = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069";

/// Returns the pattern for the format of a text: `line` (one visible line), `paragraph`, or a date from the year 2000.
fn pattern(format: &str) -> Option<String> {
    match format {
        "line" => Some(format!(r"^[^{REFUSED}\t\n\r]*[^{REFUSED}{MARKS}\s][^{REFUSED}\t\n\r]*$")),
        "paragraph" => Some(format!("^[^{REFUSED}]*$")),
        "date" => Some("^[2-9][0-9]{3}-[0-9]{2}-[0-9]{2}$".to_owned()),
        _ => None,
    }
}

fn bound(schema: &mut Map<String, Value>) {
    if let Some(pattern) = schema.get("format").and_then(Value::as_str).and_then(pattern) {
        schema.insert("pattern".to_owned(), json!(pattern));
        // Remove `line` and `paragraph`, because the JSON Schema standard does not define these formats.
        if schema.get("format").is_some_and(|format| format != "date") {
            schema.remove("format");
        }
    }
    let is = |kind: &str| match schema.get("type") {
        Some(Value::String(text)) => text == kind,
        Some(Value::Array(kinds)) => kinds.iter().any(|one| one == kind),
        _ => false,
    };
    if is("string") && !["maxLength", "enum", "const"].iter().any(|word| schema.contains_key(*word)) {
        let most = match schema.get("format").and_then(Value::as_str) {
            Some("uuid") => 36,
            Some("date") => 10,
            Some("date-time") => 35,
            Some("password") => 64,
            Some("email") => 100,
            _ => return,
        };
        schema.insert("maxLength".to_owned(), json!(most));
    } else if is("integer") && !schema.contains_key("maximum") {
        // An integer without its own limit is an amount of money.
        schema.insert("minimum".to_owned(), json!(0));
        schema.insert("maximum".to_owned(), json!(MAX_MINOR_UNITS));
    }
}
