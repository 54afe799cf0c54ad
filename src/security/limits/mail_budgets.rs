//! Mail budgets: limits on mailed links per network and mailbox, and per network and mail domain (CWE-770, CWE-799,
//! API6:2023).
//!
//! **Attack**: mail bombing: an attacker requests links until a mailbox is full, or until a mail provider refuses our
//! mail. Denial of service by the limit itself: an attacker exhausts a shared budget, so that the owner gets no reset
//! link.
//! **Control**:
//! - There is one budget per network and mailbox, and one per network and mail domain. So an attacker's network can
//!   exhaust its own budgets only. Registration and password reset have separate budgets.
//! - A request with a device cookie of the account has a budget of its own, so an attacker behind the same address
//!   cannot exhaust it. A revoked device cookie keeps such a budget, so an attacker with one can cause five mails.
//! - Addresses that differ only in their `+tag` count as one mailbox; the mail goes to the spelling of the account.
//!   Unknown addresses are counted in the same way (no user enumeration).
//! - A window is no longer than the lifetime of a link. So when the budget of a mailbox is exhausted, the links in its
//!   five mails are still valid.
//!
//! **Limits**: an attacker with many networks can cause five mails from each network. A total limit per mailbox would
//! let an attacker block the mailbox.
//! **ASVS**: 2.4.1, 6.3.8, 14.2.4 · **Test**: `attacks::limits::mail_budgets`

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::base::email::EmailAddress;
use crate::base::hex::hex;
use crate::db::counters::{self, Increment};
use crate::http::client_ip::ClientAddr;
use crate::http::error::ApiResult;
use crate::security::crypto::keys::{Keys, Purpose};

/// The window of a budget, which starts with the first mail. It must not be longer than the shortest lifetime of a
/// link.
pub const WINDOW: TimeDelta = TimeDelta::minutes(30);

/// The maximum number of mails of one kind to one mailbox in a window.
const PER_MAILBOX: i64 = 5;

/// The maximum number of mails of one kind to one domain in a window.
const PER_DOMAIN: i64 = 50;

/// The origin of a request for a mail: a known device of the account, or a network (IPv4 /24, IPv6 /48).
pub struct MailOrigin(String);

impl MailOrigin {
    /// Creates the origin of a request from this address. `device` is the id in the account's device cookie, if one was
    /// sent.
    #[must_use]
    pub fn new(device: Option<Uuid>, address: ClientAddr) -> Self {
        match device {
            Some(id) => Self(format!("device {id}")),
            None => Self(format!("network {}", address.network())),
        }
    }
}

/// Counts a mail of this kind. Returns whether it may be sent.
///
/// # Errors
/// [`ApiError::Unavailable`](crate::http::error::ApiError::Unavailable) if the database fails. The mail must then not
/// be sent.
pub async fn spend(
    pool: &PgPool,
    keys: &Keys,
    kind: &str,
    origin: &MailOrigin,
    email: &EmailAddress,
    now: DateTime<Utc>,
) -> ApiResult<bool> {
    for (limit, recipient) in [(PER_MAILBOX, email.mailbox()), (PER_DOMAIN, email.domain().to_owned())] {
        let parts = [kind.as_bytes(), origin.0.as_bytes(), recipient.as_bytes()];
        // The counter's key is a keyed hash, so that the table reveals neither networks nor mail addresses.
        let key = hex(&keys.sign(Purpose::MailBudget, &parts).mac);
        let increment = Increment { kind: "mail_budget", key, by: 1, window_ends_at: now + WINDOW };
        if counters::add(pool, &[increment], now).await?.iter().any(|counter| counter.count > limit) {
            return Ok(false);
        }
    }
    Ok(true)
}
