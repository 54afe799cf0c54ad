//! Tests row-level security, composite keys and grants, each without the other defenses. The attacker runs SQL
//! statements with the service's role, as an SQL injection would allow (CWE-89, CWE-639). `app.owner_id` is the
//! attacker's own id.

mod invoice_numbers;

use reqwest::Method;
use serde_json::json;
use sqlx::{AssertSqlSafe, PgConnection};
use strongroom::base::id::UserId;
use strongroom::db::OwnerTx;
use uuid::Uuid;

use crate::support::actor::payment;
use crate::support::database::Role;
use crate::support::operations::{collections, make};
use crate::support::{Actor, TestApp};

async fn id_of(actor: &Actor) -> Uuid {
    let me = actor.get("/api/v1/me").await.ok(200).json();
    me["id"].as_str().unwrap().parse().unwrap()
}

async fn run(connection: &mut PgConnection, sql: String) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(done.rows_affected())
}

/// Returns the SQLSTATE and the constraint of a refused statement.
fn refusal(outcome: Result<u64, sqlx::Error>) -> (String, Option<String>) {
    let error = outcome.expect_err("this must be refused");
    let error = error.as_database_error().unwrap();
    (error.code().unwrap().into_owned(), error.constraint().map(str::to_owned))
}

const NOT_ALLOWED: &str = "42501";

fn new_invoice(owner: Uuid, customer: Uuid) -> String {
    format!(
        "insert into invoices (id, owner_id, customer_id, status, currency, subtotal, discount_total, tax_total, total,
             created_at, updated_at)
         values (gen_random_uuid(), '{owner}', '{customer}', 'draft', 'EUR', 0, 0, 0, 0, now(), now())"
    )
}

fn new_parties(owner: Uuid, invoice: Uuid) -> String {
    format!(
        "insert into invoice_parties (owner_id, invoice_id, seller_name, seller_email, customer_name)
         values ('{owner}', '{invoice}', 'x', 'x', 'x')"
    )
}

/// Creates a row of this user in every table that has an owner.
async fn fill(app: &TestApp, actor: &Actor) {
    let invoice = format!("/api/v1/invoices/{}", issued(actor).await);
    actor.post(&format!("{invoice}/payments"), &payment(1)).await.ok(201);
    actor.post(&format!("{invoice}/credit-notes"), &json!({})).await.ok(201);
    for collection in collections() {
        make(actor, collection).await;
    }
    let business = json!({"name": "Acme", "time_zone": "UTC"});
    actor.put("/api/v1/me/business", "\"1\"", &business).await.ok(200);
    let keyed = actor.request(Method::POST, "/api/v1/customers").header("idempotency-key", "k");
    keyed.json(&json!({"name": "Acme", "default_currency": "EUR"})).send().await.ok(201);
    // An upload has a row only while it is in progress.
    let upload = format!("insert into document_uploads values ('{}', gen_random_uuid(), 1)", id_of(actor).await);
    sqlx::query(AssertSqlSafe(upload)).execute(&app.all_rows).await.unwrap();
}

/// Returns a statement that inserts a copy of a row of this owner: with the columns that the service may insert, or
/// with all columns if there are none.
async fn copy_of_row(app: &TestApp, table: &str, owner: Uuid) -> String {
    let row = format!("select to_jsonb(t)::text from {table} t where owner_id = $1 limit 1");
    let row: Option<String> =
        sqlx::query_scalar(AssertSqlSafe(row)).bind(owner).fetch_optional(&app.all_rows).await.unwrap();
    let row = row.unwrap_or_else(|| panic!("make() must create a row in {table}, or fill() in walls.rs"));
    let columns = "select string_agg(quote_ident(attname), ', ') from pg_attribute
        where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''
          and (has_column_privilege('strongroom_app', attrelid, attnum, 'insert')
               or not has_any_column_privilege('strongroom_app', attrelid, 'insert'))";
    let columns: String = sqlx::query_scalar(columns).bind(table).fetch_one(&app.all_rows).await.unwrap();
    format!(
        "insert into {table} ({columns}) select {columns} from jsonb_populate_record(null::{table}, $row${row}$row$)"
    )
}

