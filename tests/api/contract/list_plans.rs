//! Keyset pagination reads an index (CWE-770). For every list and sort order, the query plan neither sorts rows nor
//! scans a table.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection, PgPool, Row};

use crate::support::TestApp;
use crate::support::database::{Role, TestDatabase};
use crate::support::examples::{Demo, Example};

/// Database functions that read pages of tables which the service's role cannot read.
const READING_FUNCTIONS: [&str; 3] = ["from own_security_events(", "from admin_security_events(", "from admin_alerts("];

/// Lists whose query plan may sort rows, and the reason.
const SORTED: &[(&str, &str)] = &[(
    "get_invoices_id_payments",
    "an outer join distinguishes a missing invoice from an invoice without payments; the plan sorts the payments of one invoice",
)];

/// Returns the statements that read a page of this list, one for each value of its parameters.
/// Returns `None` if a database function reads the page, because `explain` shows no plan of a function.
async fn statements(demo: &Demo, list: &Example) -> Option<BTreeSet<String>> {
    let mut requests = vec![list.clone(), Example { query: Vec::new(), ..list.clone() }];
    for field in list.fields() {
        let values = field.schema["enum"].as_array().cloned().unwrap_or_default();
        requests.extend(values.iter().map(|value| list.with(&field, value)));
    }
    let mut all = BTreeSet::new();
    for request in requests {
        let texts = demo.send(&request).await.ok(200).statements();
        if texts.iter().any(|text| READING_FUNCTIONS.iter().any(|function| text.contains(function))) {
            return None;
        }
        all.extend(texts.into_iter().filter(|text| text.contains("order by") && text.contains("limit $")));
    }
    Some(all)
}

pub fn steps(plan: &Value, found: &mut Vec<String>) {
    if let Some(kind) = plan["Node Type"].as_str() {
        found.push(format!("{kind} {}", plan["Relation Name"].as_str().unwrap_or_default()));
    }
    match plan {
        Value::Object(members) => members.values().for_each(|member| steps(member, found)),
        Value::Array(items) => items.iter().for_each(|item| steps(item, found)),
        _ => {}
    }
}

/// Connects as the service's role, and turns off sorts and sequential scans.
/// PostgreSQL then plans a sort or a scan only if no index can replace it.
pub async fn indexed_connection(database: &TestDatabase) -> PgConnection {
    let mut connection = database.options(Role::App).connect().await.unwrap();
    let choose = "set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set enable_bitmapscan = off;
        set enable_sort = off; set enable_incremental_sort = off";
    connection.execute(choose).await.unwrap();
    connection
}

/// Returns the generic plan, which does not depend on the parameters.
pub async fn plan(connection: &mut PgConnection, text: &str) -> Value {
    let count = (1..=30).rev().find(|n| text.contains(&format!("${n}"))).unwrap();
    let nulls = vec!["null"; count].join(", ");
    connection.execute(AssertSqlSafe(format!("prepare page as {text}"))).await.unwrap();
    let explain = format!("explain (format json) execute page({nulls})");
    let plan = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_one(&mut *connection).await.unwrap().get(0);
    connection.execute("deallocate page").await.unwrap();
    plan
}

/// Returns how often each connection of the pool has executed the statements that match `pattern`: by a generic plan,
/// and by a custom plan (a plan for the parameters).
pub async fn plan_counts(pool: &PgPool, pattern: &str) -> Vec<(i64, i64)> {
    let (mut connections, mut counts) = (Vec::new(), Vec::new());
    while connections.len() < pool.size() as usize {
        let mut connection = pool.acquire().await.unwrap();
        let sql = "select generic_plans, custom_plans from pg_prepared_statements where statement like $1";
        let of_connection: Vec<(i64, i64)> =
            sqlx::query_as(sql).bind(pattern).fetch_all(&mut *connection).await.unwrap();
        counts.extend(of_connection);
        connections.push(connection);
    }
    counts
}

