//! The console's attack panel needs throw-away accounts. `.ci/page` runs the panel's attacks in a browser.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::Value;
use strongroom::features::demo::attack_accounts::handlers::PATH;
use strongroom::features::demo::attack_accounts::store::MAX_ACCOUNTS;

use crate::support::actor::{PASSWORD, try_sign_in};
use crate::support::client::Client;
use crate::support::{Actor, Reply, TestApp, wait};

const COUNT: &str = "select count(*) from users where email like '%@attacks.invalid'";

async fn request(actor: &Actor) -> Reply {
    actor.request(Method::POST, PATH).send().await
}

async fn count(app: &TestApp) -> i64 {
    sqlx::query_scalar(COUNT).fetch_one(&app.all_rows).await.unwrap()
}

async fn get(client: &Client, account: &Value, path: &str, id: &Value) -> Reply {
    let path = format!("/api/v1/{path}/{}", id.as_str().unwrap());
    client.request(Method::GET, &path).bearer(account["token"].as_str().unwrap()).send().await
}

#[actix_web::test]
async fn attacker_and_victim_own_one_object_of_each_kind() {
    let app = TestApp::start().await;
    let root = app.admin("root").await;
    let accounts = request(&root).await.ok(201);
    accounts.assert_events(&[
        "user_created/attack_panel",
        "session_created/attack_panel",
        "user_created/attack_panel",
        "session_created/attack_panel",
    ]);
    // The user of the event is the administrator, and its object is the new user.
    let created = "select count(*) from security_events e join users created on created.id = e.object_id
        join users admin on admin.id = e.user_id
        where e.kind = 'user_created' and e.reason = 'attack_panel' and admin.email = $1";
    let named: i64 = sqlx::query_scalar(created).bind(&root.email).fetch_one(&app.all_rows).await.unwrap();
    assert_eq!(named, 2);
    let (accounts, client) = (accounts.json(), app.anonymous());
    let (attacker, victim) = (&accounts["attacker"], &accounts["victim"]);
    for (kind, field) in [("customers", "customer"), ("invoices", "invoice"), ("documents", "document")] {
        get(&client, victim, kind, &victim[field]).await.ok(200);
        get(&client, attacker, kind, &attacker[field]).await.ok(200);
        get(&client, attacker, kind, &victim[field]).await.assert_refused(404, "not_found");
    }
    let text = |field: &str| victim[field].as_str().unwrap();
    try_sign_in(&client, text("email"), text("password")).await.ok(200);
    for (name, reason) in [("expired_token", "expired"), ("token_without_issuer", "issuer")] {
        let token = accounts[name].as_str().unwrap();
        let refused = client.request(Method::GET, "/api/v1/me").bearer(token).send().await;
        refused.assert_refused(401, "unauthenticated");
        refused.assert_events(&[&format!("authn_token_invalid/{reason}")]);
    }
}

#[actix_web::test]
async fn only_administrators_create_throw_away_accounts() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    app.anonymous().request(Method::POST, PATH).send().await.assert_refused(401, "unauthenticated");
    request(&alice).await.assert_refused(403, "forbidden").assert_events(&["authz_fail/forbidden"]);
    assert_eq!(count(&app).await, 0);
}

#[actix_web::test]
async fn panel_and_accounts_do_not_exist_if_the_panel_is_off() {
    let app = TestApp::with(&[("STRONGROOM_HTTP_ATTACK_PANEL", "false")]).await;
    let root = app.admin("root").await;
    let page = root.get("/").await.ok(200).text();
    assert!(page.contains("data-attack-panel=\"off\""));
    let folder = page.split('"').find_map(|value| value.strip_suffix("/app.js")).unwrap();
    root.get(&format!("{folder}/session.js")).await.ok(200);
    root.get(&format!("{folder}/attacks/play.js")).await.assert_refused(404, "not_found");
    root.get("/attacks").await.assert_refused(404, "not_found");
    request(&root).await.assert_refused(404, "not_found");
    assert_eq!(count(&app).await, 0);
}

