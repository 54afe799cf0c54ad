//! Texts of the OpenAPI document: the web console.

use crate::http::error::ApiError;
use crate::http::signature::Docs;

pub const PAGE: Docs = Docs {
    summary: "Get the web console",
    description: "A page to use the service in a browser. In production 404, unless `STRONGROOM_HTTP_CONSOLE` is true.",
    errors: &[ApiError::NotFound],
};

pub const STYLE: Docs = Docs {
    summary: "Get the style sheet of the web console",
    description: "404 for another version than that of the page.",
    errors: &[ApiError::NotFound],
};

pub const SCRIPT: Docs = Docs {
    summary: "Get a script of the web console",
    description: "404 for another version than that of the page.",
    errors: &[ApiError::NotFound],
};
