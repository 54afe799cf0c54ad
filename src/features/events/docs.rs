use crate::http::signature::Docs;

pub const OWN: Docs = Docs {
    summary: "List security events of the account",
    description: "Returns the security history of the caller's account, newest first: logins, failed logins, \
        sessions and account changes. Paginated: `next_cursor` is the cursor of the next page.",
    errors: &[],
};

pub const ALL: Docs = Docs {
    summary: "List security events",
    description: "Returns the security events of all users that match the filter, newest first. \
        Paginated: `next_cursor` is the cursor of the next page. \
        In each minute, the service records the first read by a session as a security event.",
    errors: &[],
};

pub const ALERTS: Docs = Docs {
    summary: "List alerts",
    description: "Returns the alerts of the detection rules, newest first. \
        Paginated: `next_cursor` is the cursor of the next page. \
        In each minute, the service records the first read by a session as a security event.",
    errors: &[],
};
