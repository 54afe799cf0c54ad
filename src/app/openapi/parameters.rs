//! The parameters of an operation, each with an example that works against the demo data.

use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

use super::{files, texts};
use crate::app::routes::{Access, Endpoint};
use crate::features::demo;

/// The demo object on which its example works: of what is read, the one that lives longest.
fn example(endpoint: &Endpoint) -> (&'static str, &'static str) {
    let of_collection = match texts::tag(endpoint.path) {
        "customers" => (demo::CUSTOMER, "\"1\""),
        "credit-notes" => (demo::CREDIT_NOTE, ""),
        "documents" => (demo::DOCUMENT, "\"1\""),
        "me" => ("", "\"1\""),
        "admin" => (demo::BEN, ""),
        _ => (demo::ISSUED, "\"2\""),
    };
    endpoint.docs.example.unwrap_or(of_collection)
}

pub(super) fn parameters(endpoint: &Endpoint) -> Vec<Parameter> {
    let mut parameters = endpoint.docs.query.clone();
    let (example_id, example_version) = example(endpoint);
    if endpoint.path.contains("{id}") {
        let id =
            ParameterBuilder::new().name("id").parameter_in(ParameterIn::Path).required(Required::True).description(
                Some("The id of the object; capitals are accepted. What is no id of yours is not found (404)."),
            );
        let format = SchemaFormat::KnownFormat(KnownFormat::Uuid);
        let schema = ObjectBuilder::new().schema_type(Type::String).format(Some(format));
        parameters.push(id.schema(Some(schema)).example(Some(example_id.into())).build());
    }
    if matches!(endpoint.access, Access::Cookie | Access::TokenOrCookie) {
        let required = if endpoint.access == Access::Cookie { Required::True } else { Required::False };
        let csrf = ParameterBuilder::new()
            .name("X-Strongroom-Csrf")
            .parameter_in(ParameterIn::Header)
            .required(required)
            .description(Some(
                "Any value: it shows that a page of ours sent this. The refresh cookie counts with it only.",
            ));
        let schema =
            ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[!-~]{1,100}$")).max_length(Some(100));
        parameters.push(csrf.schema(Some(schema)).example(Some("1".into())).build());
    }
    if endpoint.docs.in_parts {
        parameters.extend(files::parameters());
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
    if endpoint.docs.cached || endpoint.docs.in_parts {
        let known = ParameterBuilder::new()
            .name("If-None-Match")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("The ETag of the copy that the client has; if it is up to date, the answer is 304. A malformed value is ignored."));
        // Without bounds: any text is accepted (RFC 9110 §13.1.2).
        let schema = ObjectBuilder::new().schema_type(Type::String);
        parameters.push(known.schema(Some(schema)).example(Some("\"1-1-1-1\"".into())).build());
    }
    if writes_version(endpoint) {
        let version = ParameterBuilder::new()
            .name("If-Match")
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some("The ETag of the last read; needed (428 without it)."));
        let schema =
            ObjectBuilder::new().schema_type(Type::String).pattern(Some("^\"[1-9][0-9]{0,18}\"$")).max_length(Some(21));
        parameters.push(version.schema(Some(schema)).example(Some(example_version.into())).build());
    }
    parameters
}

/// Whether it changes an object that has a version, and so asks for `If-Match`.
pub(super) fn writes_version(endpoint: &Endpoint) -> bool {
    let changes = match endpoint.method.as_str() {
        "PUT" | "PATCH" | "DELETE" => true,
        // A step in the life of what is there; elsewhere a POST makes something new.
        "POST" => endpoint.path.contains("{id}"),
        _ => false,
    };
    endpoint.docs.versioned && changes
}
