use crate::http::error::ApiError;
use crate::http::signature::Docs;

pub const REGISTER: Docs = Docs {
    summary: "Register",
    description: "Sends a mail with a confirmation link to the address. \
        The response is the same for addresses that are already registered (prevents user enumeration).",
    errors: &[],
};

pub const CONFIRM: Docs = Docs {
    summary: "Confirm registration",
    description: "Creates the account with the token from the mail, a password and a name. \
        A token can be used once, within 24 hours. If the password is rejected, the token remains valid.",
    errors: &[],
};

pub const LOGIN: Docs = Docs {
    summary: "Log in",
    description: "Returns an access token and sets two cookies: the refresh token and a device cookie. \
        For 90 days, a client with the device cookie can log in even if failed logins \
        of other clients have locked the account. All failures return the same 401 (prevents user enumeration).",
    errors: &[ApiError::InvalidCredentials],
};

pub const REFRESH: Docs = Docs {
    summary: "Refresh the access token",
    description: "Returns a new access token and replaces the refresh cookie. \
        Using a refresh cookie twice ends the session (replay detection).",
    errors: &[],
};

pub const LOGOUT: Docs = Docs {
    summary: "Log out",
    description: "Ends the session. The service then rejects its access tokens and its refresh cookie. \
        If the access token has expired, the refresh cookie is sufficient.",
    errors: &[],
};

pub const REQUEST_RESET: Docs = Docs {
    summary: "Request a password reset",
    description: "Sends a mail with a reset link to the address. \
        The response is the same for unknown addresses (prevents user enumeration).",
    errors: &[],
};

pub const RESET: Docs = Docs {
    summary: "Reset the password",
    description: "Sets a new password with the token from the mail, and ends all sessions of the user.",
    errors: &[],
};

pub const LIST_SESSIONS: Docs = Docs {
    summary: "List sessions",
    description: "Returns the caller's active sessions, most recently used first. A user has at most ten.",
    errors: &[],
};

pub const END_ALL_SESSIONS: Docs = Docs {
    summary: "Revoke all sessions",
    description: "Ends the sessions on all devices, including the current session.",
    errors: &[],
};

pub const END_SESSION: Docs = Docs {
    summary: "Revoke a session",
    description: "Ends the session. \
        Its access tokens are rejected immediately, and on other replicas within two seconds.",
    errors: &[],
};
