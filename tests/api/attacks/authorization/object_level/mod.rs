//! Broken object level authorization (BOLA, IDOR; API1:2023, CWE-639): another user's id in paths ([`ids_in_paths`]),
//! and in every field of a body, form or query ([`every_id`], [`ids_in_bodies`], [`ids_in_queries`]). Other tests try
//! ids in upper case ([`ids_in_capitals`]), foreign cursors ([`cursors`]) and stale versions ([`versions`]). [`walls`]
//! tries each defense of the database alone.

mod cursors;
mod every_id;
mod ids_in_bodies;
mod ids_in_capitals;
mod ids_in_paths;
mod ids_in_queries;
mod versions;
mod walls;

use reqwest::Method;
use strongroom::features::kind_of_route;

use crate::support::operations::{make, operations};
use crate::support::{Actor, TestApp};

/// Disables row-level security, to show that scoped queries and composite keys are sufficient alone.
async fn without_row_level_security(app: &TestApp) {
    for table in app.owned_tables().await {
        let down = format!("alter table {table} disable row level security");
        sqlx::query(sqlx::AssertSqlSafe(down)).execute(&app.all_rows).await.unwrap();
    }
}

async fn make_and_delete(app: &TestApp, actor: &Actor, collection: &str) -> String {
    let id = make(actor, collection).await;
    let path = format!("{collection}/{{id}}");
    if operations().iter().any(|operation| operation.method == Method::DELETE && operation.path == path) {
        actor.delete(&format!("{collection}/{id}"), "\"1\"").await.ok(204);
        return id;
    }
    // The API cannot delete objects of this kind.
    let kind = kind_of_route(&path).unwrap_or_else(|| panic!("kind_of_route does not know {path}"));
    let sql = "select relation::text from classified_objects where kind = $1";
    let table: String = sqlx::query_scalar(sql).bind(kind.name).fetch_one(&app.all_rows).await.unwrap();
    let delete = format!("delete from {table} where id = '{id}'");
    sqlx::query(sqlx::AssertSqlSafe(delete)).execute(&app.all_rows).await.unwrap();
    id
}

/// Returns malformed spellings of `id`, most of which a lenient parser would accept.
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
        // Double encoding.
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
