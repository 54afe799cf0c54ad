//! `STRONGROOM_QUOTAS_…`: row quotas of an owner.

use super::reader::Reader;

/// One quota per kind; see `security/limits/row_quotas`.
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

/// More than ten million rows cannot be counted within the statement timeout.
fn quota(reader: &mut Reader<'_>, name: &str) -> i64 {
    i64::try_from(reader.number(name, 1, 10_000_000)).unwrap_or(1)
}
