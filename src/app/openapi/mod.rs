//! The OpenAPI 3.1 document. It is generated from the route table, so it cannot differ from the code.
//!
//! - `operation`, `parameters` and `texts` build an operation from its row in the route table.
//! - `refusals` lists the errors of each operation.
//! - `bounds` and `examples` add limits and examples to all schemas.

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

use super::routes::table;
use crate::config::Settings;
use crate::http::challenge::Challenge;
use crate::http::problem::{Problem, ProblemField};
use crate::http::signature::NamedSchema;

/// Returns method and path of the served operations, in the order of the route table.
/// The page `/docs` shows this order, which the document does not contain: its paths have no order.
pub(super) fn order(settings: &Settings) -> Vec<(String, &'static str)> {
    let served = table().into_iter().filter(|endpoint| endpoint.is_served(settings));
    served.map(|endpoint| (endpoint.method.as_str().to_lowercase(), endpoint.path)).collect()
}

/// Returns the text of the document, with a relative server URL.
pub fn text() -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&build("/")?)
}

/// Builds the document. `server` is the public URL.
pub fn build(server: &str) -> Result<Value, serde_json::Error> {
    let mut document = serde_json::to_value(base_document(server))?;
    examples::add(&mut document);
    bounds::add(&mut document);
    Ok(document)
}

fn base_document(server: &str) -> OpenApi {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The access_token of POST /api/v1/auth/login (RFC8725: short-lived, pinned algorithm)."))
        .build();
    // A separate scheme marks the endpoints for administrators, because tokens contain no role and no scopes.
    let administrators = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "An access token of an administrator (RFC8725). The role is read from the database at each request.",
        ))
        .build();
    let cookie =
        ApiKeyValue::with_description("__Host-refresh", "Set by the login. Accepted only from an allowed origin.");
    let mut components = ComponentsBuilder::new()
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme("administrators_bearer", SecurityScheme::Http(administrators))
        .security_scheme("refresh_cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    let mut paths = PathsBuilder::new();
    let mut schemas = NamedSchema::of::<Problem>().schemas;
    schemas.extend(NamedSchema::of::<ProblemField>().schemas);
    schemas.extend(NamedSchema::of::<Challenge>().schemas);
    let table = table();
    for endpoint in &table {
        let body = endpoint.signature.body.as_ref().map(|body| &body.schema);
        for schema in body.into_iter().chain(&endpoint.signature.reply) {
            schemas.extend(schema.schemas.iter().cloned());
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
    let server = ServerBuilder::new().url(server);
    let server = server.description(Some("This service: local, staging or production"));
    let public = ExtensionsBuilder::new().add("x-internal", false).build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Strongroom")
                .version("1")
                .description(Some("An invoice and document API. Errors are problem details (RFC 9457); /problems explains the codes. Each operation lists the errors that a valid request can receive. All operations also reject unexpected bodies (413) and unsupported methods (405). All GET operations except the WebSocket support HEAD. The examples work with the demo data of the development profile."))
                .contact(Some(ContactBuilder::new().name(Some("The operator of this service: /.well-known/security.txt")).build()))
                .license(Some(utoipa::openapi::LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()))
                .build(),
        )
        .servers(Some([server.extensions(Some(public)).build()]))
        .paths(paths)
        .tags(Some(texts::tags(&table)))
        .components(Some(components.build()))
        .build()
}
