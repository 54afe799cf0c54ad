//! Renders the schemas of an OpenAPI document. The page calls a schema a model.

use std::fmt::{self, Write};

use serde_json::Value;

use super::html::{Prose, Text, items, members, plain, text};

/// Returns the name of the model to which a schema or its items refer.
pub(super) fn model(schema: &Value) -> Option<&str> {
    let path = schema.get("$ref").or_else(|| schema.get("items")?.get("$ref"))?;
    path.as_str()?.rsplit('/').next()
}

pub(super) struct ModelLink<'a>(pub(super) &'a str);

impl fmt::Display for ModelLink<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Text(self.0);
        write!(f, r##"<a href="#model-{name}"><code>{name}</code></a>"##)
    }
}

/// Writes the fields of a model. A field that contains an object becomes a link to the model of this object.
pub(super) fn write_model(out: &mut String, name: &str, schema: &Value) -> fmt::Result {
    let (name, about) = (Text(name), Prose(text(schema, "description")));
    write!(out, r#"<details id="model-{name}"><summary><code>{name}</code> <span>{about}</span></summary><dl>"#)?;
    for (field, property) in members(schema, "/properties") {
        let optional = if items(schema, "required").any(|one| one == field.as_str()) { "" } else { ", optional" };
        let (kind, about) = (kind(property), Prose(text(property, "description")));
        write!(out, "<dt>{} <small>{}{optional}</small></dt><dd>{about}", Text(field), Text(&kind))?;
        if let Some(name) = model(property) {
            write!(out, " {}", ModelLink(name))?;
        }
        if let Some(example) = property.get("example") {
            write!(out, " <small>Example: <code>{}</code></small>", Text(&plain(Some(example))))?;
        }
        out.push_str("</dd>");
    }
    out.push_str("</dl></details>");
    Ok(())
}

/// Describes the type of a property, for example `string, at most 200 characters` or `integer, from 0, to 10000`.
fn kind(property: &Value) -> String {
    let words = |value: &Value| match value {
        Value::Array(parts) => parts.iter().map(|part| plain(Some(part))).collect::<Vec<_>>().join(" or "),
        other => plain(Some(other)),
    };
    let mut description = property.get("type").map(words).unwrap_or_else(|| "object".to_owned());
    for (word, before, after) in [
        ("format", "", ""),
        ("enum", "one of ", ""),
        ("minimum", "from ", ""),
        ("maximum", "to ", ""),
        ("maxLength", "at most ", " characters"),
        ("maxItems", "at most ", ""),
    ] {
        if let Some(value) = property.get(word) {
            description.push_str(&format!(", {before}{}{after}", words(value)));
        }
    }
    description
}
