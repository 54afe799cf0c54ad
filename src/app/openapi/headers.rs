//! The response headers that many operations share.

use utoipa::openapi::Ref;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

/// The CORS header that names the origin whose pages may read the response.
pub(super) const ORIGIN_LABEL: &str = "Access-Control-Allow-Origin";

/// Returns the headers that operations refer to by name.
pub(super) fn headers() -> [(&'static str, Header); 4] {
    let text = |pattern: &str, example: &str, about: &str| {
        let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).max_length(Some(100));
        HeaderBuilder::new().schema(Some(schema)).example(Some(example.into())).description(Some(about)).build()
    };
    let int32 = SchemaFormat::KnownFormat(KnownFormat::Int32);
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).format(Some(int32));
    let seconds = seconds.minimum(Some(1)).maximum(Some(86_400));
    let retry = HeaderBuilder::new()
        .schema(Some(seconds))
        .description(Some("The number of seconds to wait before the next attempt."));
    [
        (
            "ETag",
            text(
                "^\"[0-9]+(-[0-9]+)*\"$",
                "\"1\"",
                "The version of the resource. Send it in If-Match or If-None-Match.",
            ),
        ),
        (
            "Location",
            text("^/api/v1/", "/api/v1/customers/c0000000-0000-4000-8000-000000000001", "The URL of the new resource."),
        ),
        ("Retry-After", retry.example(Some(1.into())).build()),
        (ORIGIN_LABEL, text("^https?://", "https://app.example", "The origin of the request, if it is allowed.")),
    ]
}

pub(super) fn header(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}