async fn issued(actor: &Actor) -> Uuid {
    let id = actor.invoice().await;
    let issue = format!("/api/v1/invoices/{id}/issue");
    actor.request(Method::POST, &issue).header("if-match", "\"1\"").send().await.ok(200);
    id.parse().unwrap()
}

async fn invoice_and_customer(actor: &Actor) -> (Uuid, Uuid) {
    actor.invoice().await;
    let page = actor.get("/api/v1/invoices").await.ok(200).json();
    let id = |name: &str| page["items"][0][name].as_str().unwrap().parse().unwrap();
    (id("id"), id("customer_id"))
}

#[actix_web::test]
async fn row_level_security_hides_rows_of_other_owners() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    fill(&app, &bob).await;
    let (alice, bob) = (id_of(&alice).await, id_of(&bob).await);
    let before = app.digest_all().await;
    for table in app.owned_tables().await {
        for statement in [
            format!("select from {table}"),
            format!("select from {table} where owner_id = '{bob}' for update"),
            format!("update {table} set version = version where true"),
            format!("delete from {table}"),
        ] {
            // First with Alice as the owner, then without an owner.
            let mut as_alice = OwnerTx::begin(&app.replica().pool, UserId::from(alice)).await.unwrap();
            let mut without_owner = app.replica().pool.acquire().await.unwrap();
            let as_alice = run(as_alice.connection(), statement.clone()).await;
            let without_owner = run(&mut without_owner, statement.clone()).await;
            for outcome in [as_alice, without_owner] {
                match outcome {
                    Ok(rows) => assert_eq!(rows, 0, "{statement}"),
                    // The role has no privilege on the table, or the table has no such column.
                    Err(error) => {
                        let code = error.as_database_error().unwrap().code().unwrap().into_owned();
                        assert!([NOT_ALLOWED, "42703"].contains(&code.as_str()), "{statement}: {error}");
                    }
                }
            }
        }
    }
    assert_eq!(app.digest_all().await, before);
}

#[actix_web::test]
async fn row_level_security_refuses_rows_for_another_owner() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    fill(&app, &bob).await;
    let (alice, bob) = (id_of(&alice).await, id_of(&bob).await);
    let before = app.digest_all().await;
    for table in app.owned_tables().await {
        let statement = copy_of_row(&app, &table, bob).await;
        let mut as_alice = OwnerTx::begin(&app.replica().pool, UserId::from(alice)).await.unwrap();
        assert_eq!(refusal(run(as_alice.connection(), statement.clone()).await).0, NOT_ALLOWED, "{statement}");
        let mut without_owner = app.replica().pool.acquire().await.unwrap();
        assert_eq!(refusal(run(&mut without_owner, statement).await).0, NOT_ALLOWED);
    }
    assert_eq!(app.digest_all().await, before);
}

/// Foreign key checks ignore row-level security, so the key itself must contain the owner.
#[actix_web::test]
async fn composite_key_refuses_foreign_customer_like_missing_one() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (own_invoice, _) = invoice_and_customer(&alice).await;
    let (_, foreign_customer) = invoice_and_customer(&bob).await;
    let alice = id_of(&alice).await;
    let before = app.digest_all().await;
    for role in [Role::App, Role::Owner, Role::Superuser] {
        let pool = sqlx::postgres::PgPoolOptions::new().connect_lazy_with(app.database.options(role));
        for statement in [
            |owner: Uuid, _: Uuid, customer: Uuid| new_invoice(owner, customer),
            |owner: Uuid, invoice: Uuid, customer: Uuid| {
                format!(
                    "update invoices set customer_id = '{customer}' where owner_id = '{owner}' and id = '{invoice}'"
                )
            },
        ] {
            for customer in [foreign_customer, Uuid::new_v4()] {
                let mut tx = OwnerTx::begin(&pool, UserId::from(alice)).await.unwrap();
                let refused = refusal(run(tx.connection(), statement(alice, own_invoice, customer)).await);
                assert_eq!(refused, ("23503".to_owned(), Some("invoices_customer".to_owned())), "{role:?}");
            }
        }
        pool.close().await;
    }
    assert_eq!(app.digest_all().await, before);
}

