use super::store::LAST_ADMINISTRATOR;
use crate::http::error::ApiError;
use crate::http::signature::Docs;

pub const READ: Docs = Docs {
    summary: "Get the profile",
    description: "Returns the caller's e-mail address, name and bio.",
    errors: &[ApiError::NotFound],
};

pub const UPDATE: Docs = Docs {
    summary: "Update the profile",
    description: "Changes the fields in the request. An absent field does not change; null clears the bio.",
    errors: &[ApiError::NotFound],
};

pub const DELETE: Docs = Docs {
    summary: "Delete the account",
    description: "Requires the password. \
        The account is deleted immediately, and its data are deleted in the background. \
        The last active administrator cannot be deleted (409).",
    errors: &[ApiError::InvalidCredentials, LAST_ADMINISTRATOR],
};

pub const CHANGE_PASSWORD: Docs = Docs {
    summary: "Change password",
    description: "Requires the current password. Ends all sessions and opens a new session. \
        The body contains its access token, and a cookie contains its refresh token.",
    errors: &[ApiError::InvalidCredentials, ApiError::NotFound],
};
