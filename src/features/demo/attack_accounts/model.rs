use std::sync::{Arc, OnceLock};

use secrecy::SecretString;

use crate::base::id::UserId;
use crate::features::customers::id::CustomerId;
use crate::features::documents::id::DocumentId;
use crate::features::invoices::id::InvoiceId;

/// A throw-away user with an open session and one object of each kind.
pub struct AttackAccount {
    pub id: UserId,
    pub email: String,
    pub password: SecretString,
    pub token: SecretString,
    pub customer: CustomerId,
    pub invoice: InvoiceId,
    pub document: DocumentId,
}

/// The URL of the attacker's page, which only development has.
#[derive(Clone, Default)]
pub struct AttackerPage(Arc<OnceLock<String>>);

impl AttackerPage {
    /// Only the first call has an effect.
    pub fn set(&self, url: String) {
        self.0.get_or_init(|| url);
    }

    /// Returns `None` in production.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        self.0.get().cloned()
    }
}
