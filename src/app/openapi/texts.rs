//! What the OpenAPI document says in words: of groups, and of each operation what follows from its row.

use utoipa::openapi::Tag;
use utoipa::openapi::tag::TagBuilder;

use crate::app::routes::{Access, Endpoint};
use crate::security::limits::body_limits::BodyLimit;

/// Each group of operations.
const TAGS: &[(&str, &str)] = &[
    ("auth", "Joining, signing in, and one's sessions."),
    ("me", "One's own profile, password and account."),
    ("customers", "Who is invoiced."),
    ("invoices", "From the draft to the last payment. Amounts are whole minor units of the currency."),
    ("credit-notes", "What was invoiced and is taken back."),
    ("documents", "Files, which may hang on an invoice."),
    ("live", "What happens to one's own objects, as it happens."),
    (
        "admin",
        "Users, security events and alerts, for administrators. The API makes nobody an administrator: the command line does.",
    ),
    ("service", "About the service itself; for everybody."),
];

/// The group of a path.
pub(super) fn tag(path: &str) -> &str {
    let first = path.strip_prefix("/api/v1/").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    TAGS.iter().map(|(name, _)| *name).find(|name| *name == first).unwrap_or("service")
}

/// The groups that have operations.
pub(super) fn tags(endpoints: &[Endpoint]) -> Vec<Tag> {
    let used = |name: &str| endpoints.iter().any(|endpoint| tag(endpoint.path) == name);
    let tag = |&(name, text): &(&str, &str)| TagBuilder::new().name(name).description(Some(text)).build();
    TAGS.iter().filter(|(name, _)| used(name)).map(tag).collect()
}

/// What an operation does, who may call it, and what it refuses.
pub(super) fn description(endpoint: &Endpoint, says: &str) -> String {
    let on_an_object = endpoint.path.contains("{id}");
    let who = match endpoint.access {
        Access::Public => "Everybody may call this.",
        Access::SignedIn if on_an_object => {
            "Its owner may call this, signed in; to anybody else the object is one that is not there (404)."
        }
        Access::SignedIn => "Whoever is signed in may call this, on what is his own.",
        Access::Admin => "Administrators may call this; whoever else is signed in may not (403).",
        Access::Ticket => "Whoever brings a ticket; a browser from a page of ours alone (403).",
        Access::TokenOrCookie => {
            "Requires an access token, or the refresh cookie together with `X-Strongroom-Csrf` from a page of ours (403)."
        }
        Access::Cookie => "The browser that holds the refresh cookie may call this, from a page of ours (403).",
    };
    let mut text = format!("{says} {who}");
    if let BodyLimit::Json(bytes) = endpoint.body {
        text.push_str(&format!(" Unknown fields are refused (400), and bodies over {} KiB (413).", bytes / 1024));
    }
    if let BodyLimit::Form(_) = endpoint.body {
        text.push_str(" Unknown parts, and parts with encoded content, are refused (400), and files over what is set (413), 10 MiB if nothing is.");
    }
    text
}
