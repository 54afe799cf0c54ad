//! One attack raises one alert, even if several replicas detect it many times.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use strongroom::base::id::UserId;
use strongroom::security::detection::alerts::Finding;

use super::{KEY, denials, kinds, raise, start_on_with_receiver, start_with_receiver, wait_for_counts};
use crate::support::actor::{mails, newest_mail};
use crate::support::folder;
use crate::support::receiver::{Receiver, ReceiverBehavior};
use crate::support::{TestApp, logs, wait};

#[actix_web::test]
async fn repeated_findings_send_one_alert_one_summary_and_one_clear() {
    logs::capture();
    let (webhook, slack) =
        (Receiver::start(ReceiverBehavior::ok()).await, Receiver::start(ReceiverBehavior::ok()).await);
    // The receivers' certificates come from different authorities, so the CA file contains two.
    let folder = folder::new_path();
    let both = [&webhook, &slack].map(|one| std::fs::read_to_string(one.authority()).unwrap()).concat();
    std::fs::write(&folder, both).unwrap();
    let app = TestApp::with(&[
        ("STRONGROOM_ALERTS_WEBHOOK_URL", &webhook.url()),
        ("STRONGROOM_ALERTS_WEBHOOK_KEY", KEY),
        ("STRONGROOM_ALERTS_SLACK_URL", &slack.url()),
        ("STRONGROOM_ALERTS_CA_FILE", folder.to_str().unwrap()),
        ("STRONGROOM_ALERTS_MAIL_TO", "security@api.example"),
        ("STRONGROOM_ALERTS_RUNBOOKS", "https://wiki.example/runbooks"),
    ])
    .await;
    std::fs::remove_file(&folder).unwrap();
    let user = UserId::new();

    raise(&app, &denials(user, 20)).await;
    let first = webhook.wait_for_requests(1).await[0].json();
    let chat = slack.wait_for_requests(1).await[0].json();
    let mail = newest_mail(&app, "security@api.example").await;
    for count in 21..=47 {
        raise(&app, &denials(user, count)).await;
    }
    let objects = "objects of other users or administrator functions";
    let sentence = format!("User {user} was refused 20 {objects} in the last 5 minutes.");
    let page = "https://wiki.example/runbooks/access_denials.md";
    assert_eq!((first["text"].as_str(), first["runbook"].as_str()), (Some(sentence.as_str()), Some(page)));
    assert_eq!(first["alert"]["subject"], json!({"kind": "user", "id": user, "address": null}));
    assert_eq!(chat["text"], format!("[warning] {sentence} What to do: {page}"));
    assert!(mail.contains("Subject: Strongroom alert\r\n") && mail.contains("20 objects of other users"), "{mail}");

    // While the attack continues, one summary at the end of the window reports the highest count.
    app.clock.advance(TimeDelta::minutes(4));
    raise(&app, &denials(user, 31)).await;
    app.replica().alerts.summarise_and_clear(app.clock.now()).await.unwrap();
    app.replica().alerts.summarise_and_clear(app.clock.now()).await.unwrap();
    wait_for_counts(&app, 1, 0, 0).await;
    assert_eq!(webhook.requests().len(), 1, "the 28 later denials must send no further message within the window");
    app.clock.advance(TimeDelta::minutes(1));
    let after_summary = webhook.wait_for_requests(2).await;
    assert_eq!(kinds(&after_summary)[1], ("continues".to_owned(), 47));
    let goes_on = format!("It continues: user {user} was refused 47 {objects} in the last 5 minutes.");
    assert_eq!(after_summary[1].json()["text"], goes_on);

    // After a window without events, one last message reports that the alert is cleared.
    app.clock.advance(TimeDelta::minutes(4));
    webhook.wait_for_requests(3).await;
    app.clock.advance(TimeDelta::hours(3));
    app.replica().alerts.summarise_and_clear(app.clock.now()).await.unwrap();
    wait_for_counts(&app, 0, 0, 0).await;
    let sent: Vec<String> = kinds(&webhook.requests()).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(sent, ["opened", "continues", "cleared"]);
    assert_eq!(slack.wait_for_requests(3).await.len(), 3);
    let logged = logs::all_containing(&user.to_string());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let logged: Vec<(String, String)> = logged
        .iter()
        .filter(|line| line["target"] == "alert")
        .map(|line| (text(&line["kind"]), text(&line["level"])))
        .collect();
    let expected = [("opened", "WARN"), ("continues", "WARN"), ("cleared", "INFO")];
    assert_eq!(logged, expected.map(|(kind, level)| (kind.to_owned(), level.to_owned())), "the log has every message");
    wait::until_equal(3, async || mails(&app, "security@api.example").len()).await;

    raise(&app, &denials(user, 20)).await;
    let again = webhook.wait_for_requests(4).await[3].json();
    assert_eq!(again["kind"], "opened");
    assert_ne!(again["alert"]["id"], first["alert"]["id"]);
}

