use crate::http::error::ApiError;
use crate::http::signature::Docs;

pub const TICKET: Docs = Docs {
    summary: "Create a WebSocket ticket",
    description: "Returns a ticket, which can authenticate one WebSocket within 30 seconds. \
        Send it as the first message.",
    errors: &[],
};

pub const CONNECT: Docs = Docs {
    summary: "Open a WebSocket for live events",
    description: "Notifies the client of changes to the caller's own resources. Administrators can also receive alerts. \
        `docs/live.md` describes the messages.",
    errors: &[ApiError::UpgradeRequired],
};
