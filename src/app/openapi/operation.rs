//! Builds an operation of the document from its row in the route table.

use utoipa::openapi::encoding::EncodingBuilder;
use utoipa::openapi::path::{HttpMethod, OperationBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, Response, ResponseBuilder};

use super::headers::ORIGIN_LABEL;
use super::parameters::parameters;
use super::{files, headers, refusals, texts};
use crate::app::routes::{Access, Endpoint};
use crate::features::console;

pub(super) fn http_method(endpoint: &Endpoint) -> HttpMethod {
    match endpoint.method.as_str() {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

pub(super) fn operation(endpoint: &Endpoint) -> OperationBuilder {
    let (docs, signature) = (&endpoint.docs, &endpoint.signature);
    let mut operation = OperationBuilder::new()
        .summary(Some(docs.summary))
        .description(Some(texts::description(endpoint, docs.description)))
        .operation_id(Some(operation_id(endpoint)))
        .tag(texts::tag(endpoint.path));
    for parameter in parameters(endpoint) {
        operation = operation.parameter(parameter);
    }
    if let Some(body) = &signature.body {
        let content = ContentBuilder::new().schema(Some(body.schema.reference()));
        let (media_type, content) = match body.files {
            [] => ("application/json", content.build()),
            files => {
                let file = EncodingBuilder::new().content_type(Some(files.join(", "))).build();
                ("multipart/form-data", content.encoding("file", file).build())
            }
        };
        let required = if body.is_required { Required::True } else { Required::False };
        let body = RequestBodyBuilder::new().content(media_type, content).required(Some(required)).build();
        operation = operation.request_body(Some(body));
    }
    operation = match endpoint.access {
        // An empty list says that the operation is public.
        Access::Public => operation.securities(Some([])),
        // No security scheme can describe a ticket, which is a message of the WebSocket.
        Access::Ticket => operation.securities(Some([])),
        Access::SignedIn => operation.security(SecurityRequirement::new("bearer", [""; 0])),
        Access::Admin => operation.security(SecurityRequirement::new("administrators_bearer", [""; 0])),
        Access::TokenOrCookie => operation
            .security(SecurityRequirement::new("bearer", [""; 0]))
            .security(SecurityRequirement::new("refresh_cookie", [""; 0])),
        Access::Cookie => operation.security(SecurityRequirement::new("refresh_cookie", [""; 0])),
    };
    let mut success = ResponseBuilder::new().description(docs.summary);
    if let Some(reply) = &signature.reply {
        success = success.content("application/json", ContentBuilder::new().schema(Some(reply.reference())).build());
    }
    let is_cached = signature.if_none_match && !signature.ranges;
    let has_etag = is_cached || signature.etag;
    for (name, is_sent) in
        [("ETag", has_etag), ("Location", signature.location), (ORIGIN_LABEL, has_etag || signature.location)]
    {
        if is_sent {
            success = success.header_ref(name, headers::header(name));
        }
    }
    for media_type in &signature.files {
        // No schema: OpenAPI 3.1 describes binary content by its media type alone.
        success = success.content(*media_type, ContentBuilder::new().build());
    }
    operation = match signature.ranges {
        false => operation.response(signature.status.to_string(), success.build()),
        true => files::responses(success.build())
            .into_iter()
            .fold(operation, |operation, (status, response)| operation.response(status, response)),
    };
    if is_cached {
        let not_modified = ["ETag", ORIGIN_LABEL]
            .into_iter()
            .fold(ResponseBuilder::new(), |response, name| response.header_ref(name, headers::header(name)));
        operation = operation.response("304", not_modified.description("The copy of the client is current").build());
    }
    for refusals in refusals::of(endpoint) {
        let shared = RefOr::<Response>::Ref(Ref::from_response_name(refusals.name()));
        operation = operation.response(refusals.status.to_string(), shared);
    }
    operation
}

/// Returns an operation id such as `get_invoices_id`.
fn operation_id(endpoint: &Endpoint) -> String {
    // Without `/api/v1`, an operation can have the same path as a console page. So the ids of pages get a prefix.
    let path = match console::VIEWS.contains(&endpoint.path) {
        true => format!("/console/page{}", endpoint.path),
        false => endpoint.path.trim_start_matches("/api/v1").to_owned(),
    };
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut id = endpoint.method.as_str().to_lowercase();
    for word in words {
        id.push('_');
        id.push_str(word);
    }
    id
}
