//! Alerts:
//! - One attack raises one alert ([`deduplication`]).
//! - Each message is delivered at least once ([`delivery`]) and is authentic ([`messages`]).
//! - Only administrators can read alerts ([`records`]).
//! - The number of alerts is limited ([`storm`]).

mod deduplication;
mod delivery;
mod messages;
mod records;
mod storm;

use std::time::Duration;

use serde_json::Value;
use strongroom::base::id::UserId;
use strongroom::security::audit::event::Severity;
use strongroom::security::detection::alerts::{AlertCounts, Finding, Subject};

use crate::support::database::TestDatabase;
use crate::support::receiver::{ReceivedRequest, Receiver};
use crate::support::{TestApp, logs, wait};

const KEY: &str = "bT9Zq3xJ0uN5yRk1GvW7sPd2HcLfE8aMoI6tVzXwQ4nBeKjU";
const WINDOW: Duration = Duration::from_secs(300);

/// Starts a service that sends signed alerts to this receiver.
async fn start_with_receiver(receiver: &Receiver) -> TestApp {
    start_on_with_receiver(TestDatabase::create().await, receiver).await
}

async fn start_on_with_receiver(database: TestDatabase, receiver: &Receiver) -> TestApp {
    logs::capture();
    let (url, authority) = (receiver.url(), receiver.authority());
    TestApp::on(
        database,
        &[
            ("STRONGROOM_ALERTS_WEBHOOK_URL", &url),
            ("STRONGROOM_ALERTS_WEBHOOK_KEY", KEY),
            ("STRONGROOM_ALERTS_CA_FILE", authority.to_str().unwrap()),
        ],
    )
    .await
}

pub fn denials(user: UserId, count: i64) -> Finding {
    let subject = Subject::User(user);
    Finding {
        rule: "access_denials",
        severity: Severity::Warning,
        subject,
        counted_for: "user",
        threshold: 10,
        count,
        window: WINDOW,
    }
}

pub async fn raise(app: &TestApp, finding: &Finding) {
    let services = app.replica();
    let mut transaction = services.pool.begin().await.unwrap();
    services.alerts.raise(&mut transaction, finding, app.clock.now()).await.unwrap();
    transaction.commit().await.unwrap();
}

/// Waits for these counts of open alerts, waiting messages and failed messages.
async fn wait_for_counts(app: &TestApp, open: i64, waiting: i64, failed: i64) {
    let wanted = AlertCounts { open, waiting, failed };
    wait::until_equal(wanted, async || app.replica().alerts.counts().await.unwrap()).await;
}

fn kinds(arrived: &[ReceivedRequest]) -> Vec<(String, i64)> {
    let kind =
        |message: Value| (message["kind"].as_str().unwrap().to_owned(), message["alert"]["count"].as_i64().unwrap());
    arrived.iter().map(|one| kind(one.json())).collect()
}
