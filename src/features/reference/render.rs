//! Renders an OpenAPI document as HTML. All text of the document is escaped by [`Text`] or [`Prose`].

use std::fmt::{self, Write};

use serde_json::{Map, Value};

/// Escapes text for elements and attributes.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}

/// Escapes like [`Text`]. Text between backticks becomes a `code` element.
struct Prose<'a>(&'a str);

impl fmt::Display for Prose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split('`').enumerate().try_for_each(|(place, part)| match place % 2 {
            0 => write!(f, "{}", Text(part)),
            _ => write!(f, "<code>{}</code>", Text(part)),
        })
    }
}

/// Returns a string member, or an empty string.
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn members<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.pointer(pointer).and_then(Value::as_object).into_iter().flatten()
}

fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// Formats a value for an input field. A string gets no quotes.
fn plain(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// Renders the page. `order`: the operations as (method, path).
pub(super) fn page(document: &Value, order: &[(String, &str)]) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail.
    let _ = write_page(&mut out, document, order);
    out
}

fn write_page<'a>(out: &mut String, document: &'a Value, order: &'a [(String, &'a str)]) -> fmt::Result {
    let info = document.get("info").unwrap_or(&Value::Null);
    let (title, about) = (Text(text(info, "title")), Prose(text(info, "description")));
    write!(
        out,
        r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} API</title><link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/docs/page.css">
<script src="/docs/page.js" defer></script></head><body>
<header><div><h1>{title}</h1><p>{about} <a href="/api/v1/openapi.json">OpenAPI document</a> · <a href="/problems">Problems</a></p></div>
<form id="sign-in" aria-label="Sign in"><label>E-mail <input name="email" placeholder="anna@demo.example" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label><button>Sign in</button>
<label>or an access token <input name="token" type="password" autocomplete="off"></label><output></output></form></header>
<div id="frame"><nav aria-label="Operations">"#
    )?;
    let find = |(method, path): &'a (String, &'a str)| {
        Some((*path, method.as_str(), document.get("paths")?.get(path)?.get(method)?))
    };
    let operations: Vec<(&str, &str, &Value)> = order.iter().filter_map(find).collect();
    let of_tag = |tag: &Value| {
        let name = text(tag, "name").to_owned();
        operations.iter().filter(move |(_, _, operation)| items(operation, "tags").any(|one| one == name.as_str()))
    };
    for tag in items(document, "tags") {
        write!(out, "<h2>{}</h2><ul>", Text(text(tag, "name")))?;
        for (_, _, operation) in of_tag(tag) {
            let (id, summary) = (Text(text(operation, "operationId")), Text(text(operation, "summary")));
            write!(out, r##"<li><a href="#{id}">{summary}</a></li>"##)?;
        }
        out.push_str("</ul>");
    }
    out.push_str("</nav><main>");
    for tag in items(document, "tags") {
        let (name, about) = (Text(text(tag, "name")), Prose(text(tag, "description")));
        write!(out, "<section><h2>{name}</h2><p>{about}</p>")?;
        for (path, method, operation) in of_tag(tag) {
            write_operation(out, document, path, method, operation)?;
        }
        out.push_str("</section>");
    }
    out.push_str("</main></div></body></html>\n");
    Ok(())
}

