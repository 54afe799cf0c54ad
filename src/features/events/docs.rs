//! Texts of the OpenAPI document: security events and alerts.

use crate::http::signature::Docs;

pub const OWN: Docs = Docs {
    summary: "List security events of the account",
    description: "Logins, failed logins, sessions and changes, newest first. Paginated.",
    errors: &[],
};

pub const ALL: Docs = Docs {
    summary: "List security events",
    description: "Newest first, with optional filters. Paginated. Reading them is recorded as a security event.",
    errors: &[],
};

pub const ALERTS: Docs = Docs {
    summary: "List alerts",
    description: "Alerts of the detection rules, newest first. Paginated.",
    errors: &[],
};
