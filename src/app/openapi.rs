//! The OpenAPI 3.1 document, written from the route table: what a row says is what the document says, so neither can forget
//! the other.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::Value;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::server::ServerBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, ResponseBuilder,
    Schema,
};
use utoipa::{IntoParams, ToSchema};

use super::openapi_bounds;
use super::routes::{Access, Endpoint, table};
use crate::http::error::ApiError;
use crate::http::problem::{PROBLEM_JSON, Problem, ProblemField};
use crate::security::body_limits::BodyLimit;

/// What the table cannot say by itself about an endpoint.
#[derive(Clone)]
pub struct Docs {
    summary: &'static str,
    request: Option<Named>,
    query: Vec<Parameter>,
    success: u16,
    reply: Option<Named>,
    versioned: bool,
    keyed: bool,
    refuses: &'static [u16],
}

/// A schema, and those that it refers to.
#[derive(Clone)]
struct Named {
    name: Cow<'static, str>,
    schemas: Vec<(String, RefOr<Schema>)>,
}

impl Named {
    fn of<T: ToSchema>() -> Self {
        let mut schemas = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut schemas);
        Self { name: T::name(), schemas }
    }

    fn reference(&self) -> RefOr<Schema> {
        RefOr::Ref(Ref::from_schema_name(self.name.as_ref()))
    }
}

/// Begins an endpoint's documentation.
#[must_use]
pub fn docs(summary: &'static str) -> Docs {
    Docs {
        summary,
        request: None,
        query: Vec::new(),
        success: 200,
        reply: None,
        versioned: false,
        keyed: false,
        refuses: &[],
    }
}

impl Docs {
    /// The body that it takes.
    #[must_use]
    pub fn takes<T: ToSchema>(self) -> Self {
        Self { request: Some(Named::of::<T>()), ..self }
    }

    /// The query that it reads.
    #[must_use]
    pub fn queries<T: IntoParams>(self) -> Self {
        Self { query: T::into_params(|| Some(ParameterIn::Query)), ..self }
    }

    /// The status and body of its success.
    #[must_use]
    pub fn gives<T: ToSchema>(self, success: u16) -> Self {
        Self { success, reply: Some(Named::of::<T>()), ..self }
    }

    /// The status of a success without a JSON body.
    #[must_use]
    pub fn answers(self, success: u16) -> Self {
        Self { success, ..self }
    }

    /// Its object has a version: reads give an `ETag`, writes ask for `If-Match`.
    #[must_use]
    pub fn versioned(self) -> Self {
        Self { versioned: true, ..self }
    }

    /// It takes an `Idempotency-Key`.
    #[must_use]
    pub fn keyed(self) -> Self {
        Self { keyed: true, ..self }
    }

    /// Refusals that do not follow from the row.
    #[must_use]
    pub fn refuses(self, refuses: &'static [u16]) -> Self {
        Self { refuses, ..self }
    }

    /// Whether it reads a query.
    #[must_use]
    pub fn takes_query(&self) -> bool {
        !self.query.is_empty()
    }
}

/// `GET /api/v1/openapi.json`
pub async fn document(document: Data<Document>) -> HttpResponse {
    HttpResponse::Ok().json(&document.0)
}

/// The document as a file: for everybody, so its server is relative.
///
/// # Errors
/// It cannot be written as JSON.
pub fn text() -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&build("/")?.0)
}

/// The document, made once.
#[derive(Clone)]
pub struct Document(Value);

/// The whole document. `server` is the service's public URL.
///
/// # Errors
/// It cannot be written as JSON.
pub fn build(server: &str) -> Result<Document, serde_json::Error> {
    let mut document = serde_json::to_value(written(server))?;
    openapi_bounds::add(&mut document);
    Ok(Document(document))
}

fn written(server: &str) -> OpenApi {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The access_token of POST /api/v1/auth/login (RFC8725: short-lived, pinned algorithm)."))
        .build();
    let cookie = ApiKeyValue::with_description(
        "__Host-refresh",
        "Set by sign-in; sent by the browser from a page of ours only.",
    );
    let mut components = ComponentsBuilder::new()
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme("refresh_cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    let mut paths = PathsBuilder::new();
    let mut schemas = Named::of::<Problem>().schemas;
    schemas.extend(Named::of::<ProblemField>().schemas);
    for endpoint in table() {
        for named in [&endpoint.docs.request, &endpoint.docs.reply].into_iter().flatten() {
            schemas.extend(named.schemas.iter().cloned());
        }
        let item = PathItem::new(http_method(&endpoint), operation(&endpoint));
        paths = paths.path(endpoint.path, item);
    }
    for (name, schema) in schemas {
        components = components.schema(name, schema);
    }
    let for_everybody = ExtensionsBuilder::new().add("x-internal", false).build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Strongroom")
                .version("1")
                .description(Some("Invoices and documents, kept safe. Refusals are problem documents (RFC 9457); each code is explained at /problems."))
                .license(Some(utoipa::openapi::LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()))
                .build(),
        )
        .servers(Some([ServerBuilder::new().url(server).extensions(Some(for_everybody)).build()]))
        .paths(paths)
        .components(Some(components.build()))
        .build()
}

