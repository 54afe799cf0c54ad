//! Three costs must not grow with the number of rows: the blocks read for a page at any depth (keyset pagination), the
//! blocks read for a filtered page, and the memory of an export.
//! Alice has 200,000 invoices. Twenty other users have 2,000 each, and 401 have 100 each, so that the planner of a
//! generic plan expects an owner with few invoices.

use serde_json::Value;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection, PgPool, Row};

use super::sql_scope;
use crate::support::TestApp;
use crate::support::actor::{Actor, PASSWORD};
use crate::support::client::Client;
use crate::support::database::{Role, TestDatabase};
use crate::support::program::Program;

/// The maximum number of blocks for a page of 21 rows. With an index, each row and each index level needs at most one.
/// A scan of all rows of one owner would read thousands.
const BLOCKS_OF_A_PAGE: i64 = 80;
/// The maximum number of blocks for one batch of an export: 1,000 rows with the customer's name.
const BLOCKS_OF_A_BATCH: i64 = 9000;
/// How much more memory (KiB) an export of 200,000 rows (40 MiB of CSV) may use than an export of 100 rows.
/// It is not zero, because the allocator returns freed memory late.
const SLACK: u64 = 16 * 1024;

async fn filled() -> (TestApp, TestDatabase) {
    let app = TestApp::start().await;
    for name in ["alice", "bob"] {
        app.user(name).await;
    }
    // `replica` disables triggers and foreign key checks. With them, this statement would take a minute.
    let fill = "set session_replication_role = replica;
        insert into users (id, email, display_name, password_hash, created_at, updated_at)
        select gen_random_uuid(), 'other' || n || '@example.com', 'Other', '$argon2id$', now(), now() from generate_series(0, 419) n;
        create temp table owners as select id, email from users;
        insert into customers (id, owner_id, name, default_currency, created_at, updated_at)
        select gen_random_uuid(), id, 'Customer ' || n, 'EUR', now(), now()
        from owners, generate_series(1, 100) n;
        insert into invoices (id, owner_id, customer_id, status, currency, due_date, subtotal, discount_total, tax_total, total,
            created_at, updated_at)
        select gen_random_uuid(), o.id, c.ids[1 + n % 100], 'draft', 'EUR', date '2026-01-01' + n % 400, n, 0, 0, n,
            timestamptz '2026-01-01' + n * interval '1 second', now()
        from owners o
        cross join lateral (select array_agg(id) as ids from customers where owner_id = o.id) c
        cross join lateral generate_series(1, case when o.email like 'alice%' then 200000
            when o.email ~ '^other1?[0-9]@' then 2000 else 100 end) n;
        insert into invoice_parties (owner_id, invoice_id, seller_name, seller_email, customer_name)
        select owner_id, id, 'Seller', 'seller@example.com', 'Customer' from invoices where total % 10 = 0;
        set session_replication_role = origin; analyze";
    app.all_rows.execute(fill).await.unwrap();
    let database = app.database.clone();
    (app, database)
}

fn statements() -> Vec<String> {
    let mut texts = sql_scope::statements();
    texts.retain(|text| text.contains("from invoices") && text.contains("limit $4"));
    texts
}

fn order(text: &str) -> &str {
    text.split("order by ").last().unwrap().split(" limit").next().unwrap()
}

/// Returns how many blocks PostgreSQL reads for the page after `depth` rows. Asserts that there is no sequential scan.
/// `filter` contains numbers of parameters with their values.
async fn blocks(
    all_rows: &PgPool,
    connection: &mut PgConnection,
    text: &str,
    owner: &str,
    depth: i64,
    filter: &[(usize, &str)],
) -> i64 {
    let order = order(text);
    // Every ORDER BY ends with `created_at` and `id`. `first` is the expression before them.
    let first = order.rsplitn(3, ", ").nth(2).map_or("null", |first| first.trim_end_matches(" desc"));
    let place = format!(
        "select ({first})::text as first, i.created_at::text as created_at, i.id::text as id from invoices i
         where owner_id = '{owner}' order by {order} offset {depth} limit 1"
    );
    let place = all_rows.fetch_one(AssertSqlSafe(place)).await.unwrap();
    let [first, created_at, id]: [Option<String>; 3] = ["first", "created_at", "id"].map(|column| place.get(column));
    let [first, created_at, id] = [first, created_at, id].map(Option::unwrap_or_default);
    let count = (5..=14).rev().find(|n| text.contains(&format!("${n}"))).unwrap_or(4);
    let rows = if count == 8 { 1000 } else { 21 };
    let page = |filter: &[(usize, &str)]| {
        let values = (1..=count).map(|n| match (n, filter.iter().find(|(number, _)| *number == n)) {
            (_, Some((_, value))) => format!("'{value}'"),
            (1, None) => format!("'{owner}'"),
            (2, None) => format!("'{created_at}'"),
            (3, None) => format!("'{id}'"),
            (4, None) => rows.to_string(),
            (12, None) => "current_date".to_owned(),
            (14, None) => format!("'{first}'"),
            _ => "null".to_owned(),
        });
        format!("execute page({})", values.collect::<Vec<_>>().join(", "))
    };
    connection.execute(AssertSqlSafe(format!("prepare page as {text}"))).await.unwrap();
    // From the sixth execution on, PostgreSQL may use a generic plan, as in a service that has run for a while.
    for _ in 0..6 {
        connection.execute(AssertSqlSafe(page(&[]))).await.unwrap();
    }
    let mode = if filter.is_empty() && rows == 21 { "auto" } else { "force_custom_plan" };
    connection.execute(AssertSqlSafe(format!("set plan_cache_mode = {mode}"))).await.unwrap();
    let explain = format!("explain (analyze, buffers, format json) {}", page(filter));
    let plan: Value = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_one(&mut *connection).await.unwrap().get(0);
    connection.execute("deallocate page; reset plan_cache_mode").await.unwrap();
    assert!(!plan.to_string().contains("Seq Scan"), "{order}: {plan:#}");
    let plan = &plan[0]["Plan"];
    plan["Shared Hit Blocks"].as_i64().unwrap() + plan["Shared Read Blocks"].as_i64().unwrap()
}

