//! A receiver can detect forged, changed and replayed messages. Messages never contain client input.

use aws_lc_rs::hmac;
use chrono::TimeDelta;
use strongroom::base::id::UserId;
use strongroom::security::detection::alerts::{Finding, Subject};

use super::{KEY, denials, raise, start_with_receiver, wait_for_counts};
use crate::attacks::detection::rules::id_of;
use crate::support::actor::newest_mail;
use crate::support::receiver::{ReceivedRequest, Receiver, ReceiverBehavior};
use crate::support::{TestApp, folder, logs};

/// Verifies a message as `docs/alerts.md` tells receivers to do.
fn verify(key: &str, message: &ReceivedRequest, now: i64) -> Result<(), &'static str> {
    let timestamp = &message.headers["strongroom-timestamp"];
    let signature = message.headers["strongroom-signature"].strip_prefix("v1=").ok_or("another version")?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let bytes: Vec<u8> = (0..signature.len() / 2)
        .map(|place| u8::from_str_radix(&signature[place * 2..place * 2 + 2], 16).unwrap())
        .collect();
    hmac::verify(&key, format!("{timestamp}.{}", message.body).as_bytes(), &bytes).map_err(|_| "invalid signature")?;
    let age = now - timestamp.parse::<i64>().unwrap();
    if age.abs() > 300 { Err("too old") } else { Ok(()) }
}

#[actix_web::test]
async fn receiver_detects_forged_modified_and_replayed_messages() {
    let receiver = Receiver::start(ReceiverBehavior::status("500 Down", "", "")).await;
    let app = start_with_receiver(&receiver).await;
    raise(&app, &denials(UserId::new(), 20)).await;
    let first = receiver.wait_for_requests(1).await.remove(0);
    let now = app.clock.now().timestamp();
    assert_eq!(verify(KEY, &first, now), Ok(()));
    assert_eq!(verify("another key, of another service entirely", &first, now), Err("invalid signature"));
    let changed = ReceivedRequest { body: first.body.replace("\"count\":20", "\"count\":21"), ..first.clone() };
    assert_ne!(changed.body, first.body);
    assert_eq!(verify(KEY, &changed, now), Err("invalid signature"));
    let mut younger = first.clone();
    younger.headers.insert("strongroom-timestamp".into(), (now + 600).to_string());
    assert_eq!(verify(KEY, &younger, now + 600), Err("invalid signature"));
    assert_eq!(verify(KEY, &first, now + 600), Err("too old"));

    // A second attempt has a new timestamp and signature, and the same message id.
    receiver.set_behavior(ReceiverBehavior::ok());
    wait_for_counts(&app, 1, 1, 0).await;
    app.clock.advance(TimeDelta::minutes(2));
    let second = receiver.wait_for_requests(2).await.remove(1);
    assert_eq!(verify(KEY, &second, app.clock.now().timestamp()), Ok(()));
    assert_eq!(second.headers["strongroom-message-id"], first.headers["strongroom-message-id"]);
    assert_eq!(second.json()["id"], first.json()["id"]);
    assert_ne!(second.headers["strongroom-signature"], first.headers["strongroom-signature"]);
}

#[actix_web::test]
async fn client_input_never_reaches_an_alert() {
    let receiver = Receiver::start(ReceiverBehavior::ok()).await;
    let app = start_with_receiver(&receiver).await;
    for typed in ["<!channel>", "mallory@example.com", "Robert'); drop", "x\ny"] {
        let finding = Finding { subject: Subject::Account(typed.into()), ..denials(UserId::new(), 20) };
        let services = app.replica();
        let mut transaction = services.pool.begin().await.unwrap();
        let refused = services.alerts.raise(&mut transaction, &finding, app.clock.now()).await;
        assert!(refused.is_err(), "{typed}");
    }
    let hash = Subject::Account("0123456789abcdef".into());
    raise(&app, &Finding { subject: hash, ..denials(UserId::new(), 20) }).await;
    wait_for_counts(&app, 1, 0, 0).await;
    assert_eq!(receiver.requests().len(), 1);
}

/// A chat is a third party, so it gets e-mail addresses only if the operator allows it.
#[actix_web::test]
async fn email_address_is_sent_only_to_configured_sinks() {
    let (webhook, slack) =
        (Receiver::start(ReceiverBehavior::ok()).await, Receiver::start(ReceiverBehavior::ok()).await);
    let authorities = [&webhook, &slack].map(|one| std::fs::read_to_string(one.authority()).unwrap()).concat();
    let file = folder::new_path();
    std::fs::write(&file, authorities).unwrap();
    let app = TestApp::with(&[
        ("STRONGROOM_ALERTS_WEBHOOK_URL", &webhook.url()),
        ("STRONGROOM_ALERTS_WEBHOOK_KEY", KEY),
        ("STRONGROOM_ALERTS_SLACK_URL", &slack.url()),
        ("STRONGROOM_ALERTS_CA_FILE", file.to_str().unwrap()),
        ("STRONGROOM_ALERTS_MAIL_TO", "security@api.example"),
        ("STRONGROOM_ALERTS_SHOW_ADDRESSES", "webhook, mail"),
    ])
    .await;
    let mallory = app.user("mallory-of-alerts").await;
    let id: UserId = id_of(&mallory).await.parse().unwrap();
    raise(&app, &denials(id, 20)).await;
    let signed = webhook.wait_for_requests(1).await[0].json();
    let known = format!("User mallory-of-alerts@example.com ({id}) was refused 20 objects");
    assert!(signed["text"].as_str().unwrap().starts_with(&known), "{signed}");
    assert_eq!(signed["alert"]["subject"]["address"], "mallory-of-alerts@example.com");
    assert!(newest_mail(&app, "security@api.example").await.contains("mallory-of-alerts@example.com"));
    let chat = slack.wait_for_requests(1).await[0].body.clone();
    assert!(chat.contains(&format!("User {id} was refused 20 objects")) && !chat.contains("mallory"), "{chat}");
    wait_for_counts(&app, 1, 0, 0).await;
    assert!(!logs::contains("mallory-of-alerts"));
}
