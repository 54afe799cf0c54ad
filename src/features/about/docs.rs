use crate::http::error::ApiError;
use crate::http::signature::Docs;

pub const PROBLEMS: Docs = Docs {
    summary: "Get the list of problem codes",
    description: "Returns a page that explains each problem code. The `type` of each problem links to this page.",
    errors: &[],
};

pub const SECURITY_TXT: Docs = Docs {
    summary: "Get the security contact",
    description: "Returns the contact for vulnerability reports (RFC 9116).",
    errors: &[],
};

pub const PASSWORD_PAGE: Docs = Docs {
    summary: "Redirect to the password page",
    description: "Password managers open this URL to find the page that changes the password.",
    errors: &[],
};

pub const JWKS: Docs = Docs {
    summary: "Get the public keys of access tokens",
    description: "Returns a JSON Web Key Set (RFC 7517), or 404 if tokens are signed with a shared secret.",
    errors: &[ApiError::NotFound],
};
