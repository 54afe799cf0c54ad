//! Texts of the OpenAPI document: tags, and the part of each description that follows from the route table.

use utoipa::openapi::Tag;
use utoipa::openapi::tag::TagBuilder;

use crate::app::routes::{Access, Endpoint};
use crate::features::RESOURCES;
use crate::features::console;
use crate::security::limits::body_limits::BodyLimit;

/// The tags that do not belong to a resource. A tag is the first part of a path after `/api/v1/`.
const TAGS: [(&str, &str); 6] = [
    ("auth", "Registration, login and sessions."),
    ("me", "The caller's profile, business, password and account."),
    ("live", "Events about the caller's own resources, over a WebSocket."),
    (
        "admin",
        "Users, security events and alerts, for administrators. Only the command line can appoint administrators.",
    ),
    ("console", "Pages and files of the web console."),
    ("service", "Public information about the service."),
];

fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let [auth, me, others @ ..] = TAGS;
    let resources = RESOURCES.iter().map(|resource| (resource.kind.plural(), resource.text));
    [auth, me].into_iter().chain(resources).chain(others)
}

pub(super) fn tag(path: &str) -> &'static str {
    if console::serves(path) {
        return "console";
    }
    let first = path.strip_prefix("/api/v1/").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    all().map(|(name, _)| name).find(|name| *name == first).unwrap_or("service")
}

/// Returns the tags that at least one operation uses.
pub(super) fn tags(endpoints: &[Endpoint]) -> Vec<Tag> {
    let used = |name: &str| endpoints.iter().any(|endpoint| tag(endpoint.path) == name);
    let tag = |(name, text)| TagBuilder::new().name(name).description(Some(text)).build();
    all().filter(|(name, _)| used(name)).map(tag).collect()
}

/// Adds the sentences about access and limits, which follow from the row of the route table.
pub(super) fn description(endpoint: &Endpoint, description: &str) -> String {
    let has_id = endpoint.path.contains("{id}");
    let access = match endpoint.access {
        Access::Public => "No authentication required.",
        Access::SignedIn if has_id => "Requires authentication. Other users receive 404.",
        Access::SignedIn => "Requires authentication. Restricted to the caller's own resources.",
        Access::Admin => "Requires an administrator. Other users receive 403.",
        Access::Ticket => "Requires a ticket as the first message. An origin that is not allowed receives 403.",
        Access::TokenOrCookie => {
            "Requires an access token, or the refresh cookie with `X-Strongroom-Csrf`. An origin that is not allowed receives 403."
        }
        Access::Cookie => "Requires the refresh cookie. An origin that is not allowed receives 403.",
    };
    let mut text = format!("{description} {access}");
    if let BodyLimit::Json(bytes) = endpoint.body {
        text.push_str(&format!(" Rejects unknown fields (400) and bodies larger than {} KiB (413).", bytes / 1024));
    }
    if let BodyLimit::Form(_) = endpoint.body {
        text.push_str(" Rejects unknown and encoded parts (400) and files larger than the configured limit (413), by default 10 MiB.");
    }
    text
}
