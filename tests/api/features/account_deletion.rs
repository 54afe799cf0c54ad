//! Deletion of accounts: the account at once, and its data later in batches, also after a crash.

use reqwest::Method;
use serde_json::json;
use sqlx::{Executor, PgPool};

use crate::support::actor::{PASSWORD, mails, try_sign_in};
use crate::support::examples::Demo;
use crate::support::{Actor, TestApp, wait};

/// Creates 20,000 invoices with one line each, 5,000 payments and 5,000 credit notes.
const FILL: &str = "set session_replication_role = replica;
    insert into invoices (id, owner_id, customer_id, status, currency, subtotal, discount_total, tax_total, total, paid,
        number, issue_date, due_date, created_at, updated_at)
    select gen_random_uuid(), c.owner_id, c.id, 'issued', 'EUR', 5000, 0, 0, 5000, 0,
        'INV-2026-' || lpad(n::text, 5, '0'), '2026-01-01', '2026-02-01', now(), now()
    from customers c, generate_series(1, 20000) n;
    insert into invoice_lines (owner_id, invoice_id, position, description, quantity_thousandths,
        unit_price_ten_thousandths, tax_rate_millipercent)
    select owner_id, id, 1, 'Work', 1000, 50000000, 0 from invoices;
    insert into payments (id, owner_id, invoice_id, amount, paid_on, method, created_at)
    select gen_random_uuid(), owner_id, id, 1, '2026-01-02', 'cash', now()
    from (select owner_id, id from invoices limit 1) one, generate_series(1, 5000);
    insert into credit_notes (id, owner_id, invoice_id, number, issue_date, lines, taxes, net, tax_total, total, created_at)
    select gen_random_uuid(), owner_id, id, 'CN-2026-' || lpad(n::text, 5, '0'), '2026-01-02', '[1]', '[]', 1, 0, 1, now()
    from (select owner_id, id from invoices limit 1) one, generate_series(1, 5000) n;
    set session_replication_role = origin";

/// Waits until the database has closed the connections of the killed service. Until then, its statements can still run.
async fn wait_until_sessions_end(all_rows: &PgPool) {
    let sessions = "select count(*) from pg_stat_activity
                    where datname = current_database() and application_name like 'strongroom%'";
    wait::until_equal(0_i64, async || sqlx::query_scalar(sessions).fetch_one(all_rows).await.unwrap()).await;
}

async fn rows(app: &TestApp, table: &str) -> i64 {
    let sql = format!("select count(*) from {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&app.all_rows).await.unwrap()
}

#[actix_web::test]
async fn deletion_of_large_account_is_immediate_and_resumes_after_crash() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let customer = json!({"name": "Acme", "default_currency": "EUR"});
    let keyed = alice.request(Method::POST, "/api/v1/customers").header("idempotency-key", "k");
    keyed.json(&customer).send().await.ok(201);
    app.all_rows.execute(FILL).await.unwrap();
    alice.document().await;
    bob.invoice().await;
    let unknown = try_sign_in(&app.anonymous(), "unknown@example.com", PASSWORD).await;

    // A locked row in the middle makes the deletion wait between two batches.
    let mut lock = app.all_rows.begin().await.unwrap();
    let middle = "select id from invoices where number = 'INV-2026-10000' for update";
    lock.execute(middle).await.unwrap();
    let password = json!({"password": alice.password});
    alice.request(Method::DELETE, "/api/v1/me").json(&password).send().await.ok(204);

    alice.get("/api/v1/invoices").await.assert_refused(401, "unauthenticated");
    alice.refresh(&app, &alice.cookie).await.assert_refused(401, "unauthenticated");
    let deleted = try_sign_in(&app.anonymous(), &alice.email, &alice.password).await;
    assert_eq!(
        deleted.comparable(),
        unknown.comparable(),
        "a login gets the same reply for a deleted account as for an unknown account"
    );
    let partly = async || (1..20_000).contains(&(rows(&app, "invoices").await - 1));
    wait::until("some invoices are deleted and some are left", partly).await;
    assert!(rows(&app, "payments").await == 0 && rows(&app, "customers").await == 2);
    // The locks of the deletion must not block other users.
    bob.credit_note().await;
    let (database, all_rows) = (app.database.clone(), app.all_rows.clone());
    drop(app);
    lock.rollback().await.unwrap();
    wait_until_sessions_end(&all_rows).await;

    let app = TestApp::on(database, &[]).await;
    let only_bobs = async || rows(&app, "owners").await;
    wait::until_equal(1, only_bobs).await;
    for table in app.owned_tables().await {
        let others = format!("{table} where owner_id not in (select id from owners)");
        assert_eq!(rows(&app, &others).await, 0, "{table}");
    }
    assert_eq!(rows(&app, "invoices").await, 2, "the rows of the other user remain");
    let bob = Actor::sign_in(&app.anonymous(), &bob.email, &bob.password).await;
    assert_eq!(bob.get("/api/v1/invoices").await.ok(200).json()["items"].as_array().unwrap().len(), 2);
    let removed: i64 =
        sqlx::query_scalar("select count(*) from outbox where queue = 'blob_deletion' and done_at is null")
            .fetch_one(&app.all_rows)
            .await
            .unwrap();
    assert!(removed <= 1, "the file of the document must be queued for deletion or already deleted");
}

