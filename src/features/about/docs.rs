//! Texts of the OpenAPI document: the public documents.

use crate::http::error::ApiError;
use crate::http::signature::Docs;

pub const PROBLEMS: Docs = Docs {
    summary: "Get the list of problem codes",
    description: "A page that explains each code. The `type` of each problem links to this page.",
    errors: &[],
};

pub const SECURITY_TXT: Docs = Docs { summary: "Get the security contact", description: "RFC 9116.", errors: &[] };

pub const PASSWORD_PAGE: Docs =
    Docs { summary: "Redirect to the password page", description: "For password managers.", errors: &[] };

pub const JWKS: Docs = Docs {
    summary: "Get the public keys of access tokens",
    description: "A JSON Web Key Set (RFC 7517). 404 while tokens are signed with a shared secret.",
    errors: &[ApiError::NotFound],
};
