//! Texts of the OpenAPI document: the business.

use crate::http::signature::Docs;

pub const READ: Docs = Docs {
    summary: "Get the business",
    description: "The seller on the caller's invoices: bank account, time zone and payment terms.",
    errors: &[],
};

pub const REPLACE: Docs = Docs {
    summary: "Replace the business",
    description: "Replaces all fields; absent ones are cleared. Drafts show the new business; issued invoices do not change.",
    errors: &[],
};