/// A worker may still be deleting the data of the old account.
#[actix_web::test]
async fn address_of_deleted_account_can_register_immediately() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.invoice().await;
    let mut lock = app.all_rows.begin().await.unwrap();
    lock.execute("select id from invoices for update").await.unwrap();
    alice.request(Method::DELETE, "/api/v1/me").json(&json!({"password": alice.password})).send().await.ok(204);
    let register = app.anonymous().request(Method::POST, "/api/v1/auth/register").json(&json!({"email": alice.email}));
    register.send().await.ok(202);
    // The first mail with a link belongs to the old registration, so wait for the second one.
    let links = async || mails(&app, &alice.email).iter().filter(|mail| mail.contains("#token=")).count();
    wait::until_equal(2, links).await;
    assert_eq!(rows(&app, "invoices").await, 1, "the rows of the old account still exist");
    lock.rollback().await.unwrap();
}

/// A process ended before it had deleted all rows of a deleted demo user.
#[actix_web::test]
async fn service_starts_while_a_deleted_demo_user_still_has_rows() {
    let demo = Demo::start().await;
    let mut lock = demo.app.all_rows.begin().await.unwrap();
    lock.execute("select id from invoices for update").await.unwrap();
    let password = json!({"password": demo.anna.password});
    demo.anna.request(Method::DELETE, "/api/v1/me").json(&password).send().await.ok(204);
    assert!(Demo::create_missing(&demo.app).await.is_none(), "Anna cannot log in");
    lock.rollback().await.unwrap();
}

/// Least privilege: the service's role cannot delete owners, payments and credit notes itself. The function
/// `purge_deleted_owner` deletes them, but only if the account was deleted.
#[actix_web::test]
async fn rows_of_active_account_cannot_be_purged() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.invoice().await;
    let before = app.digest_all().await;
    let owner: uuid::Uuid = sqlx::query_scalar("select id from owners").fetch_one(&app.all_rows).await.unwrap();
    let mut transaction = strongroom::db::OwnerTx::begin(&app.replica().pool, owner.into()).await.unwrap();
    let more: bool =
        sqlx::query_scalar("select purge_deleted_owner(1000)").fetch_one(transaction.connection()).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(!more);
    assert_eq!(app.digest_all().await, before);
    for forbidden in [
        "delete from owners",
        "update owners set deleted_at = now()",
        "delete from payments",
        "delete from credit_notes",
    ] {
        let error =
            sqlx::query(sqlx::AssertSqlSafe(forbidden)).execute(&app.replica().pool).await.expect_err(forbidden);
        assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("42501"), "{forbidden}");
    }
}
