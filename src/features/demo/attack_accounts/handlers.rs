use actix_web::web::Data;

use super::model::{AttackAccount, AttackerPage};
use super::store;
use super::views::AttackAccountsView;
use crate::config::Profile;
use crate::features::auth::model::ClientDescription;
use crate::features::customers::id::CustomerId;
use crate::features::customers::model::Customer;
use crate::features::demo::plan::{CUSTOMERS, DemoUser, USERS};
use crate::features::demo::{DemoServices, invalid_plan};
use crate::features::documents::id::DocumentId;
use crate::features::invoices::id::InvoiceId;
use crate::features::invoices::store::InvoiceStore;
use crate::http::client_ip::ClientAddr;
use crate::http::error::{ApiError, ApiResult};
use crate::http::reply::Issued;
use crate::security::authorization::administrators::AdminCaller;
use crate::security::crypto::secret_tokens::SecretToken;
use crate::security::sessions::access_tokens::BadTokens;

pub const PATH: &str = "/api/v1/admin/attack-accounts";

/// Creates an attacker and a victim, and deletes old throw-away accounts.
/// In development, also resets the login counters of the caller's address, so that further attacks are possible.
pub async fn create(
    admin: AdminCaller,
    address: ClientAddr,
    client: ClientDescription,
    profile: Data<Profile>,
    demo: Data<DemoServices>,
    bad_tokens: Data<Option<BadTokens>>,
    attacker_page: Data<AttackerPage>,
) -> ApiResult<Issued<AttackAccountsView>> {
    let created_at = demo.clock.now();
    store::delete_old(&demo).await?;
    if **profile == Profile::Development {
        demo.credentials.throttle.reset_client(address).await?;
    }
    let attacker = demo.create_attack_account(&admin, "Ben", &client).await?;
    let victim = demo.create_attack_account(&admin, "Anna", &client).await?;
    let bad_tokens = (**bad_tokens).clone();
    Ok(Issued(AttackAccountsView {
        created_at,
        attacker: attacker.into(),
        victim: victim.into(),
        expired_token: bad_tokens.as_ref().map(|tokens| tokens.expired.clone()),
        token_without_issuer: bad_tokens.map(|tokens| tokens.missing_issuer),
        attacker_page: attacker_page.url(),
    }))
}

impl DemoServices {
    /// The new user gets copies of three objects of the first demo user: a draft, its customer and a document.
    async fn create_attack_account(
        &self,
        admin: &AdminCaller,
        name: &str,
        client: &ClientDescription,
    ) -> ApiResult<AttackAccount> {
        let [DemoUser { invoices: [draft, ..], document: Some(document), .. }, ..] = &USERS else {
            return Err(invalid_plan());
        };
        let [(_, _, customer_body), ..] = CUSTOMERS else { return Err(invalid_plan()) };
        let password = SecretToken::random().map_err(ApiError::internal)?.to_wire();
        let (email, issued) = store::create(self, admin, name, &password, client).await?;
        let (caller, token) = self.use_session(&issued).await?;
        let (customer, invoice, document_id) = (CustomerId::new(), InvoiceId::new(), DocumentId::new());
        self.create_object::<Customer>(&caller, customer, customer_body).await?;
        self.create_invoice(&InvoiceStore::new(self.pool.clone()), &caller, draft, invoice, customer).await?;
        self.create_document(&caller, document, document_id, invoice).await?;
        Ok(AttackAccount { id: issued.user, email, password, token, customer, invoice, document: document_id })
    }
}
