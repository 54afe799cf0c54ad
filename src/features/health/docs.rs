use crate::http::signature::Docs;

pub const LIVE: Docs =
    Docs { summary: "Liveness probe", description: "Returns 204 while the process is running.", errors: &[] };

pub const READY: Docs = Docs {
    summary: "Readiness probe",
    description: "Returns 503 while the database is unavailable or not migrated, and during shutdown.",
    errors: &[],
};