#[actix_web::test]
async fn column_grants_protect_immutable_columns_of_own_rows() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    issued(&alice).await;
    let (invoice, customer) = invoice_and_customer(&alice).await;
    let owner = id_of(&alice).await;
    let before = app.digest_all().await;
    for change in [
        "update customers set id = gen_random_uuid()",
        "update customers set owner_id = owner_id",
        "update customers set created_at = now()",
        "update invoices set id = gen_random_uuid()",
        "update invoices set owner_id = owner_id",
        "update invoices set created_at = now()",
        "update invoices set number = 'INV-2026-0041'",
        "update invoices set issue_date = '2026-01-01'",
        "update invoice_lines set unit_price_ten_thousandths = 0",
        "update payments set amount = 1",
        "update documents set owner_id = owner_id",
        "update documents set media_type = 'text/csv'",
        "update documents set size = 1",
        "update documents set sha256 = sha256('')",
        "update documents set storage_key = gen_random_uuid()",
        "update documents set created_at = now()",
        "update document_uploads set bytes = 1",
        "delete from document_usage",
        "update document_usage set owner_id = owner_id",
        "delete from payments",
        "update credit_notes set total = 1",
        "update credit_notes set lines = lines",
        "delete from credit_notes",
        "insert into credit_notes (number) values ('CN-2026-0041')",
        "update number_counters set last = 0",
        "select last from number_counters",
        "delete from number_counters",
        "select next_number('INV', current_owner(), current_date)",
        "update invoice_parties set customer_name = 'Mallory'",
        "update invoice_parties set seller_name = seller_name",
        "update invoice_parties set seller_iban = 'GB29NWBK60161331926819'",
        "update businesses set owner_id = owner_id",
        "delete from businesses",
        "delete from invoice_parties",
        "insert into invoice_parties (owner_id, invoice_id, seller_name, seller_email, customer_name)
             select owner_id, id, 'x', 'x', 'x' from invoices",
        "insert into invoices (number) values ('INV-2026-0041')",
        "insert into invoices (paid) values (1)",
        "insert into invoices (credited) values (1)",
        "insert into invoices (version) values (7)",
    ] {
        let mut tx = OwnerTx::begin(&app.replica().pool, UserId::from(owner)).await.unwrap();
        assert_eq!(refusal(run(tx.connection(), change.to_owned()).await).0, NOT_ALLOWED, "{change}");
    }
    // The same connection can change the mutable columns.
    let mut tx = OwnerTx::begin(&app.replica().pool, UserId::from(owner)).await.unwrap();
    let renamed = format!("update customers set name = name where id = '{customer}'");
    assert_eq!(run(tx.connection(), renamed).await.unwrap(), 1);
    let noted = format!("update invoices set notes = notes where id = '{invoice}'");
    assert_eq!(run(tx.connection(), noted).await.unwrap(), 1);
    drop(tx);
    assert_eq!(app.digest_all().await, before);
}

/// No role, not even the superuser, can insert parties (seller, buyer) for another owner's invoice. The foreign key
/// (`owner_id`, `invoice_id`) prevents it.
#[actix_web::test]
async fn composite_key_refuses_parties_of_foreign_invoice_like_missing_one() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (foreign_invoice, _) = invoice_and_customer(&bob).await;
    let alice = id_of(&alice).await;
    let before = app.digest_all().await;
    for role in [Role::Owner, Role::Superuser] {
        let pool = sqlx::postgres::PgPoolOptions::new().connect_lazy_with(app.database.options(role));
        for invoice in [foreign_invoice, Uuid::new_v4()] {
            let mut change = OwnerTx::begin(&pool, UserId::from(alice)).await.unwrap();
            let refused = refusal(run(change.connection(), new_parties(alice, invoice)).await);
            assert_eq!(refused, ("23503".to_owned(), Some("invoice_parties_invoice".to_owned())), "{role:?}");
        }
        pool.close().await;
    }
    assert_eq!(app.digest_all().await, before);
}
