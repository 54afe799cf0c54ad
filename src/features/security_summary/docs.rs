use crate::http::signature::Docs;

pub const SUMMARY: Docs = Docs {
    summary: "Get the security summary",
    description: "Returns the security events by kind and time, the networks and the accounts with the most warnings and \
        critical events, and the health of the service. \
        Counts at most the newest 100,000 rows of the period. \
        In each minute, the service records the first read by a session as a security event.",
    errors: &[],
};
