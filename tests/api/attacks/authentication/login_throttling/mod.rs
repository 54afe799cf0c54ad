//! API2:2023. [`accounts`]: brute force on one account, and account lockout as denial of service. [`networks`]:
//! password spraying. [`counters`]: exact counts, under parallel attempts and on two replicas.
//! D16 in `docs/decisions.md` gives the reasons for the limits.

mod accounts;
mod counters;
mod networks;

use std::net::Ipv4Addr;

use reqwest::Method;
use serde_json::json;

use crate::support::actor::{reset_token, try_sign_in};
use crate::support::client::Client;
use crate::support::{Reply, TestApp};

const WRONG: &str = "correct horse battery 8";
const OTHER: &str = "another horse battery 7";
const MASTER: (&str, &str) = ("STRONGROOM_SECRETS_MASTER_KEY", "q9Xv3TzK7mWb1LcR5nYd8sHf2JgP6uEa0oIiVxNtQwZr4BkM");

/// Returns a client that is alone in its network.
fn from(app: &TestApp, network: u8) -> Client {
    app.client_from(Ipv4Addr::new(127, 3, network, 1).into())
}

/// Sends wrong passwords, each from another network.
async fn guess(app: &TestApp, email: &str, times: u8) {
    for network in 100..100 + times {
        try_sign_in(&from(app, network), email, WRONG).await.assert_refused(401, "invalid_credentials");
    }
}

/// Returns the response and the number of computed password hashes.
async fn counted(app: &TestApp, client: &Client, email: &str, password: &str) -> (Reply, usize) {
    let hashes = || app.services().credentials.passwords.hashes();
    let before = hashes();
    let reply = try_sign_in(client, email, password).await;
    (reply, hashes() - before)
}

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.all_rows).await.unwrap()
}

/// Returns the number of mails about a lock, and how many of them have a recipient.
async fn lock_mails(app: &TestApp) -> (i64, i64) {
    let all = number(app, "select count(*) from outbox where kind = 'account_locked'").await;
    let addressed =
        number(app, "select count(*) from outbox where kind = 'account_locked' and recipient like '%@%'").await;
    (all, addressed)
}

async fn reset(app: &TestApp, email: &str, client: &Client) -> Reply {
    let ask = json!({"email": email});
    app.anonymous().request(Method::POST, "/api/v1/auth/password-reset").json(&ask).send().await.ok(202);
    let token = reset_token(app, email, "").await;
    let choose = json!({"token": token, "new_password": OTHER});
    client.request(Method::POST, "/api/v1/auth/password-reset/confirm").json(&choose).send().await.ok(204)
}
