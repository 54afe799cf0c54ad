//! Mail budgets: limits on mailed links per network and mailbox, and per network and mail domain (CWE-770, CWE-799,
//! API6:2023).
//!
//! **Attack**: mail bombing: an attacker requests links until a mailbox is full, or until a mail provider refuses our
//! mail. Denial of service by the limit itself: an attacker exhausts a budget that they share with the owner of
//! the mailbox, so the owner gets no reset link.
//! **Control**:
//! - There is one budget per network and mailbox (5 mails in 30 minutes), and one per network and mail domain
//!   (50 mails in 30 minutes). So an attacker can only exhaust the budgets of their own network.
//!   Registration and password reset have separate budgets.
//! - A request with a device cookie of the account has its own budget, so an attacker behind the same address cannot
//!   exhaust this budget. A stolen cookie can cause five mails, even after it was revoked.
//! - Addresses that differ only in their `+tag` count as one mailbox.
//!   The mail is sent to the address as the account spells it.
//!   Addresses without an account are counted in the same way, to prevent user enumeration.
//! - When the budget of a mailbox is exhausted, the links in its five mails are still valid: the window of a budget is
//!   at most as long as the lifetime of a link.
//!
//! **Limits**: an attacker with many networks can cause five mails from each network.
//! There is no limit over all networks together: with such a limit, an attacker could block all mail to a mailbox.
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

/// The window of a budget. It begins with the first mail, and must not be longer than the shortest lifetime of a link.
pub const WINDOW: TimeDelta = TimeDelta::minutes(30);

/// The maximum number of mails of one kind from one network to one mailbox in a window.
const PER_MAILBOX: i64 = 5;

/// The maximum number of mails of one kind from one network to one mail domain in a window.
const PER_DOMAIN: i64 = 50;

/// The source of a request for a mail: a known device of the account, or a network (IPv4 /24, IPv6 /48).
pub struct MailOrigin(String);

impl MailOrigin {
    /// `device` is the id in the device cookie of the account, if the client sent one.
    #[must_use]
    pub fn new(device: Option<Uuid>, address: ClientAddr) -> Self {
        match device {
            Some(id) => Self(format!("device {id}")),
            None => Self(format!("network {}", address.network())),
        }
    }
}

/// Counts a mail of this kind to `email`, and returns whether it may be sent.
///
/// # Errors
/// [`ApiError::Unavailable`](crate::http::error::ApiError::Unavailable) if the database fails.
/// The mail must not be sent then.
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
        // A keyed hash, so that a reader of the table learns neither networks nor mail addresses.
        let key = hex(&keys.sign(Purpose::MailBudget, &parts).mac);
        let increment = Increment { kind: "mail_budget", key, by: 1, window_ends_at: now + WINDOW };
        if counters::add(pool, &[increment], now).await?.iter().any(|counter| counter.count > limit) {
            return Ok(false);
        }
    }
    Ok(true)
}