/// A generic plan cannot use an index for an optional condition (`$6 is null or customer_id = $6`), so it would read
/// all invoices of the owner.
#[actix_web::test]
async fn filtered_lists_and_exports_of_invoices_use_custom_plans() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    // The pool has at most 16 connections. From the sixth execution on, a connection may use a generic plan.
    for path in ["/api/v1/invoices?status=draft", "/api/v1/invoices/export"] {
        for _ in 0..100 {
            alice.get(path).await.ok(200);
        }
    }
    for (name, pattern) in [("list", "%from invoices%due_order%limit $4%"), ("export", "%from invoices i%limit $4%")] {
        let counts = plan_counts(&app.services().pool, pattern).await;
        let (generic, custom) =
            counts.iter().fold((0, 0), |sums, (generic, custom)| (sums.0 + generic, sums.1 + custom));
        assert_eq!((generic, custom), (0, 100), "{name}: {counts:?}");
    }
}

#[actix_web::test]
async fn every_list_reads_its_page_from_an_index() {
    let demo = Demo::start().await;
    let mut connection = indexed_connection(&demo.app.database).await;
    let mut faults = Vec::new();
    let is_walked = |list: &&Example| list.is_paged() && !SORTED.iter().any(|(id, _)| *id == list.id);
    for list in Example::all().iter().filter(is_walked) {
        let Some(statements) = statements(&demo, list).await else { continue };
        assert!(!statements.is_empty(), "{} runs no statement with ORDER BY and LIMIT", list.id);
        for text in statements {
            let mut found = Vec::new();
            steps(&plan(&mut connection, &text).await, &mut found);
            found.retain(|step| step.contains("Sort") || step.starts_with("Seq Scan"));
            if !found.is_empty() {
                faults.push(format!("{}: no index has the order of this statement ({found:?}): {text}", list.id));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The summary for administrators counts the entries of an index, and stops at the requested limit.
/// PostgreSQL shows the plan of a function only if it can inline the function.
/// So the test removes `security definer` and `search_path`, which prevent inlining.
#[actix_web::test]
async fn summary_counts_a_limited_number_of_index_entries() {
    let app = TestApp::start().await;
    let root = app.admin("root").await;
    let events = "insert into security_events (id, at, kind, severity, reason, replica, address, mac)
        select gen_random_uuid(), now() - n * interval '1 second', 'authz_fail', 'warning', '', 'a1', '192.0.2.1',
            decode(repeat('00', 36), 'hex')
        from generate_series(1, 20000) n";
    app.all_rows.execute(events).await.unwrap();
    let mut connection = app.database.options(Role::Superuser).connect().await.unwrap();
    let transparent = "begin; alter function admin_event_counts security invoker;
        alter function admin_event_counts reset all; set local search_path = public;
        set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_sort = off";
    connection.execute(transparent).await.unwrap();
    let admin = root.get("/api/v1/me").await.ok(200).json()["id"].as_str().unwrap().to_owned();
    let explain = format!(
        "explain (analyze, format json) select * from admin_event_counts(
            '{admin}', now() - interval '30 days', 86400, '{{authz_fail}}', 1000)"
    );
    let plan: Value = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_one(&mut connection).await.unwrap().get(0);
    let mut scans = Vec::new();
    scans_of("security_events", &plan, &mut scans);
    let [scan] = scans.as_slice() else { panic!("one scan: {plan:#}") };
    assert_eq!(
        (&scan["Node Type"], &scan["Index Name"]),
        (&json!("Index Only Scan"), &json!("security_events_newest"))
    );
    assert_eq!(scan["Actual Rows"].as_f64().unwrap() as i64, 1_000);
}

fn scans_of<'a>(table: &str, plan: &'a Value, found: &mut Vec<&'a Value>) {
    if plan["Relation Name"] == table {
        found.push(plan);
    }
    match plan {
        Value::Object(members) => members.values().for_each(|member| scans_of(table, member, found)),
        Value::Array(items) => items.iter().for_each(|item| scans_of(table, item, found)),
        _ => {}
    }
}
