//! Bounds that follow from a format or from what numbers mean here, so that a client knows the largest of everything. What a
//! type says itself stands.

use serde_json::{Map, Value, json};

use crate::base::money::MOST_MINOR_UNITS;

/// Adds what is missing, everywhere in the document.
pub(super) fn add(document: &mut Value) {
    match document {
        Value::Object(members) => {
            bound(members);
            // An example is no schema.
            members.iter_mut().filter(|(name, _)| *name != "example").for_each(|(_, member)| add(member));
        }
        Value::Array(items) => items.iter_mut().for_each(add),
        _ => {}
    }
}

fn bound(schema: &mut Map<String, Value>) {
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
        // Whatever says nothing else is an amount.
        schema.insert("minimum".to_owned(), json!(0));
        schema.insert("maximum".to_owned(), json!(MOST_MINOR_UNITS));
    }
}
