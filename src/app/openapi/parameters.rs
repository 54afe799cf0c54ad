//! Builds the parameters of an operation. The examples work with the demo data.

use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

use super::{files, texts};
use crate::app::routes::{Access, Endpoint};
use crate::features::{RESOURCES, demo};

/// Returns the id and version of the demo object that the examples of this endpoint use.
fn example(endpoint: &Endpoint) -> (&'static str, i64) {
    match (endpoint.method.as_str(), endpoint.path) {
        ("DELETE", "/api/v1/customers/{id}") => (demo::CUSTOMER_WITHOUT_INVOICES, 1),
        ("PUT" | "DELETE", "/api/v1/invoices/{id}") | (_, "/api/v1/invoices/{id}/issue") => (demo::DRAFT, 1),
        ("PUT", "/api/v1/me/business") => ("", 2),
        (_, path) if path.starts_with("/api/v1/admin/") => (demo::BEN, 1),
        (_, path) => {
            let resource = RESOURCES.iter().find(|resource| resource.kind.plural() == texts::tag(path));
            resource.map_or((demo::ISSUED, 1), |resource| resource.example)
        }
    }
}

/// The path parameters of the web console. Each has a name, a description, a pattern and an example.
const CONSOLE_PATH: [(&str, &str, &str, &str); 3] = [
    ("invoice", "The id of the invoice. Only the script of the page reads it.", "^[0-9a-f-]{36}$", demo::ISSUED),
    ("version", "The version of the files of the console.", "^[0-9a-f]{16}$", "0123456789abcdef"),
    ("file", "The name of a script of the console.", "^[a-z_]+\\.js$", "app.js"),
];

pub(super) fn parameters(endpoint: &Endpoint) -> Vec<Parameter> {
    let mut parameters = endpoint.signature.query.clone();
    let (example_id, example_version) = example(endpoint);
    if endpoint.path.contains("{id}") {
        let id =
            ParameterBuilder::new().name("id").parameter_in(ParameterIn::Path).required(Required::True).description(
                Some("The id of the resource, in lower or upper case. Malformed ids, unknown ids and ids of other users' resources return 404."),
            );
        let format = SchemaFormat::KnownFormat(KnownFormat::Uuid);
        let schema = ObjectBuilder::new().schema_type(Type::String).format(Some(format));
        parameters.push(id.schema(Some(schema)).example(Some(example_id.into())).build());
    }
    for (name, description, pattern, example) in CONSOLE_PATH {
        if endpoint.path.contains(&format!("{{{name}}}")) {
            let part = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
            let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).max_length(Some(36));
            parameters
                .push(part.description(Some(description)).schema(Some(schema)).example(Some(example.into())).build());
        }
    }
    if matches!(endpoint.access, Access::Cookie | Access::TokenOrCookie) {
        let required = if endpoint.access == Access::Cookie { Required::True } else { Required::False };
        let csrf = ParameterBuilder::new()
            .name("X-Strongroom-Csrf")
            .parameter_in(ParameterIn::Header)
            .required(required)
            .description(Some(
                "Any value. The refresh cookie requires this header, because pages of other sites cannot send it (prevents CSRF).",
            ));
        // No limits, because the service checks only that this header is present.
        let schema = ObjectBuilder::new().schema_type(Type::String);
        parameters.push(csrf.schema(Some(schema)).example(Some("1".into())).build());
    }
    if endpoint.signature.ranges {
        parameters.extend(files::parameters());
    }
    if endpoint.signature.idempotency_key {
        let key = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("A unique key that the client creates for this operation. For 24 hours, a repeated request with the same key returns the first response."));
        let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[!-~]{1,64}$")).max_length(Some(64));
        parameters.push(key.schema(Some(schema)).example(Some("6f1c2b1e-order-17".into())).build());
    }
    if endpoint.signature.if_none_match {
        let known = ParameterBuilder::new()
            .name("If-None-Match")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "The ETag of the client's copy. If the copy is current, the response is 304. A malformed value is ignored.",
            ));
        // No pattern, because RFC 9110 §13.1.2 requires servers to ignore an invalid value.
        let schema = ObjectBuilder::new().schema_type(Type::String);
        parameters.push(known.schema(Some(schema)).example(Some("\"1-1-1-1\"".into())).build());
    }
    if endpoint.signature.if_match {
        let version = ParameterBuilder::new()
            .name("If-Match")
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some(
                "The ETag of the last read. Returns 428 if the header is missing, and 412 if the resource has changed.",
            ));
        let schema =
            ObjectBuilder::new().schema_type(Type::String).pattern(Some("^\"[1-9][0-9]{0,18}\"$")).max_length(Some(21));
        parameters.push(version.schema(Some(schema)).example(Some(format!("\"{example_version}\"").into())).build());
    }
    parameters
}
