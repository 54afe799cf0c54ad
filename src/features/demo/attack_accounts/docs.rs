use crate::http::error::ApiError;
use crate::http::signature::Docs;

pub const CREATE: Docs = Docs {
    summary: "Create throw-away accounts",
    description: "Creates two users for one attack of the console's attack panel. \
        Each user has a session, a customer, a draft and a document. \
        Also deletes the throw-away accounts that are older than an hour. \
        In production, returns 404 unless `STRONGROOM_HTTP_ATTACK_PANEL` is true.",
    errors: &[ApiError::NotFound],
};
