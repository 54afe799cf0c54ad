//! API4, API6: attacks by floods, slow clients and resource exhaustion (ASVS V2.4, V15.2).

mod body_limits;
mod connection_limits;
mod full_disk;
mod mail_budgets;
mod rate_limits;
mod row_quotas;
