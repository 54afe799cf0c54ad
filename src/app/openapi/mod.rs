//! The OpenAPI 3.1 document, written from the route table: what a row says is what the document says, so neither can forget
//! the other.
//!
//! - [`docs`](super::docs): what a row adds in words and types. `operation`, `parameters`: an operation, from its row. `texts`: what it says.
//! - `refusals`: the refusals of each operation. `headers`: what replies share; `files`: downloads. `bounds`, `examples`: what
//!   follows for every schema.

mod bounds;
mod examples;
mod files;
mod headers;
mod operation;
mod parameters;
mod refusals;
mod texts;

use serde_json::Value;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::info::ContactBuilder;
use utoipa::openapi::path::{PathItem, PathsBuilder};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::server::ServerBuilder;
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};

use operation::{http_method, operation};
pub use refusals::codes;

use super::docs::Named;
use super::routes::table;
use crate::http::challenge::Challenge;
use crate::http::problem::{Problem, ProblemField};

/// Method and path of each operation, in the order of the table: a document's paths have none.
pub(super) fn order() -> Vec<(String, &'static str)> {
    table().iter().map(|endpoint| (endpoint.method.as_str().to_lowercase(), endpoint.path)).collect()
}

/// The document as a file: for everybody, so its server is relative.
///
/// # Errors
/// It cannot be written as JSON.
pub fn text() -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&build("/")?)
}

/// The whole document. `server` is the service's public URL.
///
/// # Errors
/// It cannot be written as JSON.
pub fn build(server: &str) -> Result<Value, serde_json::Error> {
    let mut document = serde_json::to_value(written(server))?;
    examples::add(&mut document);
    bounds::add(&mut document);
    Ok(document)
}

fn written(server: &str) -> OpenApi {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The access_token of POST /api/v1/auth/login (RFC8725: short-lived, pinned algorithm)."))
        .build();
    // A scheme of its own, so that a reader sees at once what is for administrators. No token has a role in it.
    let administrators = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "The same, of an administrator (RFC8725); the database is asked at each request whether he is one.",
        ))
        .build();
    let cookie = ApiKeyValue::with_description(
        "__Host-refresh",
        "Set by sign-in; sent by the browser from a page of ours only.",
    );
    let mut components = ComponentsBuilder::new()
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme("administrators_bearer", SecurityScheme::Http(administrators))
        .security_scheme("refresh_cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    let mut paths = PathsBuilder::new();
    let mut schemas = Named::of::<Problem>().schemas;
    schemas.extend(Named::of::<ProblemField>().schemas);
    schemas.extend(Named::of::<Challenge>().schemas);
    let table = table();
    for endpoint in &table {
        for named in [&endpoint.docs.request, &endpoint.docs.reply].into_iter().flatten() {
            schemas.extend(named.schemas.iter().cloned());
        }
        let item = PathItem::new(http_method(endpoint), operation(endpoint));
        paths = paths.path(endpoint.path, item);
    }
    for (name, schema) in schemas {
        components = components.schema(name, schema);
    }
    for (name, header) in headers::headers().into_iter().chain(files::headers()) {
        components = components.header(name, header);
    }
    for refusals in table.iter().flat_map(refusals::of) {
        components = components.response(refusals.name(), refusals.response());
    }
    let here = ServerBuilder::new().url(server);
    let here = here.description(Some("This service, wherever it runs: local, staging or production"));
    let for_everybody = ExtensionsBuilder::new().add("x-internal", false).build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Strongroom")
                .version("1")
                .description(Some("Invoices and documents, kept safe. Refusals are problem documents (RFC 9457); each code is explained at /problems. An operation lists the refusals that a request which follows this document can get; every operation also refuses a body that it does not take (413), and every path a method that it does not have (405). Every GET, apart from the WebSocket, answers HEAD too. The examples work against the demo data of development."))
                .contact(Some(ContactBuilder::new().name(Some("Whoever runs this service: /.well-known/security.txt")).build()))
                .license(Some(utoipa::openapi::LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()))
                .build(),
        )
        .servers(Some([here.extensions(Some(for_everybody)).build()]))
        .paths(paths)
        .tags(Some(texts::tags(&table)))
        .components(Some(components.build()))
        .build()
}
