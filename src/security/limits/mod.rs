//! Limits (ASVS V2.4, V15.2): rates, connections, bodies, concurrent work, rows and mails.
//!
//! Attacks: floods, slowloris, resource exhaustion, mail bombing (API4:2023, API6:2023, CWE-770, CWE-400).

pub mod body_limits;
pub mod concurrency_limits;
pub mod connection_limits;
pub mod mail_budgets;
pub mod rate_limits;
pub mod row_quotas;
