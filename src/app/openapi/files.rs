//! Parameters and responses of downloads, for range requests and conditional requests.

use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Required, Response, ResponseBuilder};

use super::headers::{ORIGIN_LABEL, header};

const ETAG: &str = "EntityTag";
const CONTENT_RANGE: &str = "Content-Range";

fn text(pattern: &str, longest: usize) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).max_length(Some(longest))
}

/// Returns the headers that responses with a file contain.
pub(super) fn headers() -> [(&'static str, Header); 2] {
    let made = |pattern: &str, example: String, about: &str| {
        let header = HeaderBuilder::new().schema(Some(text(pattern, 100))).example(Some(example.into()));
        header.description(Some(about)).build()
    };
    [
        (ETAG, made("^\"[0-9a-f]{64}\"$", format!("\"{}\"", "0a".repeat(32)), "The SHA-256 of the file.")),
        (
            CONTENT_RANGE,
            made("^bytes [0-9*]", "bytes 0-9/50".to_owned(), "The returned range, and the size of the whole file."),
        ),
    ]
}

pub(super) fn parameters() -> [Parameter; 2] {
    let of = |name: &str, about: &str, example: &str| {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(Required::False);
        // No pattern, because an invalid value is no error: the service ignores it (RFC 9110, §14.2 and §13.1.5).
        let schema = ObjectBuilder::new().schema_type(Type::String);
        parameter.description(Some(about)).schema(Some(schema)).example(Some(example.into())).build()
    };
    [
        of("Range", "The bytes to return. Several ranges or a malformed range return the whole file.", "bytes=0-9"),
        of(
            "If-Range",
            "The ETag of the client's copy. If the copy is not current, the whole file is returned.",
            "\"another\"",
        ),
    ]
}

pub(super) fn responses(whole: Response) -> [(&'static str, Response); 3] {
    let tagged = |response: ResponseBuilder| {
        response.header_ref("ETag", header(ETAG)).header_ref(ORIGIN_LABEL, header(ORIGIN_LABEL))
    };
    let part = tagged(ResponseBuilder::from(whole.clone())).header_ref(CONTENT_RANGE, header(CONTENT_RANGE));
    let not_modified = tagged(ResponseBuilder::new()).description("The copy of the client is current");
    [
        ("200", tagged(ResponseBuilder::from(whole)).build()),
        ("206", part.description("The requested range").build()),
        ("304", not_modified.build()),
    ]
}
