//! Reads in one round trip, under row-level security (wall 3 against BOLA). A read outside of a transaction sets
//! `app.owner_id` in its own statement. PostgreSQL evaluates the policy once per read, and a cached plan never returns
//! rows of another owner.

use serde_json::Value;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection, Row};

use super::sql_scope::statements;
use crate::support::TestApp;
use crate::support::database::Role;
use crate::support::examples::{Demo, Example};

/// The texts of the macro `owner_query!` before and after a SELECT.
const FRAME: [&str; 2] = [
    "select read.* from set_config('app.owner_id', $1::uuid::text, true) as owner \
     cross join lateral (select statement.* from (",
    ") as statement where owner is not null offset 0) as read",
];

fn framed(select: &str) -> String {
    FRAME.join(select)
}

async fn customer_names(connection: &mut PgConnection, statement: &str, owner: uuid::Uuid) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).bind(owner).fetch_all(connection).await.unwrap()
}

/// Creates Alice and Bob with one customer each, and returns their ids.
async fn two_owners(app: &TestApp) -> [uuid::Uuid; 2] {
    let mut owners = Vec::new();
    for name in ["alice", "bob"] {
        let owner = app.user(name).await;
        let customer = serde_json::json!({"name": name, "default_currency": "EUR"});
        owner.post("/api/v1/customers", &customer).await.ok(201);
        owners.push(owner.get("/api/v1/me").await.ok(200).json()["id"].as_str().unwrap().parse().unwrap());
    }
    owners.try_into().unwrap()
}

#[actix_web::test]
async fn read_without_its_owner_or_its_fence_returns_no_rows() {
    let app = TestApp::start().await;
    let [alice, _] = two_owners(&app).await;
    let mut connection = app.database.options(Role::App).connect().await.unwrap();
    let select = "select name from customers where owner_id = $1";
    let read = framed(select);
    let without = |part: &str, other: &str| {
        assert!(read.contains(part), "{part}");
        read.replace(part, other)
    };
    assert_eq!(customer_names(&mut connection, &read, alice).await, ["alice"]);
    for hole in [
        select.to_owned(),
        without("'app.owner_id'", "'app.other'"),
        without("offset 0", ""),
        // Too late: PostgreSQL evaluates the policy before this condition sets the owner.
        format!("{select} and set_config('app.owner_id', $1::text, true) is not null"),
    ] {
        assert_eq!(customer_names(&mut connection, &hole, alice).await, Vec::<String>::new(), "{hole}");
    }
}

/// From the sixth execution on, PostgreSQL may use one generic plan for all owners.
#[actix_web::test]
async fn cached_plan_of_one_owner_never_answers_another() {
    let app = TestApp::start().await;
    let [alice, bob] = two_owners(&app).await;
    let mut connection = app.database.options(Role::App).connect().await.unwrap();
    for mode in ["auto", "force_generic_plan"] {
        connection.execute(AssertSqlSafe(format!("set plan_cache_mode = {mode}"))).await.unwrap();
        // The second statement has no condition, so only the row-level security policy protects the rows.
        for select in ["select name from customers where owner_id = $1", "select name from customers"] {
            let read = framed(select);
            for _ in 0..8 {
                for (owner, name) in [(alice, "alice"), (bob, "bob")] {
                    assert_eq!(customer_names(&mut connection, &read, owner).await, [name], "{mode}: {select}");
                    let rows = connection.fetch_all("select from customers").await.unwrap();
                    assert_eq!(rows.len(), 0, "the setting of the owner ends with the statement");
                }
            }
        }
    }
    let generic =
        "select count(*) from pg_prepared_statements where generic_plans >= 16 and statement like '%lateral%'";
    let generic: i64 = sqlx::query_scalar(generic).fetch_one(&mut connection).await.unwrap();
    assert_eq!(generic, 2, "both reads ran with generic plans");
}

/// Collects the conditions of a query plan that call `current_owner()` or `current_setting()` for each row.
/// In `One-Time Filter` and `Index Cond`, PostgreSQL evaluates these calls once per scan.
fn conditions_per_row(plan: &Value, found: &mut Vec<String>) {
    match plan {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(text) if text.contains("current_owner") => found.push(format!("{name}: {text}")),
                    Some(_) if ["One-Time Filter", "Index Cond"].contains(&name.as_str()) => {}
                    Some(text) if text.contains("current_setting") => found.push(format!("{name}: {text}")),
                    _ => conditions_per_row(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| conditions_per_row(item, found)),
        _ => {}
    }
}

/// A call of `current_owner()` costs as much as the look-up of a row.
#[actix_web::test]
async fn reads_do_not_evaluate_the_policy_per_row() {
    let app = TestApp::start().await;
    let mut connection = app.database.options(Role::App).connect().await.unwrap();
    let choose = "set plan_cache_mode = force_generic_plan; set enable_seqscan = off";
    connection.execute(choose).await.unwrap();
    let mut reads = statements();
    reads.retain(|statement| statement.starts_with(FRAME[0]));
    assert!(reads.len() >= 10, "{} reads", reads.len());
    for read in reads {
        connection.execute(AssertSqlSafe(format!("prepare read as {read}"))).await.unwrap();
        let count = (1..=30).rev().find(|n| read.contains(&format!("${n}"))).unwrap();
        let explain = format!("explain (format json) execute read({})", vec!["null"; count].join(", "));
        let plan: Value = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_one(&mut connection).await.unwrap().get(0);
        connection.execute("deallocate read").await.unwrap();
        let mut found = Vec::new();
        conditions_per_row(&plan, &mut found);
        assert_eq!(found, Vec::<String>::new(), "{read}: {plan:#}");
    }
}

/// A transaction would need two more round trips: BEGIN and ROLLBACK.
#[actix_web::test]
async fn get_requests_read_owned_tables_in_one_round_trip() {
    let demo = Demo::start().await;
    let owned = demo.app.owned_tables().await;
    let mut seen = 0;
    for example in Example::all().iter().filter(|example| example.method == reqwest::Method::GET) {
        for statement in demo.send(example).await.statements() {
            let words: Vec<_> = statement.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            if words.contains(&"own_security_events") || owned.iter().any(|table| words.contains(&table.as_str())) {
                assert!(
                    statement.starts_with(FRAME[0]) && statement.ends_with(FRAME[1]),
                    "{}: {statement}",
                    example.id
                );
                seen += 1;
            }
        }
    }
    assert!(seen >= 10, "only {seen} reads of owned tables were found");
}