/// Exports all invoices, and returns the number of lines and the maximum memory of the process.
async fn export(program: &Program, actor: &Actor) -> (usize, u64) {
    let url = format!("{}/api/v1/invoices/export", program.base);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut reply = client.get(url).bearer_auth(&actor.token).send().await.unwrap().error_for_status().unwrap();
    let (mut lines, mut peak, mut chunks) = (0, 0, 0);
    while let Some(chunk) = reply.chunk().await.expect("the whole export") {
        lines += chunk.iter().filter(|byte| **byte == b'\n').count();
        chunks += 1;
        if chunks % 500 == 1 {
            peak = peak.max(program.resident());
        }
    }
    (lines, peak.max(program.resident()))
}

#[actix_web::test]
async fn cost_of_a_page_and_memory_of_an_export_are_constant() {
    let (app, database) = filled().await;
    let id = async |name: &str| -> String {
        let sql = "select id::text from users where email = $1";
        sqlx::query_scalar(sql).bind(format!("{name}@example.com")).fetch_one(&app.all_rows).await.unwrap()
    };
    let (alice, bob) = (id("alice").await, id("bob").await);
    let texts = statements();
    assert_eq!(texts.len(), 9, "statements for eight sort orders and for the export");
    let mut connection = database.options(Role::App).connect().await.unwrap();
    for text in &texts {
        for (owner, depth) in [(&bob, 0), (&alice, 0), (&alice, 180_000)] {
            let touched = blocks(&app.all_rows, &mut connection, text, owner, depth, &[]).await;
            let bound = if text.contains("customer_name") { BLOCKS_OF_A_BATCH } else { BLOCKS_OF_A_PAGE };
            assert!(touched <= bound, "{} after {depth} rows: {touched} blocks", order(text));
        }
    }
    let customer: String = sqlx::query_scalar("select min(id::text) from customers where owner_id = $1::uuid")
        .bind(&alice)
        .fetch_one(&app.all_rows)
        .await
        .unwrap();
    let day = "2026-06-01";
    for (sort, filter) in [
        ("created_at desc, id desc", vec![(6, customer.as_str())]),
        ("created_at desc, id desc", vec![(9, day), (10, day)]),
        // The cursor has the filtered due date (`$14`) and a creation time after all invoices (`$2`), so this is the
        // first page of that day.
        (
            "due_order desc, created_at desc, id desc",
            vec![(9, day), (10, day), (14, day), (2, "9999-12-31"), (3, "ffffffff-ffff-ffff-ffff-ffffffffffff")],
        ),
    ] {
        let text = texts.iter().find(|text| order(text) == sort).unwrap();
        let touched = blocks(&app.all_rows, &mut connection, text, &alice, 0, &filter).await;
        assert!(touched <= BLOCKS_OF_A_PAGE, "{filter:?} by {sort}: {touched} blocks");
    }

    let program = Program::start(&database);
    let client = Client::from_address(&program.base, [127, 0, 0, 1].into());
    let alice = Actor::sign_in(&client, "alice@example.com", PASSWORD).await;
    let other = Actor::sign_in(&client, "bob@example.com", PASSWORD).await;
    let (lines, small) = export(&program, &other).await;
    assert_eq!(lines, 101, "a hundred rows and the header");
    let (lines, large) = export(&program, &alice).await;
    assert_eq!(lines, 200_001);
    assert!(large < small + SLACK, "{small} KiB for 100 rows, {large} KiB for 200,000");
}