fn http_method(endpoint: &Endpoint) -> HttpMethod {
    match endpoint.method.as_str() {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

fn operation(endpoint: &Endpoint) -> OperationBuilder {
    let docs = &endpoint.docs;
    let mut operation = OperationBuilder::new()
        .summary(Some(docs.summary))
        .operation_id(Some(operation_id(endpoint)))
        .tag(tag(endpoint.path));
    for parameter in parameters(endpoint) {
        operation = operation.parameter(parameter);
    }
    if let Some(request) = &docs.request {
        let content = ContentBuilder::new().schema(Some(request.reference())).build();
        let body =
            RequestBodyBuilder::new().content("application/json", content).required(Some(Required::True)).build();
        operation = operation.request_body(Some(body));
    }
    operation = match endpoint.access {
        // Said aloud: nobody forgot it.
        Access::Public => operation.securities(Some([])),
        Access::SignedIn => operation.security(SecurityRequirement::new("bearer", [""; 0])),
        Access::Cookie => operation.security(SecurityRequirement::new("refresh_cookie", [""; 0])),
    };
    let mut success = ResponseBuilder::new().description(docs.summary);
    if let Some(reply) = &docs.reply {
        success = success.content("application/json", ContentBuilder::new().schema(Some(reply.reference())).build());
    }
    operation = operation.response(docs.success.to_string(), success.build());
    for status in refusals(endpoint) {
        operation = operation.response(status.to_string(), problem(status));
    }
    operation
}

/// `get_api_v1_invoices_id` says nothing that `get_invoices_id` does not.
fn operation_id(endpoint: &Endpoint) -> String {
    let path = endpoint.path.trim_start_matches("/api/v1");
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut id = endpoint.method.as_str().to_lowercase();
    for word in words {
        id.push('_');
        id.push_str(word);
    }
    id
}

fn tag(path: &str) -> &str {
    path.trim_start_matches("/api/v1").split('/').nth(1).unwrap_or("service")
}

fn parameters(endpoint: &Endpoint) -> Vec<Parameter> {
    let mut parameters = endpoint.docs.query.clone();
    if endpoint.path.contains("{id}") {
        let id = ParameterBuilder::new().name("id").parameter_in(ParameterIn::Path).required(Required::True);
        let format = SchemaFormat::KnownFormat(KnownFormat::Uuid);
        let schema = ObjectBuilder::new().schema_type(Type::String).format(Some(format));
        parameters.push(id.schema(Some(schema)).build());
    }
    if endpoint.access == Access::Cookie {
        let csrf = ParameterBuilder::new()
            .name("X-Strongroom-Csrf")
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some("Any value: it shows that a page of ours sent this."));
        let schema = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(100));
        parameters.push(csrf.schema(Some(schema)).example(Some("1".into())).build());
    }
    if endpoint.docs.keyed {
        let key = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("Made up by the client for this one wish; asked again with it, the first answer comes again for 24 hours."));
        let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[!-~]{1,64}$")).max_length(Some(64));
        parameters.push(key.schema(Some(schema)).example(Some("6f1c2b1e-order-17".into())).build());
    }
    if writes_version(endpoint) {
        let version = ParameterBuilder::new()
            .name("If-Match")
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some("The ETag of the last read; needed (428 without it)."));
        let schema =
            ObjectBuilder::new().schema_type(Type::String).pattern(Some("^\"[1-9][0-9]{0,18}\"$")).max_length(Some(21));
        parameters.push(version.schema(Some(schema)).example(Some("\"1\"".into())).build());
    }
    parameters
}

fn writes_version(endpoint: &Endpoint) -> bool {
    let changes = match endpoint.method.as_str() {
        "PUT" | "PATCH" | "DELETE" => true,
        // A step in the life of what is there; elsewhere a POST makes something new.
        "POST" => endpoint.path.contains("{id}"),
        _ => false,
    };
    endpoint.docs.versioned && changes
}

/// What a caller must expect, from the row: the same facts by which the layers refuse.
fn refusals(endpoint: &Endpoint) -> Vec<u16> {
    let mut statuses = vec![400, 403, 413, 429, 500, 503];
    if endpoint.access != Access::Public {
        statuses.push(401);
    }
    if endpoint.path.contains("{id}") {
        statuses.push(404);
    }
    if endpoint.body != BodyLimit::None {
        statuses.extend([408, 415]);
    }
    if endpoint.docs.keyed {
        statuses.extend([409, 422]);
    }
    if writes_version(endpoint) {
        statuses.extend([412, 428]);
    }
    statuses.extend(endpoint.docs.refuses);
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

fn problem(status: u16) -> utoipa::openapi::Response {
    let title = actix_web::http::StatusCode::from_u16(status)
        .map_or("Refused", |status| ApiError::of_status(status).face().title);
    let schema = RefOr::<Schema>::Ref(Ref::from_schema_name("Problem"));
    ResponseBuilder::new()
        .description(title)
        .content(PROBLEM_JSON, ContentBuilder::new().schema(Some(schema)).build())
        .build()
}
