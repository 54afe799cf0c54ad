//! Texts of the OpenAPI document: user administration.

use super::store::OWN_ACCOUNT;
use crate::http::signature::Docs;

pub const USERS: Docs = Docs {
    summary: "List users",
    description: "Newest first, with optional filters. Paginated: `next_cursor` leads to the next page with the same filter.",
    errors: &[],
};

pub const USER: Docs =
    Docs { summary: "Get a user", description: "Account data only, not the user's own resources.", errors: &[] };

pub const UNLOCK: Docs =
    Docs { summary: "Unlock a user", description: "Resets the failed logins of the account.", errors: &[] };

pub const DISABLE: Docs = Docs {
    summary: "Disable a user",
    description: "Ends the user's sessions and WebSockets immediately. Their data is kept. Administrators cannot disable \
        themselves (409), so at least one administrator remains.",
    errors: &[OWN_ACCOUNT],
};

pub const ENABLE: Docs = Docs { summary: "Enable a user", description: "The user must log in again.", errors: &[] };

pub const END_SESSIONS: Docs = Docs {
    summary: "Revoke all sessions of a user",
    description: "Their access tokens are rejected immediately, and their WebSockets are closed.",
    errors: &[],
};
