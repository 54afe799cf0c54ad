//! `STRONGROOM_QUOTAS_…`: how many rows of each kind one owner may have.

use super::reader::Reader;

/// The maximum number of rows of one owner, for each kind of object (`security/limits/row_quotas`).
#[derive(Clone, Copy, Debug)]
pub struct QuotaSettings {
    pub customers: i64,
    pub invoices: i64,
    pub payments: i64,
    pub credit_notes: i64,
}

impl QuotaSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            customers: quota(reader, "STRONGROOM_QUOTAS_CUSTOMERS"),
            invoices: quota(reader, "STRONGROOM_QUOTAS_INVOICES"),
            payments: quota(reader, "STRONGROOM_QUOTAS_PAYMENTS"),
            credit_notes: quota(reader, "STRONGROOM_QUOTAS_CREDIT_NOTES"),
        }
    }
}

/// Reads a quota. The upper bound is ten million, because the database cannot count more rows within the statement
/// timeout.
fn quota(reader: &mut Reader<'_>, name: &str) -> i64 {
    i64::try_from(reader.number(name, 1, 10_000_000)).unwrap_or(1)
}