/// New throw-away accounts replace the old ones.
#[actix_web::test]
async fn throw_away_accounts_are_few_and_short_lived() {
    let app = TestApp::start().await;
    let root = app.admin("root").await;
    let first = request(&root).await.ok(201).json();
    // Copy accounts by SQL, because each request for accounts hashes two passwords.
    let copies = "insert into users (id, email, display_name, password_hash, created_at, updated_at)
         select gen_random_uuid(), n || '@attacks.invalid', 'Ben', password_hash, created_at + interval '1 s', updated_at
         from users, generate_series(1, 60) n where id = $1::uuid";
    sqlx::query(copies).bind(first["victim"]["id"].as_str().unwrap()).execute(&app.all_rows).await.unwrap();
    app.clock.advance(TimeDelta::minutes(1));
    let second = request(&root).await.ok(201);
    assert_eq!(count(&app).await, MAX_ACCOUNTS);
    let deleted = second.events().iter().filter(|event| *event == "user_deleted/attack_panel").count();
    assert_eq!(deleted, 24, "the oldest of 62");
    let (client, victim) = (app.anonymous(), &first["victim"]);
    get(&client, victim, "invoices", &victim["invoice"]).await.assert_refused(401, "unauthenticated");
    let of_victim = "select count(*) from invoices where id = $1::uuid";
    let invoice = victim["invoice"].as_str().unwrap();
    let left = async || sqlx::query_scalar(of_victim).bind(invoice).fetch_one(&app.all_rows).await.unwrap();
    wait::until_equal(0_i64, left).await;

    app.clock.advance(TimeDelta::minutes(62));
    let root = Actor::sign_in(&app.anonymous(), &root.email, PASSWORD).await;
    request(&root).await.ok(201);
    assert_eq!(count(&app).await, 2);
}

/// When the administrator has left the panel, no request replaces the old accounts. Then a sweep deletes them.
#[actix_web::test]
async fn sweep_deletes_old_throw_away_accounts() {
    let app = TestApp::start().await;
    let root = app.admin("root").await;
    request(&root).await.ok(201);
    let age =
        "update users set created_at = created_at - interval '61 minutes' where email like 'ben-%@attacks.invalid'";
    sqlx::query(age).execute(&app.all_rows).await.unwrap();
    let app = TestApp::on(app.stop().await, &[]).await;
    wait::until_equal(1_i64, async || count(&app).await).await;
    let others = "select string_agg(email, ' ' order by email) from users where email not like 'anna-%'";
    let others: String = sqlx::query_scalar(others).fetch_one(&app.all_rows).await.unwrap();
    assert_eq!(others, root.email);
    let event = "select count(*) from security_events where kind = 'user_deleted' and reason = 'attack_panel'";
    assert_eq!(sqlx::query_scalar::<_, i64>(event).fetch_one(&app.all_rows).await.unwrap(), 1);
    let owners = "select count(*) from owners where deleted_at is not null";
    wait::until_equal(0_i64, async || sqlx::query_scalar(owners).fetch_one(&app.all_rows).await.unwrap()).await;
}

/// An attack of the panel reaches the limit of failed logins for the address. New accounts reset the counters, so that
/// the administrator can repeat the attack.
#[actix_web::test]
async fn new_accounts_reset_the_login_counters_of_the_address() {
    let app = TestApp::with(&[("STRONGROOM_LOGIN_FAILURES_PER_ADDRESS", "3/1h")]).await;
    let root = app.admin("root").await;
    let client = app.anonymous();
    let fail = async |name: &str| try_sign_in(&client, &format!("{name}@example.com"), PASSWORD).await;
    for name in ["a", "b", "c"] {
        fail(name).await.assert_refused(401, "invalid_credentials");
    }
    fail("d").await.assert_refused(429, "too_many_requests");
    request(&root).await.ok(201);
    fail("d").await.assert_refused(401, "invalid_credentials");
}
