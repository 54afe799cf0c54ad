//! Mail budgets: limits on mailed links per network and mailbox, and per network and mail domain (CWE-770, CWE-799, API6:2023).
//!
//! **Attack**: mail bombing: an attacker requests links until a mailbox is full, or until a mail provider refuses our mail. Denial
//! of service by the limit itself: an attacker exhausts a shared budget, so that the owner gets no reset link.
//! **Control**: one budget per (network, mailbox) and one per (network, mail domain), separate for registration and password reset.
//! So a network exhausts its own budgets only. A device cookie of the account replaces the network, so the owner's device has its
//! own budget even behind an attacker's address. A revoked device cookie counts too: it is worth five mails. `+tag` spellings count
//! as one mailbox; the mail goes to the spelling of the account. Unknown addresses are counted alike (no user enumeration). A window
//! is no longer than the life of a link: a mailbox whose budget is exhausted has five valid links.
//! **Limits**: an attacker with many networks sends five mails from each. A total limit per mailbox would let them block it.
//! **ASVS**: 2.4.1, 6.3.8, 14.2.4 · **Test**: `attacks::limits::mail_budgets`

mod store;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::base::email::EmailAddress;
use crate::http::client_ip::ClientAddr;
use crate::http::error::ApiResult;
use crate::security::crypto::keys::{Keys, Purpose};

/// The window of a budget, from its first mail on. No longer than the shortest life of a link.
pub const WINDOW: TimeDelta = TimeDelta::minutes(30);

/// Mails of one kind to one mailbox per window.
const PER_MAILBOX: i64 = 5;

/// Mails of one kind to one domain per window.
const PER_DOMAIN: i64 = 50;

/// The origin of a request for a mail: a known device of the account, or a network (IPv4 /24, IPv6 /48).
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

/// Counts a mail of this kind. Returns whether it may be sent.
///
/// # Errors
/// [`ApiError::Unavailable`](crate::http::error::ApiError::Unavailable) if the database fails: then no mail is sent.
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
        // A keyed hash: the table reveals neither networks nor mail addresses.
        let key = keys.sign(Purpose::MailBudget, &parts).mac;
        if store::add(pool, &key, now, now + WINDOW).await? > limit {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Deletes expired budgets.
pub async fn sweep(pool: &PgPool, now: DateTime<Utc>) -> ApiResult<()> {
    Ok(store::sweep(pool, now).await?)
}
