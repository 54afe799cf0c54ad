//! Broken object level authorization (BOLA, IDOR; API1:2023, CWE-639). Every parameter that takes an id gets another user's id: in
//! paths ([`ids_in_paths`]), bodies ([`ids_in_bodies`]) and queries ([`ids_in_queries`]). Other tests try ids in upper case
//! ([`ids_in_capitals`]) and stale versions ([`versions`]), and test each wall of the database alone ([`walls`]).

mod ids_in_bodies;
mod ids_in_capitals;
mod ids_in_paths;
mod ids_in_queries;
mod versions;
mod walls;

use crate::support::operations::make;
use crate::support::{Actor, TestApp};

/// Returns all tables with a column `owner_id`, so new tables are included.
async fn owned(app: &TestApp) -> Vec<String> {
    sqlx::query_scalar(
        "select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid
         where a.attname = 'owner_id' and c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace order by 1",
    )
    .fetch_all(&app.all_rows)
    .await
    .unwrap()
}

/// Disables row-level security (wall 3). A test can then show that the other walls suffice.
async fn without_row_level_security(app: &TestApp) {
    for table in owned(app).await {
        let down = format!("alter table {table} disable row level security");
        sqlx::query(sqlx::AssertSqlSafe(down)).execute(&app.all_rows).await.unwrap();
    }
}

/// Creates an object in this collection, deletes it and returns its id.
async fn make_and_delete(app: &TestApp, actor: &Actor, collection: &str) -> String {
    let id = make(actor, collection).await;
    match collection {
        // The service cannot delete a credit note, so the superuser deletes it.
        "/api/v1/credit-notes" => {
            let sql = "delete from credit_notes where id = $1::uuid";
            sqlx::query(sql).bind(&id).execute(&app.all_rows).await.unwrap();
        }
        _ => drop(actor.delete(&format!("{collection}/{id}"), "\"1\"").await.ok(204)),
    }
    id
}

/// Returns malformed ids. A lenient parser would read most of them as `id`.
fn malformed(id: &str) -> Vec<String> {
    let first = id.as_bytes()[0];
    vec![
        id.replace('-', ""),
        format!("{{{id}}}"),
        format!("urn:uuid:{id}"),
        format!("{id}."),
        format!("{id}%20"),
        format!("%20{id}"),
        format!("{id}%00"),
        format!("{id}%2f"),
        format!("{id};a=b"),
        format!("{id},{id}"),
        // Double encoding: a parser that decodes twice reads the id.
        format!("%25{first:02x}{}", &id[1..]),
        uuid::Uuid::nil().to_string(),
        uuid::Uuid::max().to_string(),
        "x".to_owned(),
        "0".to_owned(),
        "-1".to_owned(),
        "*".to_owned(),
        "..%2F..%2Fme".to_owned(),
        "%FF".to_owned(),
        "null".to_owned(),
        "%27%20or%201=1%20--".to_owned(),
        "7".repeat(4_000),
    ]
}
