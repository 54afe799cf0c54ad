//! Demo data: two users, each with customers, invoices and one document. Development also has an administrator,
//! who has one customer.
//! Production has demo data only if a setting provides the users' password (`config/secrets.rs`).
//!
//! Each start of the service creates the demo data that are missing.
//! Least privilege: the module logs in as each demo user, and calls the stores with the user's [`Caller`].
//! Ids are fixed, so that the examples of the OpenAPI document and of `docs/requests.http` work on every machine.

#[cfg(feature = "dev")]
pub mod accounts;
pub mod attack_accounts;
mod objects;
mod plan;

use std::net::Ipv4Addr;

use actix_web::http::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgConnection, PgPool};

use super::auth::model::ClientDescription;
use super::auth::session_store::IssuedSession;
use super::auth::store::AuthStore;
use super::documents::upload_service::UploadService;
use super::users::purge_store::OwnerPurge;
use super::users::store as users;
pub use plan::{BEN, CUSTOMER_WITHOUT_INVOICES, DRAFT, ISSUED};
use plan::{DemoUser, FOREIGN_INVOICE, USERS};

use crate::base::clock::Clock;
use crate::base::id::UserId;
use crate::db::violates;
use crate::http::client_ip::{ClientAddr, TrustedProxies};
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::context::background;
use crate::security::audit::event::EventKind;
use crate::security::audit::recorder::Recorder;
use crate::security::authentication::credentials::Credentials;
use crate::security::sessions::caller::{Authenticator, Caller};

#[derive(Clone)]
pub struct DemoServices {
    pub pool: PgPool,
    pub authenticator: Authenticator,
    pub credentials: Credentials,
    pub auth: AuthStore,
    pub recorder: Recorder,
    pub clock: Clock,
    pub uploads: UploadService,
    pub purge: OwnerPurge,
}

/// The demo users that exist and can log in.
pub struct Demo {
    pub accounts: Vec<Account>,
}

#[derive(Clone)]
pub struct Account {
    pub email: &'static str,
    pub name: &'static str,
    pub password: SecretString,
    is_admin: bool,
}

fn invalid_plan() -> ApiError {
    ApiError::internal("demo data is invalid")
}

/// Returns `None` if a demo user cannot log in: the password was changed, or the account is locked or is being deleted.
///
/// `owner` is a connection with the role of the schema's owner.
/// Without this connection, no administrator is created, because the service's role cannot write a user's role.
pub async fn create_missing(
    services: &DemoServices,
    owner: Option<&mut PgConnection>,
    passwords: &[SecretString; 3],
) -> ApiResult<Option<Demo>> {
    background(&services.recorder, create_users(services, owner, passwords)).await
}

async fn create_users(
    services: &DemoServices,
    mut owner: Option<&mut PgConnection>,
    passwords: &[SecretString; 3],
) -> ApiResult<Option<Demo>> {
    let mut accounts = Vec::new();
    for (user, password) in USERS.iter().zip(passwords) {
        let id: UserId = user.id.parse().map_err(|_| invalid_plan())?;
        let (email, name) =
            (user.email.parse().map_err(|_| invalid_plan())?, user.name.parse().map_err(|_| invalid_plan())?);
        let (hash, now) = (services.credentials.passwords.hash(password).await?, services.clock.now());
        let created = match (user.is_admin, owner.as_deref_mut()) {
            (false, _) => {
                let mut connection = services.pool.acquire().await?;
                users::create(&mut connection, id, &email, &name, &hash, now).await
            }
            (true, Some(owner)) => users::create_admin(owner, id, &email, &name, &hash, now).await,
            (true, None) => continue,
        };
        match created {
            // The user was deleted, but their `owners` row still exists. The service must start anyway.
            Err(error) if violates(&error, "owners_pkey") => return Ok(None),
            created => created?,
        };
        let caller = match services.sign_in(user, password).await {
            // The password was changed, or the account is locked after failed logins. The service must start anyway.
            Err(ApiError::InvalidCredentials | ApiError::TooManyRequests { .. }) => return Ok(None),
            signed_in => signed_in?,
        };
        services.create_objects(user, &caller).await?;
        services.auth.end(&caller, caller.session(), "demo_setup").await?;
        let &DemoUser { email, name, is_admin, .. } = user;
        accounts.push(Account { email, name, password: password.clone(), is_admin });
    }
    Ok(Some(Demo { accounts }))
}

impl DemoServices {
    async fn sign_in(&self, user: &DemoUser, password: &SecretString) -> ApiResult<Caller> {
        let here = ClientAddr::resolve(Ipv4Addr::LOCALHOST.into(), &HeaderMap::new(), &TrustedProxies::default());
        let attempt = self.credentials.sign_in(user.email, here);
        let email = user.email.parse().map_err(|_| invalid_plan())?;
        let found = self.auth.credentials(Some(&email)).await?;
        let verified = self.credentials.check(attempt, password, found, EventKind::AuthnLoginFail).await?;
        let issued = self.auth.open_session(&verified, None, &ClientDescription::new(Some("demo data"), here)).await?;
        Ok(self.use_session(&issued).await?.0)
    }

    async fn use_session(&self, issued: &IssuedSession) -> ApiResult<(Caller, SecretString)> {
        let token = self
            .authenticator
            .tokens
            .issue(issued.user, issued.session, issued.lifetime, self.clock.now())
            .map_err(ApiError::internal)?;
        Ok((self.authenticator.verify(token.expose_secret()).await?, token))
    }
}

impl Demo {
    /// Returns a text for developers: shell commands to try, and the login of the administrator.
    #[must_use]
    pub fn instructions(&self, base: &str) -> String {
        let Some(Account { email, password, .. }) = self.accounts.first() else { return String::new() };
        let password = password.expose_secret();
        let administrator =
            self.accounts.iter().find(|account| account.is_admin).map(|Account { email, password, .. }| {
                format!("\n\nThe administrator is {email}, with the password {}", password.expose_secret())
            });
        let administrator = administrator.unwrap_or_default();
        format!(
            r#"Sign in, read an invoice, try to read another user's invoice (404):

TOKEN=$(curl -s {base}/api/v1/auth/login -H 'Content-Type: application/json' -d '{{"email":"{email}","password":"{password}"}}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
curl -iw "\n" {base}/api/v1/invoices/{ISSUED} -H "Authorization: Bearer $TOKEN"
curl -iw "\n" {base}/api/v1/invoices/{FOREIGN_INVOICE} -H "Authorization: Bearer $TOKEN"{administrator}"#
        )
    }
}
