//! Deletes parent rows in every state, for every foreign key to an owned table.
//! The service must delete either all child rows or none, with a response that the OpenAPI document lists.

use reqwest::Method;
use sqlx::{AssertSqlSafe, Executor};
use strongroom::features::{kind_of_route, object_kinds};

use crate::support::TestApp;
use crate::support::examples::{Demo, Example};
use crate::support::snapshot::Snapshot;

#[derive(sqlx::FromRow)]
struct Key {
    name: String,
    child: String,
    parent: String,
    /// The child's column with the id of the parent.
    column: String,
    is_optional: bool,
}

async fn keys(app: &TestApp) -> Vec<Key> {
    let sql =
        "select k.conname::text as name, k.conrelid::regclass::text as child, k.confrelid::regclass::text as parent,
            a.attname::text as column, not a.attnotnull as is_optional
        from pg_constraint k
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey) and a.attname <> 'owner_id'
        where k.contype = 'f' and k.confrelid in (select relation from owned_tables) order by 1";
    sqlx::query_as(sql).fetch_all(&app.all_rows).await.unwrap()
}

/// Returns the example of the operation that deletes a row of this table, if there is one.
async fn deletion_of(app: &TestApp, table: &str) -> Option<Example> {
    let kind: Option<String> = sqlx::query_scalar("select kind from classified_objects where relation = $1::regclass")
        .bind(table)
        .fetch_optional(&app.all_rows)
        .await
        .unwrap();
    let kind = object_kinds().find(|known| Some(known.name) == kind.as_deref())?;
    let deletes = |example: &Example| {
        example.method == Method::DELETE && example.path.ends_with("/{id}") && kind_of_route(example.path) == Some(kind)
    };
    Example::all().into_iter().find(deletes)
}

/// Returns the id and the version of each of Anna's rows in this table.
async fn rows(demo: &Demo, table: &str) -> Vec<(String, String)> {
    let sql = format!(
        "select t.id::text, to_jsonb(t) ->> 'version' from {table} t join users u on u.id = t.owner_id
         where u.email = $1 order by t.created_at, t.id"
    );
    sqlx::query_as(AssertSqlSafe(sql)).bind(&demo.anna.email).fetch_all(&demo.app.all_rows).await.unwrap()
}

async fn count(app: &TestApp, sql: String) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&app.all_rows).await.unwrap()
}

#[actix_web::test]
async fn deletion_of_parent_with_children_is_refused_or_cascades() {
    let demo = Demo::start().await;
    let app = &demo.app;
    let (keys, snapshot, mut faults) = (keys(app).await, Snapshot::take(app).await, Vec::new());
    assert!(keys.len() >= 6);
    for Key { name, child, parent, column, is_optional } in keys {
        // Without a DELETE operation, the service deletes these parent rows only together with the account.
        let Some(deletion) = deletion_of(app, &parent).await else { continue };
        let mut tried = 0;
        for (id, version) in rows(&demo, &parent).await {
            let children = format!("select count(*) from {child} where {column} = '{id}'");
            if is_optional {
                // The foreign key is optional, so attach all children of this owner to this parent.
                let owner = format!("select owner_id from {parent} where id = '{id}'");
                let attach = format!("update {child} set {column} = '{id}' where owner_id = ({owner})");
                app.all_rows.execute(AssertSqlSafe(attach)).await.unwrap();
            }
            if count(app, children.clone()).await == 0 {
                continue;
            }
            tried += 1;
            let before = app.digest_all().await;
            let headers = vec![("If-Match".to_owned(), format!("\"{version}\""))];
            let reply = demo.send(&Example { object: id.clone(), headers, ..deletion.clone() }).await;
            let place = format!("{} of a row of {parent} that {child} refers to ({name})", deletion.id);
            match reply.status.as_u16() {
                204 if count(app, children).await > 0 => faults.push(format!("{place}: the deletion left children")),
                204 => {}
                409 if app.digest_all().await != before => {
                    faults.push(format!("{place}: the deletion was refused, but rows changed"))
                }
                409 => {}
                _ => faults.push(format!("{place}: {}", reply.text())),
            }
            snapshot.restore(app).await;
        }
        if tried == 0 {
            faults.push(format!("{name}: the demo data needs a row of {child} that refers to {parent}"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
