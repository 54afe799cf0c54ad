//! Texts of the OpenAPI document: live events.

use crate::http::error::ApiError;
use crate::http::signature::Docs;

pub const TICKET: Docs = Docs {
    summary: "Create a WebSocket ticket",
    description: "Valid for one connection within 30 seconds. Send it as the first message.",
    errors: &[],
};

pub const CONNECT: Docs = Docs {
    summary: "Open a WebSocket for live events",
    description: "Sends changes of the caller's own resources. The messages are described in docs/live.md.",
    errors: &[ApiError::UpgradeRequired],
};
