//! API5, broken function level authorization (ASVS 8.2.1, 8.3.1, 8.3.2). Ordinary users call every administrator
//! function ([`walls`]) and try known bypasses ([`bypasses`]). Former administrators use their old tokens
//! ([`changes`]). Administrators try to remove the last administrator ([`last_administrator`]).

mod bypasses;
mod changes;
mod last_administrator;
mod walls;

use reqwest::Method;

use crate::support::client::Request;
use crate::support::operations::Operation;
use crate::support::{Actor, MAILS, Reply, TestApp};

const FORBIDDEN: &str = "authz_fail/forbidden";
const ENDED: &str = "authn_token_revoked/session_ended";

/// Returns a digest of all rows that an administrator function could change.
async fn digest_all(app: &TestApp) -> String {
    app.digest_all().await + &app.digest(&["login_failures", "refresh_tokens", MAILS]).await
}

async fn id_of(actor: &Actor) -> String {
    actor.get("/api/v1/me").await.ok(200).json()["id"].as_str().unwrap().to_owned()
}

fn by(actor: &Actor, operation: &Operation, id: &str) -> Request {
    actor.request(operation.method.clone(), &operation.path.replace("{id}", id))
}

async fn act(admin: &Actor, id: &str, act: &str) -> Reply {
    admin.request(Method::POST, &format!("/api/v1/admin/users/{id}/{act}")).send().await
}
