use crate::http::signature::Docs;

pub const READ: Docs = Docs {
    summary: "Get the business",
    description: "Returns the seller on the caller's invoices, with bank account, time zone and payment terms.",
    errors: &[],
};

pub const REPLACE: Docs = Docs {
    summary: "Replace the business",
    description: "Replaces all fields, and clears fields that are absent. Drafts then show the new business. \
        Issued invoices do not change.",
    errors: &[],
};
