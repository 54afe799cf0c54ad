//! `POST /dev/demo-users`: the demo users with their passwords.
//!
//! Threats and controls:
//! - A client on the network reads the passwords (CWE-522): the route exists only in the development profile.
//!   In this profile, the service listens only on this machine. The image is built without the route.
//! - A page of another site reads the passwords, for example by a host name that resolves to this machine (DNS
//!   rebinding): the request needs an allowed `Origin` and the CSRF header. Test: `attacks::browser::demo_users`.
//!
//! Known limit: other programs on this machine can send the same request, and so read the passwords.

use std::sync::{Arc, OnceLock};

use actix_web::HttpRequest;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Account, Demo};
use crate::http::error::{ApiError, ApiResult};
use crate::http::reply::Json;
use crate::http::signature::Docs;
use crate::security::browser::{AllowedOrigins, csrf};
use crate::security::crypto::secret_output::SecretOutput;

pub const DOCS: Docs = Docs {
    summary: "List the demo users",
    description: "Returns the demo users with their passwords. The route exists only in development.",
    errors: &[ApiError::CrossSiteRequest, ApiError::NotFound],
};

/// The list is empty until the demo data are created.
#[derive(Clone, Default)]
pub struct Accounts(Arc<OnceLock<Vec<Account>>>);

impl Accounts {
    /// Only the first call has an effect.
    pub fn publish(&self, demo: &Demo) {
        let _ = self.0.set(demo.accounts.clone());
    }
}

#[derive(Serialize, ToSchema)]
pub struct AccountList {
    items: Vec<AccountView>,
}

#[derive(Serialize, ToSchema)]
struct AccountView {
    email: &'static str,
    name: &'static str,
    is_admin: bool,
    #[schema(value_type = String)]
    password: SecretOutput,
}

impl From<&Account> for AccountView {
    fn from(account: &Account) -> Self {
        let &Account { email, name, is_admin, ref password } = account;
        Self { email, name, is_admin, password: password.clone().into() }
    }
}

/// Returns 404 until the demo data are created.
pub async fn list(
    request: HttpRequest,
    origins: Data<AllowedOrigins>,
    accounts: Data<Accounts>,
) -> ApiResult<Json<AccountList>> {
    csrf::check(request.headers(), &origins)?;
    let accounts = accounts.0.get().ok_or(ApiError::NotFound)?;
    Ok(Json(AccountList { items: accounts.iter().map(AccountView::from).collect() }))
}
