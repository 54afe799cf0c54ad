//! Texts of the OpenAPI document: throw-away accounts.

use crate::http::error::ApiError;
use crate::http::signature::Docs;

pub const CREATE: Docs = Docs {
    summary: "Create throw-away accounts",
    description: "Two users for one attack of the console's attack panel, each with a session, a customer, a draft and a \
        document. Deletes those older than an hour. In production 404, unless `STRONGROOM_HTTP_ATTACK_PANEL` is true.",
    errors: &[ApiError::NotFound],
};
