//! Mail bombing (API6), and denial of service: an attacker uses up the mail budget (mails in half an hour) of a mailbox
//! or a mail provider.

use std::net::Ipv4Addr;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;
use strongroom::db::counters;

use crate::support::actor::{confirm, register, reset_token};
use crate::support::client::Client;
use crate::support::{Reply, TestApp};

const OTHER: &str = "another horse battery 7";
const SENT: &str = "authn_reset_requested/";
const DROPPED: &str = "authn_reset_requested/mail_budget_spent";

fn from(app: &TestApp, network: u8, host: u8) -> Client {
    app.client_from(Ipv4Addr::new(127, 7, network, host).into())
}

async fn request_reset(client: &Client, email: &str) -> Reply {
    let ask = json!({"email": email});
    client.request(Method::POST, "/api/v1/auth/password-reset").json(&ask).send().await.ok(202)
}

async fn queued(app: &TestApp, kind: &str, email: &str) -> i64 {
    sqlx::query_scalar("select count(*) from outbox where kind = $1 and recipient = $2")
        .bind(kind)
        .bind(email)
        .fetch_one(&app.all_rows)
        .await
        .unwrap()
}

/// All addresses of one network share a budget of five mails to a mailbox.
#[actix_web::test]
async fn flood_from_one_network_does_not_block_mail_for_others() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for host in 1..=8 {
        let reply = request_reset(&from(&app, 1, host), &alice.email).await;
        reply.assert_events(&[if host <= 5 { SENT } else { DROPPED }]);
    }
    assert_eq!(queued(&app, "reset_password", &alice.email).await, 5);
    // The owner requests a link from another network.
    let attackers = reset_token(&app, &alice.email, "").await;
    request_reset(&from(&app, 2, 1), &alice.email).await.assert_events(&[SENT]);
    let token = reset_token(&app, &alice.email, &attackers).await;
    // In the attacker's network (an office, a hotel), a known device of the account has its own budget.
    let device = alice.device.as_str();
    for time in 1..=6 {
        let request = from(&app, 1, 9).request(Method::POST, "/api/v1/auth/password-reset").header("cookie", device);
        let reply = request.json(&json!({"email": alice.email})).send().await.ok(202);
        reply.assert_events(&[if time <= 5 { SENT } else { DROPPED }]);
    }
    // A forged or foreign device cookie gives no separate budget.
    let bob = app.user("bob").await;
    for foreign in [bob.device.as_str(), "__Host-device=forged"] {
        let request = from(&app, 1, 9).request(Method::POST, "/api/v1/auth/password-reset").header("cookie", foreign);
        request.json(&json!({"email": alice.email})).send().await.ok(202).assert_events(&[DROPPED]);
    }
    let choose = json!({"token": token, "new_password": OTHER});
    let confirm = "/api/v1/auth/password-reset/confirm";
    from(&app, 2, 1).request(Method::POST, confirm).json(&choose).send().await.ok(204);
    // In the next window, the earlier links have expired, so an attacker cannot collect more than five valid links.
    app.clock.advance(TimeDelta::minutes(30) + TimeDelta::seconds(1));
    request_reset(&from(&app, 1, 1), &alice.email).await.assert_events(&[SENT]);
}

/// Registration and reset have separate budgets.
#[actix_web::test]
async fn exhausted_budget_does_not_reveal_registered_addresses() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let (attacker, mut seen) = (from(&app, 1, 1), Vec::new());
    for email in [alice.email.as_str(), "nobody@example.com"] {
        let mut replies = Vec::new();
        for _ in 0..7 {
            replies.push(request_reset(&attacker, email).await);
        }
        for _ in 0..7 {
            replies.push(register(&attacker, email).await.ok(202));
        }
        assert!(replies.iter().all(|reply| reply.comparable() == replies[0].comparable()), "{email}");
        seen.push(replies.iter().map(|reply| (reply.statements(), reply.events())).collect::<Vec<_>>());
        assert_eq!(queued(&app, "reset_password", email).await, 5);
    }
    assert_eq!(seen[0], seen[1]);
    // Alice registered from another network, so this network had its whole budget.
    assert_eq!(queued(&app, "already_registered", &alice.email).await, 5);
    assert_eq!(queued(&app, "confirm_registration", "nobody@example.com").await, 5);
}

/// Addresses that differ in their `+tag` are separate accounts, but one mailbox.
#[actix_web::test]
async fn plus_tags_share_the_budget_of_their_mailbox() {
    let app = TestApp::start().await;
    let attacker = from(&app, 1, 1);
    for tag in 1..=8 {
        let reply = register(&attacker, &format!("victim+{tag}@example.com")).await.ok(202);
        let sent = "authn_registration_requested/";
        let dropped = "authn_registration_requested/mail_budget_spent";
        reply.assert_events(&[if tag <= 5 { sent } else { dropped }]);
    }
    register(&attacker, "victim@example.com").await.ok(202);
    assert_eq!(queued(&app, "confirm_registration", "victim@example.com").await, 0);
    let token = crate::support::actor::mail_token(&app, "victim+3@example.com").await;
    confirm(&attacker, &token, OTHER, "Victim").await.ok(204);
    register(&from(&app, 2, 1), "victim@example.com").await.ok(202);
    assert_eq!(queued(&app, "confirm_registration", "victim@example.com").await, 1);
}

/// A network can cause at most fifty mails to one mail provider.
#[actix_web::test]
async fn flood_to_one_mail_domain_is_limited_per_network() {
    let app = TestApp::start().await;
    for n in 1..=51 {
        register(&from(&app, 1, n), &format!("user{n}@provider.example")).await.ok(202);
    }
    let sent: i64 = sqlx::query_scalar("select count(*) from outbox").fetch_one(&app.all_rows).await.unwrap();
    assert_eq!(sent, 50);
    register(&from(&app, 1, 1), "user@other.example").await.ok(202).assert_events(&["authn_registration_requested/"]);
    register(&from(&app, 2, 1), "user51@provider.example")
        .await
        .ok(202)
        .assert_events(&["authn_registration_requested/"]);
}

/// The table of budgets must contain only keyed hashes of networks and mail addresses.
#[actix_web::test]
async fn parallel_requests_cannot_overdraw_a_budget() {
    let app = TestApp::start().await;
    let clients: Vec<Client> = (1..=20).map(|host| from(&app, 1, host)).collect();
    futures_util::future::join_all(clients.iter().map(|client| register(client, "victim@example.com"))).await;
    assert_eq!(queued(&app, "confirm_registration", "victim@example.com").await, 5);
    let rows: Vec<String> = sqlx::query_scalar("select t::text from counters t where kind = 'mail_budget'")
        .fetch_all(&app.all_rows)
        .await
        .unwrap();
    assert_eq!(rows.len(), 2, "the table has one row for the mailbox and one row for the domain");
    assert!(rows.iter().all(|row| !row.contains("127.7.1") && !row.contains("victim") && !row.contains("example")));
    app.clock.advance(TimeDelta::minutes(31));
    counters::sweep(&app.replica().pool, app.clock.now()).await.unwrap();
    let left: i64 = sqlx::query_scalar("select count(*) from counters").fetch_one(&app.all_rows).await.unwrap();
    assert_eq!(left, 0);
}
