use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::model::AttackAccount;
use crate::base::id::UserId;
use crate::features::customers::id::CustomerId;
use crate::features::documents::id::DocumentId;
use crate::features::invoices::id::InvoiceId;
use crate::security::crypto::secret_output::SecretOutput;

/// The accounts of one attack.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "created_at": "2026-12-01T09:30:00.000001Z", "attacker_page": "http://127.0.0.1:49152/",
    "expired_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl",
    "token_without_issuer": "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl"
}))]
pub struct AttackAccountsView {
    /// The time at which the accounts were created (UTC). The security events of the attack are not older.
    pub(super) created_at: DateTime<Utc>,
    /// Ben, the attacker.
    pub(super) attacker: AttackAccountView,
    /// Anna, the victim of Ben.
    pub(super) victim: AttackAccountView,
    /// A token with a valid signature that has expired. Null in production.
    #[schema(required = true, max_length = 2000, pattern = "^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$")]
    pub(super) expired_token: Option<String>,
    /// A token with a valid signature, but without `iss`. Null in production.
    #[schema(required = true, max_length = 2000, pattern = "^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$")]
    pub(super) token_without_issuer: Option<String>,
    /// The URL of a page that attacks the service from the browser. The page has another origin. Null in production.
    #[schema(required = true, max_length = 30, pattern = "^http://127\\.0\\.0\\.1:[0-9]+/$")]
    pub(super) attacker_page: Option<String>,
}

/// A throw-away user.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "a0000000-0000-4000-8000-000000000021", "email": "ben-a0000000-0000-4000-8000-000000000021@attacks.invalid",
    "password": "cGFzc3dvcmQtb2YtYS10aHJvdy1hd2F5LWFjY291bnQ",
    "token": "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl",
    "customer": "c0000000-0000-4000-8000-000000000021", "invoice": "10000000-0000-4000-8000-000000000021",
    "document": "d0000000-0000-4000-8000-000000000021"
}))]
pub struct AttackAccountView {
    /// The user's id.
    #[schema(value_type = String, format = Uuid)]
    id: UserId,
    /// The email address with which the user logs in. It receives no mail.
    #[schema(format = Email)]
    email: String,
    /// Password of the user.
    #[schema(value_type = String, min_length = 43, max_length = 43, pattern = "^[A-Za-z0-9_-]{43}$")]
    password: SecretOutput,
    /// Access token of the user's session.
    #[schema(value_type = String, max_length = 2000, pattern = "^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$")]
    token: SecretOutput,
    /// The user's customer.
    #[schema(value_type = String, format = Uuid)]
    customer: CustomerId,
    /// The user's invoice, which is a draft.
    #[schema(value_type = String, format = Uuid)]
    invoice: InvoiceId,
    /// The user's document: a text file that is attached to the invoice.
    #[schema(value_type = String, format = Uuid)]
    document: DocumentId,
}

impl From<AttackAccount> for AttackAccountView {
    fn from(account: AttackAccount) -> Self {
        let AttackAccount { id, email, password, token, customer, invoice, document } = account;
        Self { id, email, password: password.into(), token: token.into(), customer, invoice, document }
    }
}