/// The attack continues while the first message waits for its delivery.
#[actix_web::test]
async fn first_message_counts_the_whole_window_until_it_is_sent() {
    let receiver = Receiver::start(ReceiverBehavior::ok()).await;
    let app = start_with_receiver(&receiver).await;
    let user = UserId::new();
    let services = app.replica();
    let mut transaction = services.pool.begin().await.unwrap();
    for count in [10, 47] {
        services.alerts.raise(&mut transaction, &denials(user, count), app.clock.now()).await.unwrap();
    }
    let queued = "select count from outbox where queue = 'webhook'";
    let queued: i64 = sqlx::query_scalar(queued).fetch_one(&mut *transaction).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(queued, 10);
    assert_eq!(kinds(&receiver.wait_for_requests(1).await), [("opened".to_owned(), 47)]);
}

#[actix_web::test]
async fn concurrent_findings_of_two_replicas_raise_one_alert() {
    let receiver = Receiver::start(ReceiverBehavior::ok()).await;
    let one = start_with_receiver(&receiver).await;
    let two = start_on_with_receiver(one.database.clone(), &receiver).await;
    let user = UserId::new();
    let findings: Vec<Finding> = (1..=50).map(|count| denials(user, count)).collect();
    let raised =
        findings.iter().enumerate().map(|(place, finding)| raise(if place % 2 == 0 { &one } else { &two }, finding));
    // At most as many at once as one pool has connections, so that none waits for a connection for too long.
    stream::iter(raised).buffer_unordered(16).for_each(async |()| ()).await;
    wait_for_counts(&one, 1, 0, 0).await;
    assert_eq!(receiver.requests().len(), 1);
    let stored: (i64, i64) =
        sqlx::query_as("select count(*), sum(findings)::bigint from alerts").fetch_one(&one.all_rows).await.unwrap();
    assert_eq!(stored, (1, 50));
}

#[actix_web::test]
async fn two_replicas_deliver_each_message_once() {
    let receiver = Receiver::start(ReceiverBehavior::ok()).await;
    let one = start_with_receiver(&receiver).await;
    let two = start_on_with_receiver(one.database.clone(), &receiver).await;
    for place in 0..30 {
        // A rule has at most ten individual alerts, so three rules share the 30 subjects.
        let rule = ["access_denials", "id_enumeration", "reused_tokens"][place % 3];
        let finding = Finding { rule, ..denials(UserId::new(), 20) };
        raise(if place % 2 == 0 { &one } else { &two }, &finding).await;
    }
    wait_for_counts(&one, 30, 0, 0).await;
    let ids: BTreeSet<String> =
        receiver.requests().iter().map(|message| message.headers["strongroom-message-id"].clone()).collect();
    assert_eq!((receiver.requests().len(), ids.len()), (30, 30));
    // Both replicas check the alerts at the same time, and send one message for each alert.
    for app in [&one, &two] {
        app.clock.advance(TimeDelta::minutes(6));
    }
    let now = one.clock.now();
    let (first, second) =
        tokio::join!(one.replica().alerts.summarise_and_clear(now), two.replica().alerts.summarise_and_clear(now));
    first.and(second).unwrap();
    wait_for_counts(&one, 0, 0, 0).await;
    assert_eq!(receiver.requests().len(), 60);
}

#[actix_web::test]
async fn rolled_back_finding_sends_no_message() {
    let receiver = Receiver::start(ReceiverBehavior::ok()).await;
    let app = start_with_receiver(&receiver).await;
    let services = app.replica();
    let mut transaction = services.pool.begin().await.unwrap();
    services.alerts.raise(&mut transaction, &denials(UserId::new(), 20), app.clock.now()).await.unwrap();
    transaction.rollback().await.unwrap();
    raise(&app, &denials(UserId::new(), 21)).await;
    wait_for_counts(&app, 1, 0, 0).await;
    assert_eq!(kinds(&receiver.requests()), [("opened".to_owned(), 21)]);
}
