//! Renders an OpenAPI document as HTML. [`Text`] and [`Prose`] escape every text of the document.

use std::fmt::{self, Write};

use serde_json::Value;

use super::html::{Prose, Text, items, members, plain, pretty, text};
use super::models::{ModelLink, model, write_model};
use crate::config::Profile;

/// An operation: its path, its method and its object in the document.
type Operation<'a> = (&'a str, &'a str, &'a Value);

/// `order` contains the method and the path of each operation.
pub(super) fn page(document: &Value, order: &[(String, &str)], profile: Profile) -> String {
    let find = |path: &str, method: &str| document.get("paths")?.get(path)?.get(method);
    let found = order.iter().filter_map(|(method, path)| Some((*path, method.as_str(), find(path, method)?)));
    let operations: Vec<Operation> = found.collect();
    let mut out = String::new();
    // Writing into a String cannot fail.
    let _ = write_page(&mut out, document, &operations, profile);
    out
}

fn write_page(out: &mut String, document: &Value, operations: &[Operation], profile: Profile) -> fmt::Result {
    let info = document.get("info").unwrap_or(&Value::Null);
    let (title, about) = (Text(text(info, "title")), Prose(text(info, "description")));
    let has_console = operations.iter().any(|(path, ..)| *path == "/");
    let console = if has_console { r#"<a href="/">Console</a>"# } else { "" };
    // In development, `page.js` adds a button for each demo user.
    let demo_users = if profile == Profile::Development { r#"<p id="demo-users"></p>"# } else { "" };
    write!(
        out,
        r##"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>API reference · {title}</title><link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/docs/page.css">
<script src="/docs/page.js" defer></script></head><body><a class="skip" href="#main">Skip to content</a>
<header><button class="quiet menu" popovertarget="menu">Menu</button><strong>{title}</strong>
<nav aria-label="Pages">{console}<a href="/docs" aria-current="page">API reference</a><a href="/problems">Problems</a><a href="/api/v1/openapi.json">OpenAPI</a></nav>
<output id="session">Not signed in</output><button class="quiet" popovertarget="sign-in">Sign in</button><button class="quiet" id="sign-out" hidden>Sign out</button></header>
{SIGN_IN}{demo_users}</form><div id="frame">"##
    )?;
    write_menu(out, document, operations)?;
    write!(out, r#"<main id="main" tabindex="-1"><h1>API reference</h1><p>{about}</p>"#)?;
    for tag in items(document, "tags") {
        let (name, about) = (Text(text(tag, "name")), Prose(text(tag, "description")));
        write!(out, "<section><h2>{name}</h2><p>{about}</p>")?;
        for operation in of_tag(operations, tag) {
            write_operation(out, document, operation)?;
        }
        out.push_str("</section>");
    }
    out.push_str("<section><h2>Models</h2><p>The objects in the bodies of requests and replies.</p>");
    for (name, schema) in members(document, "/components/schemas") {
        write_model(out, name, schema)?;
    }
    out.push_str("</section>");
    for (name, response) in members(document, "/components/responses") {
        write_error_examples(out, name, response)?;
    }
    out.push_str("</main></div></body></html>\n");
    Ok(())
}

const SIGN_IN: &str = r#"<form id="sign-in" popover aria-label="Sign in">
<label>Email address <input name="email" placeholder="anna@demo.example" autocomplete="username" autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button>Sign in</button><output></output>
<label>or an access token <input name="token" type="password" autocomplete="off"></label>
<p>This page has its own session, without a cookie. When the token expires, sign in again.</p>"#;

fn of_tag<'a>(operations: &'a [Operation<'a>], tag: &Value) -> impl Iterator<Item = &'a Operation<'a>> {
    let name = text(tag, "name").to_owned();
    operations.iter().filter(move |(.., operation)| items(operation, "tags").any(|one| one == name.as_str()))
}

/// Writes the menu. On a phone, the menu is a popover.
fn write_menu(out: &mut String, document: &Value, operations: &[Operation]) -> fmt::Result {
    out.push_str(r#"<nav id="menu" popover aria-label="Operations and models"><form role="search"><label>Search <input type="search" placeholder="post invoice" autocomplete="off"></label><output></output></form>"#);
    for tag in items(document, "tags") {
        write!(out, "<section><h2>{}</h2><ul>", Text(text(tag, "name")))?;
        for (_, method, operation) in of_tag(operations, tag) {
            let (id, summary) = (Text(text(operation, "operationId")), Text(text(operation, "summary")));
            let method = Text(method);
            write!(out, r##"<li><a href="#{id}"><span class="verb {method}">{method}</span> {summary}</a></li>"##)?;
        }
        out.push_str("</ul></section>");
    }
    out.push_str("<section><h2>Models</h2><ul>");
    for (name, _) in members(document, "/components/schemas") {
        write!(out, "<li>{}</li>", ModelLink(name))?;
    }
    out.push_str("</ul></section></nav>");
    Ok(())
}

fn write_operation(out: &mut String, document: &Value, (path, method, operation): &Operation) -> fmt::Result {
    let (id, path, method) = (Text(text(operation, "operationId")), Text(path), Text(method));
    let (summary, about) = (Text(text(operation, "summary")), Prose(text(operation, "description")));
    let needs_sign_in =
        items(operation, "security").any(|one| one.get("bearer").or(one.get("administrators_bearer")).is_some());
    let lock = if needs_sign_in { r#"<span class="lock">sign-in required</span>"# } else { "" };
    write!(
        out,
        r#"<details id="{id}"><summary><span class="verb {method}">{method}</span> <code>{path}</code> <span>{summary}</span>{lock}</summary>
<p>{about}</p><h3>Request</h3><form class="try" data-method="{method}" data-path="{path}">"#
    )?;
    for parameter in items(operation, "parameters") {
        let required = parameter.get("required").is_some_and(|required| required == true);
        let input = Input { place: text(parameter, "in"), required, example: plain(parameter.get("example")) };
        let schema = parameter.get("schema").unwrap_or(&Value::Null);
        input.write(out, text(parameter, "name"), schema, text(parameter, "description"))?;
    }
    for (media, content) in members(operation, "/requestBody/content") {
        write_body(out, document, media, content)?;
    }
    out.push_str(r#"<button>Send</button> <button type="button" class="quiet" name="curl">Copy as curl</button></form><output></output>"#);
    write_replies(out, document, operation)?;
    out.push_str("</details>");
    Ok(())
}

struct Input<'a> {
    place: &'a str,
    required: bool,
    example: String,
}

impl Input<'_> {
    /// The example of a required field is its value. The example of an optional field is only a placeholder.
    fn write(&self, out: &mut String, name: &str, schema: &Value, about: &str) -> fmt::Result {
        let (name, place, about, example) = (Text(name), Text(self.place), Prose(about), Text(&self.example));
        let (necessity, attribute) = if self.required { ("required", "value") } else { ("optional", "placeholder") };
        write!(out, "<label><span>{name} <small>{place}, {necessity}</small></span>")?;
        let values: Vec<String> = match text(schema, "type") {
            "boolean" => vec!["true".to_owned(), "false".to_owned()],
            _ => items(schema, "enum").map(|value| plain(Some(value))).collect(),
        };
        let is_file = text(schema, "format") == "binary" || schema.get("contentMediaType").is_some();
        if values.is_empty() {
            let kind = if is_file { "file" } else { "text" };
            write!(out, r#"<input name="{name}" type="{kind}" data-in="{place}" {attribute}="{example}">"#)?;
        } else {
            write!(out, r#"<select name="{name}" data-in="{place}">"#)?;
            if !self.required {
                out.push_str(r#"<option value="">not sent</option>"#);
            }
            for value in &values {
                write!(out, "<option>{}</option>", Text(value))?;
            }
            out.push_str("</select>");
        }
        write!(out, "</label><p>{about}</p>")
    }
}

/// Writes a text area for JSON, or one input for each field of a form.
fn write_body(out: &mut String, document: &Value, media: &str, content: &Value) -> fmt::Result {
    let (schema, example) = (content.get("schema").unwrap_or(&Value::Null), content.get("example"));
    if media == "multipart/form-data" {
        let schema = resolved(document, schema);
        for (name, property) in members(schema, "/properties") {
            let required = items(schema, "required").any(|one| one == name.as_str());
            let example = plain(example.and_then(|example| example.get(name)).filter(|example| !example.is_null()));
            Input { place: "form", required, example }.write(out, name, property, text(property, "description"))?;
        }
    } else {
        let example = pretty(example);
        let (media, rows, example) = (Text(media), example.lines().count().max(1), Text(&example));
        write!(
            out,
            r#"<label><span>Body <small>{media}</small></span><textarea data-in="body" rows="{rows}" spellcheck="false">{example}</textarea></label>"#
        )?;
    }
    match model(schema) {
        Some(name) => write!(out, "<p>Model: {}</p>", ModelLink(name)),
        None => Ok(()),
    }
}

/// The examples of errors are popovers, because many operations share them.
fn write_replies(out: &mut String, document: &Value, operation: &Value) -> fmt::Result {
    let is_error = |reply: &Value| reply.get("$ref").is_some();
    out.push_str("<h3>Reply</h3>");
    for (status, reply) in members(operation, "/responses").filter(|(_, reply)| !is_error(reply)) {
        write!(out, "<p><strong>{}</strong> {}", Text(status), Prose(text(reply, "description")))?;
        for (media, content) in members(reply, "/content") {
            write!(out, " <small>{}</small>", Text(media))?;
            if let Some(name) = content.get("schema").and_then(model) {
                write!(out, " {}", ModelLink(name))?;
            }
        }
        out.push_str("</p>");
        for example in members(reply, "/content").filter_map(|(_, content)| content.get("example")) {
            write!(out, r#"<pre class="example">{}</pre>"#, Text(&pretty(Some(example))))?;
        }
    }
    out.push_str(r#"<h3>Errors</h3><ul class="errors">"#);
    for (status, reply) in members(operation, "/responses").filter(|(_, reply)| is_error(reply)) {
        let name = text(reply, "$ref").rsplit('/').next().unwrap_or_default();
        for (code, example) in error_examples(resolved(document, reply)) {
            let (status, code, title) = (Text(status), Text(code), Text(text(example, "summary")));
            let name = Text(name);
            write!(
                out,
                r#"<li><strong>{status}</strong> <button class="link" popovertarget="error-{name}-{code}"><code>{code}</code></button> {title}</li>"#
            )?;
        }
    }
    out.push_str("</ul>");
    Ok(())
}

fn error_examples(response: &Value) -> impl Iterator<Item = (&String, &Value)> {
    members(response, "/content/application~1problem+json/examples")
}

fn write_error_examples(out: &mut String, name: &str, response: &Value) -> fmt::Result {
    for (code, example) in error_examples(response) {
        let (name, code, title) = (Text(name), Text(code), Text(text(example, "summary")));
        let json = pretty(example.get("value"));
        write!(
            out,
            r#"<div popover id="error-{name}-{code}"><h2><code>{code}</code></h2><p>{title}. <a href="/problems#{code}">What to do</a></p><pre>{}</pre><button class="quiet" popovertarget="error-{name}-{code}" autofocus>Close</button></div>"#,
            Text(&json)
        )?;
    }
    Ok(())
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value.get("$ref").and_then(Value::as_str).and_then(|path| document.pointer(path.get(1..)?));
    target.unwrap_or(value)
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
            "components": {
                "schemas": {evil: {"description": evil, "properties": {evil: {
                    "type": evil, "enum": [evil], "description": evil, "example": evil, "$ref": evil
                }}}},
                "responses": {"E": {"content": {"application/problem+json": {"examples": {evil: {"summary": evil, "value": evil}}}}}}
            },
            "paths": {evil: {evil: {
                "operationId": evil, "summary": evil, "description": evil, "tags": [evil],
                "parameters": [
                    {"name": evil, "in": evil, "required": true, "description": evil, "example": evil},
                    {"name": evil, "in": evil, "schema": {"enum": [evil]}}
                ],
                "requestBody": {"content": {evil: {"example": {evil: evil}, "schema": {"$ref": evil}}}},
                "responses": {
                    "200": {"description": evil, "content": {evil: {"example": {evil: evil}, "schema": {"$ref": evil}}}},
                    evil: {"$ref": "#/components/responses/E"}
                }
            }}}
        });
        let page = page(&hostile, &[(evil.to_owned(), evil)], Profile::Production);
        assert!(page.matches("alert(1)").count() > 40, "{page}");
        for markup in ["<script>", "<b>", "=\"<", "\"'"] {
            assert!(!page.contains(markup), "{markup}: {page}");
        }
    }
}
