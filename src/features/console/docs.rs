use crate::http::error::ApiError;
use crate::http::signature::Docs;

pub const PAGE: Docs = Docs {
    summary: "Get the web console",
    description: "Returns a page for using the service in a browser. \
        Returns 404 if the setting `STRONGROOM_HTTP_CONSOLE` is false, which is the default in production.",
    errors: &[ApiError::NotFound],
};

pub const STYLE: Docs = Docs {
    summary: "Get the style sheet of the web console",
    description: "Returns 404 if the version in the path is not the version of the current page.",
    errors: &[ApiError::NotFound],
};

pub const SCRIPT: Docs = Docs {
    summary: "Get a script of the web console",
    description: "Returns 404 if the version in the path is not the version of the current page.",
    errors: &[ApiError::NotFound],
};

pub const ATTACK_SCRIPT: Docs = Docs {
    summary: "Get a script of the attack panel",
    description: "Returns 404 if the version in the path is not the version of the current page, or if the attack panel is disabled.",
    errors: &[ApiError::NotFound],
};
