use crate::http::error::ApiError;
use crate::http::signature::Docs;

pub const DOCUMENT: Docs =
    Docs { summary: "Get this document", description: "Returns this OpenAPI document (version 3.1).", errors: &[] };

pub const PAGE: Docs = Docs {
    summary: "Get the API reference",
    description: "Returns a page on which developers can read about the API and try it. \
        In production, returns 404 unless `STRONGROOM_HTTP_DOCS` is true.",
    errors: &[ApiError::NotFound],
};

pub const STYLE: Docs = Docs {
    summary: "Get the style sheet of the API reference",
    description: "Returns 404 if the API reference is disabled.",
    errors: &[ApiError::NotFound],
};

pub const SCRIPT: Docs = Docs {
    summary: "Get the script of the API reference",
    description: "Returns 404 if the API reference is disabled.",
    errors: &[ApiError::NotFound],
};
