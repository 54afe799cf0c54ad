//! Receivers fail or hang, and processes are killed. Each message is delivered, or an event records that the service
//! gave up.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;
use strongroom::base::id::UserId;
use strongroom::security::detection::alerts::{Finding, Subject};

use super::{KEY, denials, raise, start_on_with_receiver, start_with_receiver, wait_for_counts};
use crate::support::folder;
use crate::support::receiver::{Receiver, ReceiverBehavior};
use crate::support::{TestApp, logs, wait};

/// Waits for events of failed deliveries, and returns their sinks.
async fn failures(app: &TestApp) -> Vec<String> {
    let sql = "select reason from security_events where kind = 'alert_delivery_failed'";
    wait::until_some("an event of a failed delivery", async || {
        let sinks: Vec<String> = sqlx::query_scalar(sql).fetch_all(&app.all_rows).await.unwrap();
        Some(sinks).filter(|sinks| !sinks.is_empty())
    })
    .await
}

/// Waits until the first message has failed this many times and is planned again.
async fn wait_until_postponed(receiver: &Receiver, times: usize) {
    let id = receiver.requests()[0].headers["strongroom-message-id"].clone();
    let noted = |line: &Value| {
        line["message"] == "failed to deliver a message; a retry follows" && line["message_id"] == id.as_str()
    };
    wait::until_equal(times, async || logs::all_containing(&id).iter().filter(|line| noted(line)).count()).await;
}

#[actix_web::test]
async fn failing_receiver_is_tried_three_times_then_recorded_once() {
    let receiver =
        Receiver::start(ReceiverBehavior::status("503 Down", "", "retry later, says canary-of-the-receiver")).await;
    let app = start_with_receiver(&receiver).await;
    raise(&app, &denials(UserId::new(), 20)).await;
    for attempt in 1..=3 {
        receiver.wait_for_requests(attempt).await;
        if attempt < 3 {
            wait_until_postponed(&receiver, attempt).await;
        }
        wait_for_counts(&app, 1, if attempt < 3 { 1 } else { 0 }, if attempt < 3 { 0 } else { 1 }).await;
        // A check before the retry is due must not send the message.
        app.replica().alerts.summarise_and_clear(app.clock.now()).await.unwrap();
        assert_eq!(receiver.requests().len(), attempt);
        if attempt < 3 {
            // Make the retry due in the database. If the clock advanced instead, the alert would also send a summary.
            let sql = "update outbox set next_attempt_at = created_at where done_at is null and given_up_at is null";
            sqlx::query(sql).execute(&app.all_rows).await.unwrap();
        }
    }
    let id = receiver.requests()[0].headers["strongroom-message-id"].clone();
    assert!(receiver.requests().iter().all(|message| message.headers["strongroom-message-id"] == id));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(receiver.requests().len(), 3, "the service makes no fourth attempt");
    assert_eq!(failures(&app).await, ["webhook"]);
    assert!(!logs::contains("canary-of-the-receiver"));
}

#[actix_web::test]
async fn delays_between_delivery_attempts_grow() {
    let receiver = Receiver::start(ReceiverBehavior::status("503 Down", "", "")).await;
    let app = start_with_receiver(&receiver).await;
    raise(&app, &denials(UserId::new(), 20)).await;
    let pause = async |attempts: usize| -> i64 {
        receiver.wait_for_requests(attempts).await;
        wait_until_postponed(&receiver, attempts).await;
        let sql = "select extract(epoch from next_attempt_at - $1)::bigint from outbox
                   where queue = 'webhook' and kind = 'opened'";
        sqlx::query_scalar(sql).bind(app.clock.now()).fetch_one(&app.all_rows).await.unwrap()
    };
    let first = pause(1).await;
    // The first retry follows after about 30 seconds. On a loaded machine, the first attempt may start late.
    assert!((1..=45).contains(&first), "{first}");
    app.clock.advance(TimeDelta::seconds(46));
    let second = pause(2).await;
    assert!((250..=450).contains(&second), "{second}");
}

#[actix_web::test]
async fn message_of_a_killed_process_is_delivered_by_another_replica() {
    let receiver = Receiver::start(ReceiverBehavior::NeverReply).await;
    let mut one = start_with_receiver(&receiver).await;
    raise(&one, &denials(UserId::new(), 20)).await;
    let held = receiver.wait_for_requests(1).await.remove(0);
    // The killed process has leased the message, but not delivered it.
    one.running.take().unwrap().abort();
    receiver.set_behavior(ReceiverBehavior::ok());
    let two = start_on_with_receiver(one.database.clone(), &receiver).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(receiver.requests().len(), 1, "the other replica must wait until the lease expires");
    two.clock.advance(TimeDelta::seconds(31));
    let delivered = receiver.wait_for_requests(2).await.remove(1);
    assert_eq!(delivered.headers["strongroom-message-id"], held.headers["strongroom-message-id"]);
    wait_for_counts(&two, 1, 0, 0).await;
}

#[actix_web::test]
async fn killed_last_attempt_is_recorded_as_failed_by_another_replica() {
    let receiver = Receiver::start(ReceiverBehavior::NeverReply).await;
    let mut one = start_with_receiver(&receiver).await;
    raise(&one, &denials(UserId::new(), 20)).await;
    let held = receiver.wait_for_requests(1).await.remove(0);
    one.running.take().unwrap().abort();
    let set = sqlx::query("update outbox set attempts = 3 where queue = 'webhook'");
    set.execute(&one.all_rows).await.unwrap();
    let two = start_on_with_receiver(one.database.clone(), &receiver).await;
    two.clock.advance(TimeDelta::seconds(31));
    wait_for_counts(&two, 1, 0, 1).await;
    assert_eq!(receiver.requests().len(), 1);
    assert_eq!(held.headers["strongroom-message-id"].len(), 36);
    assert_eq!(failures(&two).await, ["webhook"]);
}

