use crate::http::signature::Docs;

pub const CONFIRM: Docs = Docs {
    summary: "Get the page to confirm a registration",
    description: "The registration mail links to this page. \
        The token is in the fragment of the link, which browsers do not send.",
    errors: &[],
};

pub const RESET: Docs = Docs {
    summary: "Get the page to reset the password",
    description: "The password reset mail links to this page. Without a token, the page asks for the address.",
    errors: &[],
};

pub const STYLE: Docs = Docs {
    summary: "Get the style sheet of both pages",
    description: "The pages to which mails link use this file.",
    errors: &[],
};

pub const SCRIPT: Docs = Docs {
    summary: "Get the script of both pages",
    description: "The pages to which mails link use this file.",
    errors: &[],
};

pub const ICON: Docs =
    Docs { summary: "Get the icon", description: "All pages of the service use this icon.", errors: &[] };
