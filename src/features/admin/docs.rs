use super::store::OWN_ACCOUNT;
use crate::http::signature::Docs;

pub const USERS: Docs = Docs {
    summary: "List users",
    description: "Returns the users that match the filter, newest first. \
        Paginated: `next_cursor` is the cursor of the next page.",
    errors: &[],
};

pub const USER: Docs = Docs {
    summary: "Get a user",
    description: "Returns the account of the user, but not the user's own resources.",
    errors: &[],
};

pub const UNLOCK: Docs = Docs {
    summary: "Unlock a user",
    description: "Resets the counters of failed logins, so that the user can log in again.",
    errors: &[],
};

pub const DISABLE: Docs = Docs {
    summary: "Disable a user",
    description: "Ends the user's sessions and WebSockets immediately. Their data is kept. Administrators cannot disable \
        themselves (409), so at least one administrator remains.",
    errors: &[OWN_ACCOUNT],
};

pub const ENABLE: Docs =
    Docs { summary: "Enable a user", description: "Enables a disabled user. The user must log in again.", errors: &[] };

pub const END_SESSIONS: Docs = Docs {
    summary: "Revoke all sessions of a user",
    description: "Ends all sessions of the user. Their access tokens are rejected immediately, and their WebSockets are closed.",
    errors: &[],
};
