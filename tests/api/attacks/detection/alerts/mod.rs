//! People are told of an attack once ([`once`]), whatever the receiver or the process does ([`delivery`]); they can tell
//! our [`messages`] from others'; what is kept of an alert ([`records`]) is not for everybody;
//! and an attacker with many networks makes no flood of alerts ([`storm`]).

mod delivery;
mod messages;
mod once;
mod records;
mod storm;

use std::time::Duration;

use serde_json::Value;
use strongroom::base::id::UserId;
use strongroom::security::audit::event::Severity;
use strongroom::security::detection::alerts::{About, Finding, Numbers};

use crate::support::database::TestDatabase;
use crate::support::receiver::{Arrived, Receiver};
use crate::support::{TestApp, logs, wait};

const KEY: &str = "bT9Zq3xJ0uN5yRk1GvW7sPd2HcLfE8aMoI6tVzXwQ4nBeKjU";
const WINDOW: Duration = Duration::from_secs(300);

/// A service that tells this receiver, signed.
async fn telling(receiver: &Receiver) -> TestApp {
    telling_on(TestDatabase::create().await, receiver).await
}

async fn telling_on(database: TestDatabase, receiver: &Receiver) -> TestApp {
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

fn denials(user: UserId, count: i64) -> Finding {
    let about = About::User(user);
    Finding {
        rule: "access_denials",
        severity: Severity::Warning,
        about,
        counted_for: "user",
        threshold: 10,
        count,
        window: WINDOW,
    }
}

async fn raise(app: &TestApp, finding: &Finding) {
    let services = app.services();
    let mut transaction = services.pool.begin().await.unwrap();
    services.alerts.raise(&mut transaction, finding, app.clock.now()).await.unwrap();
    transaction.commit().await.unwrap();
}

/// The numbers, once they are these.
async fn numbers(app: &TestApp, open: i64, waiting: i64, failed: i64) {
    let wanted = Numbers { open, waiting, failed };
    wait::equal(wanted, async || app.services().alerts.numbers().await.unwrap()).await;
}

fn kinds(arrived: &[Arrived]) -> Vec<(String, i64)> {
    let kind =
        |message: Value| (message["kind"].as_str().unwrap().to_owned(), message["alert"]["count"].as_i64().unwrap());
    arrived.iter().map(|one| kind(one.json())).collect()
}
