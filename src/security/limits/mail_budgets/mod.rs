//! Mail budgets: how many links one network can have mailed to one mailbox, and to one mail domain (CWE-770, API6:2023).
//!
//! **Attack**: mail bombing: an attacker requests links until a mailbox is full, or until a mail provider refuses our mail. Denial
//! of service by the limit itself: an attacker uses up a budget that all clients share, so that the owner gets no reset link.
//! **Control**: a budget per (network, mailbox) and one per (network, mail domain), apart for registration and password reset. So a
//! network uses up its own budgets only. A device cookie of the account replaces the network: the owner's device has its own
//! budget behind an attacker's address too. It is not asked for its epoch: a void cookie is worth five mails. `+tag` spellings are
//! one mailbox here; the mail goes to the spelling of the account. Unknown addresses are counted alike (no user enumeration).
//! A window is no longer than a link lives: while a mailbox budget is used up, the mailbox holds five links that work.
//! **Limits**: an attacker with many networks sends five mails from each. A total cap per mailbox would let them silence it.
//! **ASVS**: 2.4.1, 6.3.8, 14.2.4 · **Test**: `attacks::limits::mail_budgets`

mod store;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::base::email::EmailAddress;
use crate::http::client_ip::ClientAddr;
use crate::http::error::ApiResult;
use crate::security::crypto::keys::{Keys, Purpose};

/// How long a budget lasts, from its first mail on. No longer than the life of the shortest-lived link.
pub const WINDOW: TimeDelta = TimeDelta::minutes(30);

/// Mails of one kind to one mailbox in a window.
const PER_MAILBOX: i64 = 5;

/// Mails of one kind to one domain in a window.
const PER_DOMAIN: i64 = 50;

/// Where a request for a mail comes from: a known device of the account, or a network (IPv4 /24, IPv6 /48).
pub struct MailOrigin(String);

impl MailOrigin {
    /// The origin of a request from this address, with the id of the account's device if its cookie was sent.
    #[must_use]
    pub fn new(device: Option<Uuid>, address: ClientAddr) -> Self {
        match device {
            Some(id) => Self(format!("device {id}")),
            None => Self(format!("network {}", address.network())),
        }
    }
}

/// Counts a mail of this kind, unless a budget is used up. Returns whether it may be sent.
///
/// # Errors
/// [`ApiError::Unavailable`](crate::http::error::ApiError::Unavailable) if the database fails: then there is no mail.
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
        // A keyed hash: the table tells neither networks nor addresses.
        let key = keys.sign(Purpose::MailBudget, &parts).mac;
        if store::add(pool, &key, now, now + WINDOW).await? > limit {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Deletes budgets whose window is over.
///
/// # Errors
/// [`ApiError::Unavailable`](crate::http::error::ApiError::Unavailable) if the database fails.
pub async fn sweep(pool: &PgPool, now: DateTime<Utc>) -> ApiResult<()> {
    Ok(store::sweep(pool, now).await?)
}