fn write_operation(out: &mut String, document: &Value, path: &str, method: &str, operation: &Value) -> fmt::Result {
    let (id, path, method) = (Text(text(operation, "operationId")), Text(path), Text(method));
    let (summary, about) = (Text(text(operation, "summary")), Prose(text(operation, "description")));
    let signed_in =
        items(operation, "security").any(|one| one.get("bearer").or(one.get("administrators_bearer")).is_some());
    let lock = if signed_in { r#"<span class="lock">signed in</span>"# } else { "" };
    write!(
        out,
        r#"<details id="{id}"><summary><span class="verb {method}">{method}</span> <code>{path}</code> <span>{summary}</span>{lock}</summary>
<p>{about}</p><form class="try" data-method="{method}" data-path="{path}">"#
    )?;
    for parameter in items(operation, "parameters") {
        let (name, place, about) =
            (text(parameter, "name"), text(parameter, "in"), Prose(text(parameter, "description")));
        let required = parameter.get("required").is_some_and(|required| required == true);
        let example = plain(parameter.get("example"));
        // The example of an optional parameter is only a placeholder.
        let (attribute, necessity) = if required { ("value", "required") } else { ("placeholder", "optional") };
        let (name, place, example) = (Text(name), Text(place), Text(&example));
        write!(
            out,
            r#"<label><span>{name} <small>{place}, {necessity}</small></span><input name="{name}" data-in="{place}" {attribute}="{example}"></label><p>{about}</p>"#
        )?;
    }
    for (media, content) in members(operation, "/requestBody/content") {
        write_body(out, document, media, content)?;
    }
    out.push_str(r#"<button>Send</button></form><output></output><dl class="replies">"#);
    for (status, reply) in members(operation, "/responses") {
        let reply = resolved(document, reply);
        write!(out, "<dt>{}</dt><dd>{}", Text(status), Prose(text(reply, "description")))?;
        for (media, content) in members(reply, "/content").filter(|_| status.starts_with('2')) {
            write!(out, " <small>{}</small>", Text(media))?;
            write_fields(out, document, content.get("schema"))?;
        }
        out.push_str("</dd>");
    }
    out.push_str("</dl></details>");
    Ok(())
}

/// Writes the inputs for the request body: a text area for JSON, or one input for each field of a form.
fn write_body(out: &mut String, document: &Value, media: &str, content: &Value) -> fmt::Result {
    let example = content.get("example");
    if media == "multipart/form-data" {
        let schema = resolved(document, content.get("schema").unwrap_or(&Value::Null));
        for (name, property) in members(schema, "/properties") {
            let is_file = text(property, "format") == "binary" || property.get("contentMediaType").is_some();
            let kind = if is_file { "file" } else { "text" };
            let shown = plain(example.and_then(|example| example.get(name))).replace("null", "");
            let (name, about, shown) = (Text(name), Prose(text(property, "description")), Text(&shown));
            write!(
                out,
                r#"<label><span>{name} <small>form</small></span><input name="{name}" type="{kind}" data-in="form" placeholder="{shown}"></label><p>{about}</p>"#
            )?;
        }
    } else {
        let example = example.and_then(|example| serde_json::to_string_pretty(example).ok()).unwrap_or_default();
        let (media, rows, example) = (Text(media), example.lines().count().max(1), Text(&example));
        write!(
            out,
            r#"<label><span>Body <small>{media}</small></span><textarea data-in="body" rows="{rows}" spellcheck="false">{example}</textarea></label>"#
        )?;
    }
    write_fields(out, document, content.get("schema"))
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value.get("$ref").and_then(Value::as_str).and_then(|path| document.pointer(path.get(1..)?));
    target.unwrap_or(value)
}

/// Writes a table of an object's fields, including those of nested objects.
fn write_fields(out: &mut String, document: &Value, schema: Option<&Value>) -> fmt::Result {
    let Some(name) = schema.and_then(|schema| text(schema, "$ref").rsplit('/').next()).filter(|name| !name.is_empty())
    else {
        return Ok(());
    };
    let schema = resolved(document, schema.unwrap_or(&Value::Null));
    write!(out, "<details><summary>Fields of {}</summary><dl>", Text(name))?;
    for (field, property) in members(schema, "/properties") {
        let optional = if items(schema, "required").any(|one| one == field.as_str()) { "" } else { ", optional" };
        let (kind, about) = (kind(property), Prose(text(property, "description")));
        write!(out, "<dt>{} <small>{}{optional}</small></dt><dd>{about}", Text(field), Text(&kind))?;
        write_fields(out, document, Some(property.get("items").unwrap_or(property)))?;
        out.push_str("</dd>");
    }
    out.push_str("</dl></details>");
    Ok(())
}

/// Describes the type of a property: `string, at most 200 characters`, `integer, from 0, to 10000`.
fn kind(property: &Value) -> String {
    let words = |value: &Value| match value {
        Value::Array(parts) => parts.iter().map(|part| plain(Some(part))).collect::<Vec<_>>().join(" or "),
        other => plain(Some(other)),
    };
    let mut description = property.get("type").map(words).unwrap_or_else(|| "object".to_owned());
    let empty = Map::new();
    for (word, value) in property.as_object().unwrap_or(&empty) {
        let more = match word.as_str() {
            "format" => format!(", {}", words(value)),
            "enum" => format!(": {}", words(value)),
            "minimum" => format!(", from {value}"),
            "maximum" => format!(", to {value}"),
            "maxLength" => format!(", at most {value} characters"),
            "maxItems" => format!(", at most {value}"),
            _ => continue,
        };
        description.push_str(&more);
    }
    description
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn document_text_is_escaped_everywhere() {
        let evil = "<script>alert(1)</script>\"'`<b>";
        let hostile = json!({
            "info": {"title": evil, "description": evil}, "tags": [{"name": evil, "description": evil}],
            "components": {"schemas": {"E": {"required": [evil], "properties": {evil: {"type": evil, "enum": [evil], "description": evil}}}}},
            "paths": {evil: {evil: {
                "operationId": evil, "summary": evil, "description": evil, "tags": [evil],
                "parameters": [{"name": evil, "in": evil, "required": true, "description": evil, "example": evil}],
                "requestBody": {"content": {evil: {"example": {evil: evil}, "schema": {"$ref": "#/components/schemas/E"}}}},
                "responses": {"200": {"description": evil, "content": {evil: {"schema": {"$ref": "#/components/schemas/E"}}}}}
            }}}
        });
        let page = page(&hostile, &[(evil.to_owned(), evil)]);
        assert!(page.matches("alert(1)").count() > 15, "{page}");
        for markup in ["<script>", "<b>", "=\"<", "\"'"] {
            assert!(!page.contains(markup), "{markup}: {page}");
        }
    }
}
