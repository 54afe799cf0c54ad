//! `STRONGROOM_QUOTAS_…`: how many rows an owner may keep.

use super::reader::Reader;

/// One cap per kind (`security/limits/row_quotas` says how they are counted).
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

/// More than ten million are not counted within the time that a statement has.
fn quota(reader: &mut Reader<'_>, name: &str) -> i64 {
    i64::try_from(reader.number(name, 1, 10_000_000)).unwrap_or(1)
}
