//! Adds examples, so that each body of a request or a reply has a complete example.
//! A test sends the example requests to a service with the demo data.
//! The replies must have the fields of the example replies.
//!
//! The parts of an object's example also become the examples of its fields and nested objects.
//! If the Rust type of a field declares its own example, the field keeps this example.

use serde_json::{Map, Value, json};

pub(super) fn add(document: &mut Value) {
    let Some(schemas) = document.pointer("/components/schemas").and_then(Value::as_object).cloned() else { return };
    let mut schemas = schemas;
    let names: Vec<String> = schemas.keys().cloned().collect();
    for name in &names {
        if let Some(example) = schemas.get(name).and_then(|schema| schema.get("example")).cloned() {
            propagate(&mut schemas, name, &example);
        }
    }
    for schema in schemas.values_mut() {
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        properties.into_iter().flatten().for_each(|(name, property)| add_common_texts(name, property));
    }
    for operation in operations(document) {
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten();
        for parameter in parameters.filter_map(Value::as_object_mut).filter(|one| !one.contains_key("example")) {
            let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
            let schema = parameter.get("schema").and_then(Value::as_object);
            if let Some(example) = schema.and_then(|schema| common_example(name, schema)) {
                parameter.insert("example".to_owned(), example);
            }
        }
        for media in bodies(operation).filter_map(Value::as_object_mut).filter(|one| !one.contains_key("example")) {
            if let Some(example) = media.get("schema").and_then(|schema| whole(&schemas, schema)) {
                media.insert("example".to_owned(), example);
            }
        }
    }
    // Remove the examples of whole schemas, because the fields and the bodies now contain them.
    for schema in schemas.values_mut().filter_map(Value::as_object_mut) {
        schema.remove("example");
    }
    if let Some(place) = document.pointer_mut("/components/schemas") {
        *place = Value::Object(schemas);
    }
}

fn bodies(operation: &mut Value) -> impl Iterator<Item = &mut Value> {
    let mut parts: Vec<&mut Value> = Vec::new();
    for (name, part) in operation.as_object_mut().into_iter().flatten() {
        match name.as_str() {
            "requestBody" => parts.push(part),
            "responses" => parts.extend(part.as_object_mut().into_iter().flat_map(Map::values_mut)),
            _ => {}
        }
    }
    let contents = parts.into_iter().filter_map(|part| part.get_mut("content")?.as_object_mut());
    contents.flat_map(Map::values_mut)
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    let items = paths.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut);
    items.flat_map(Map::values_mut)
}

/// Copies the members of an example to the fields of the schema, also in nested objects and lists.
fn propagate(schemas: &mut Map<String, Value>, name: &str, example: &Value) {
    for (field, value) in example.as_object().into_iter().flatten() {
        let property = schemas.get_mut(name).and_then(|schema| schema.pointer_mut(&format!("/properties/{field}")));
        let Some(property) = property.and_then(Value::as_object_mut) else { continue };
        let inner = property.get("$ref").or_else(|| property.get("items")?.get("$ref")).and_then(Value::as_str);
        if let Some(inner) = inner.and_then(|path| path.rsplit('/').next()).map(str::to_owned) {
            let one = value.as_array().and_then(|items| items.first()).unwrap_or(value);
            propagate(schemas, &inner, one);
        } else if !value.is_null() {
            property.entry("example").or_insert_with(|| value.clone());
        }
    }
}

/// Adds descriptions and examples to common fields such as `id` and `created_at`.
fn add_common_texts(name: &str, property: &mut Value) {
    let Some(property) = property.as_object_mut() else { return };
    let description = match name {
        "id" => "The id of the resource in paths. It is not a secret.",
        "items" => "The items of this page.",
        "created_at" => "The time of creation (UTC).",
        "updated_at" => "The time of the last change (UTC).",
        _ => "",
    };
    if !description.is_empty() {
        property.entry("description").or_insert(json!(description));
    }
    if let Some(example) = common_example(name, property) {
        property.entry("example").or_insert(example);
    }
}

fn common_example(name: &str, schema: &Map<String, Value>) -> Option<Value> {
    Some(match (name, schema.get("format").and_then(Value::as_str)) {
        ("limit", _) => json!(20),
        ("cursor" | "next_cursor", _) => json!("Y3Vyc29yLTEuYW4gb3BhcXVlIHRleHQ"),
        (_, Some("uuid")) => json!("10000000-0000-4000-8000-000000000006"),
        (_, Some("date")) => json!("2026-12-31"),
        (_, Some("date-time")) => json!("2026-12-01T09:30:00.000001Z"),
        _ => return None,
    })
}

/// Builds the example of a schema. A field that the example of an object omits gets the field's own example.
fn whole(schemas: &Map<String, Value>, schema: &Value) -> Option<Value> {
    if let Some(path) = schema.get("$ref").and_then(Value::as_str) {
        return whole(schemas, schemas.get(path.rsplit('/').next()?)?);
    }
    let own = schema.get("example");
    if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
        let value = |name: &str, field| own.and_then(|own| own.get(name)).cloned().or_else(|| whole(schemas, field));
        let fields = fields.iter().filter_map(|(name, field)| Some((name.clone(), value(name, field)?)));
        return Some(Value::Object(fields.collect()));
    }
    let items = || schema.get("items").map(|items| Value::Array(whole(schemas, items).into_iter().collect()));
    own.cloned().or_else(items)
}
