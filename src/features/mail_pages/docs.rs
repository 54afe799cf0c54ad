//! Texts of the OpenAPI document: the pages that mails link to.

use crate::http::signature::Docs;

pub const CONFIRM: Docs = Docs {
    summary: "Get the page to confirm a registration",
    description: "The registration mail links here. The token is in the fragment, which browsers do not send.",
    errors: &[],
};

pub const RESET: Docs = Docs {
    summary: "Get the page to reset the password",
    description: "The password reset mail links here. Without a token, the page asks for the address.",
    errors: &[],
};

pub const STYLE: Docs = Docs {
    summary: "Get the style sheet of both pages",
    description: "For the pages that mails link to.",
    errors: &[],
};

pub const SCRIPT: Docs =
    Docs { summary: "Get the script of both pages", description: "For the pages that mails link to.", errors: &[] };

pub const ICON: Docs = Docs { summary: "Get the icon", description: "For all pages.", errors: &[] };