#[actix_web::test]
async fn locked_message_delays_no_other_message() {
    let receiver = Receiver::start(ReceiverBehavior::NeverReply).await;
    let mut one = start_with_receiver(&receiver).await;
    raise(&one, &denials(UserId::new(), 20)).await;
    receiver.wait_for_requests(1).await;
    one.running.take().unwrap().abort();
    // This transaction locks the oldest message, as another worker would.
    let mut holding = one.all_rows.begin().await.unwrap();
    let due = "update outbox set next_attempt_at = created_at where queue = 'webhook'";
    assert_eq!(sqlx::query(due).execute(&mut *holding).await.unwrap().rows_affected(), 1);
    receiver.set_behavior(ReceiverBehavior::ok());
    let two = start_on_with_receiver(one.database.clone(), &receiver).await;
    two.clock.advance(TimeDelta::seconds(31));
    raise(&two, &denials(UserId::new(), 20)).await;
    receiver.wait_for_requests(2).await;
    wait_for_counts(&two, 2, 1, 0).await;
    holding.rollback().await.unwrap();
    wait_for_counts(&two, 2, 0, 0).await;
}

#[actix_web::test]
async fn given_up_alert_mail_is_recorded_once() {
    logs::capture();
    let app = TestApp::with(&[("STRONGROOM_ALERTS_MAIL_TO", "ops@example.com")]).await;
    // A file in place of the mail folder prevents all deliveries.
    let folder = app.state_dir.join("mail");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::write(&folder, "").unwrap();
    raise(&app, &denials(UserId::new(), 20)).await;
    let last = "update outbox set attempts = 9, next_attempt_at = created_at where queue = 'mail' and attempts = 1";
    wait::until("a failed delivery", async || {
        sqlx::query(last).execute(&app.all_rows).await.unwrap().rows_affected() == 1
    })
    .await;
    wait_for_counts(&app, 1, 0, 1).await;
    assert_eq!(failures(&app).await, ["mail"]);
}

#[actix_web::test]
async fn hanging_receiver_delays_no_request_and_no_other_receiver() {
    let (webhook, slack) =
        (Receiver::start(ReceiverBehavior::ok()).await, Receiver::start(ReceiverBehavior::NeverReply).await);
    let both = folder::new_path();
    let text = [&webhook, &slack].map(|one| std::fs::read_to_string(one.authority()).unwrap()).concat();
    std::fs::write(&both, text).unwrap();
    let app = TestApp::with(&[
        ("STRONGROOM_ALERTS_WEBHOOK_URL", &webhook.url()),
        ("STRONGROOM_ALERTS_WEBHOOK_KEY", KEY),
        ("STRONGROOM_ALERTS_SLACK_URL", &slack.url()),
        ("STRONGROOM_ALERTS_CA_FILE", both.to_str().unwrap()),
    ])
    .await;
    std::fs::remove_file(&both).unwrap();
    raise(&app, &denials(UserId::new(), 20)).await;
    slack.wait_for_requests(1).await;
    // A chat that does not respond delays neither requests nor the webhook.
    let alice = app.user("alice").await;
    for _ in 0..5 {
        raise(&app, &denials(UserId::new(), 20)).await;
    }
    alice.get("/api/v1/me").await.ok(200);
    let slow = slack.requests().len();
    webhook.wait_for_requests(6).await;
    assert!(slow <= 2, "{slow} messages were sent to a chat that does not respond");
    // The shutdown waits for at most one delivery. The next start sends the rest.
    slack.set_behavior(ReceiverBehavior::ok());
    let database = app.stop().await;
    let again = TestApp::on(
        database,
        &[
            ("STRONGROOM_ALERTS_SLACK_URL", &slack.url()),
            ("STRONGROOM_ALERTS_CA_FILE", slack.authority().to_str().unwrap()),
        ],
    )
    .await;
    again.clock.advance(TimeDelta::minutes(2));
    let ids = || -> BTreeSet<String> {
        slack.requests().iter().map(|message| message.json()["text"].as_str().unwrap().to_owned()).collect()
    };
    wait::until_equal(6, async || ids().len()).await;
}

#[actix_web::test]
async fn many_networks_cannot_fill_the_outbox() {
    let receiver = Receiver::start(ReceiverBehavior::NeverReply).await;
    let app = start_with_receiver(&receiver).await;
    raise(&app, &denials(UserId::new(), 20)).await;
    let flood = "insert into outbox (id, alert_id, kind, queue, count, created_at, next_attempt_at)
        select gen_random_uuid(), a.id, 'continues', 'webhook', 1, now(), now() + interval '1 day'
        from alerts a, generate_series(1, 1000)";
    sqlx::query(flood).execute(&app.all_rows).await.unwrap();
    let network = Subject::Network("203.0.113.0".parse().unwrap());
    raise(&app, &Finding { subject: network, ..denials(UserId::new(), 20) }).await;
    let of_network = "select o.queue from outbox o join alerts a on a.id = o.alert_id where a.subject = '203.0.113.0'";
    let queued: Vec<String> = sqlx::query_scalar(of_network).fetch_all(&app.all_rows).await.unwrap();
    assert_eq!(queued, ["log"], "the alert is stored and logged");
    assert!(logs::contains("alert stored but not sent"));
}
