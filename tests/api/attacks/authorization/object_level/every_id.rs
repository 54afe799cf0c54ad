//! Ids of other users' objects (CWE-639), in every field that contains an id. The response is the same as for an object
//! that does not exist.

use serde_json::json;
use uuid::Uuid;

use super::{malformed, without_row_level_security};
use crate::support::TestApp;
use crate::support::examples::{Demo, Example, Field};

async fn tables_with_ids(app: &TestApp) -> Vec<String> {
    let sql = "select relation::text from owned_tables join pg_attribute on attrelid = relation and attname = 'id'";
    sqlx::query_scalar(sql).fetch_all(&app.all_rows).await.unwrap()
}

/// Ids to try instead of the id in the example.
struct Ids {
    /// An object of the same type, of another user.
    foreign: String,
    /// Objects of other types, of the same owner.
    of_other_types: Vec<String>,
}

/// Returns ids to try instead of the example of this field. Returns `None` if the object of the example has no owner.
async fn ids_for(app: &TestApp, field: &Field) -> Option<Ids> {
    let example: Uuid = field.example.as_str().unwrap().parse().unwrap();
    let id = async |sql: String, id: Uuid| -> Option<Uuid> {
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(id);
        query.fetch_optional(&app.all_rows).await.unwrap()
    };
    let (mut found, mut of_other_types) = (None, Vec::new());
    let tables = tables_with_ids(app).await;
    for table in &tables {
        if let Some(owner) = id(format!("select owner_id from {table} where id = $1"), example).await {
            let foreign = id(format!("select id from {table} where owner_id <> $1"), owner).await;
            let foreign = foreign.unwrap_or_else(|| panic!("the second demo user needs a row in {table}"));
            found = Some((table, owner, foreign));
        }
    }
    let (own, owner, foreign) = found?;
    for table in tables.iter().filter(|table| *table != own) {
        of_other_types.extend(id(format!("select id from {table} where owner_id = $1"), owner).await);
    }
    let of_other_types = of_other_types.iter().map(Uuid::to_string).collect();
    Some(Ids { foreign: foreign.to_string(), of_other_types })
}

/// Sends other ids in each field that contains an id. Returns the number of these fields.
async fn foreign_ids_are_treated_as_missing(demo: &Demo) -> usize {
    let mut fields = 0;
    for mut example in Example::all() {
        // With the same idempotency key, a request would wait for the rollback of the previous request.
        example.headers.retain(|(name, _)| name != "Idempotency-Key");
        for field in example.fields().into_iter().filter(Field::is_id) {
            let place = format!("{} {}", example.id, field.pointer);
            let Some(Ids { foreign, of_other_types }) = ids_for(&demo.app, &field).await else {
                let is_admin = example.access == strongroom::app::routes::Access::Admin;
                assert!(
                    is_admin,
                    "{place}: the id in its example belongs to no object of the demo data: {}",
                    field.example
                );
                continue;
            };
            fields += 1;
            let send = async |id: &str| demo.send(&example.with(&field, &json!(id))).await;
            let before = demo.app.digest_all().await;
            // The first request also counts the owner's rows for the quota, so its statements would differ.
            send(&Uuid::new_v4().to_string()).await;
            let missing = send(&Uuid::new_v4().to_string()).await;
            if field.query_name().is_none() {
                assert_eq!(
                    missing.status.as_u16(),
                    400,
                    "{place}: the id of a missing object is not refused: {}",
                    missing.text()
                );
                missing.assert_invalid_field(&field.pointer);
            }
            let mut ids = malformed(field.example.as_str().unwrap());
            ids.extend([foreign.to_uppercase(), foreign, String::new()]);
            ids.extend(of_other_types);
            for id in ids {
                let reply = send(&id).await;
                assert_eq!(reply.comparable(), missing.comparable(), "{place}: {id}");
                assert_eq!(reply.statements(), missing.statements(), "{place}: {id}");
                assert_eq!(reply.events(), missing.events(), "{place}: {id}");
            }
            assert_eq!(demo.app.digest_all().await, before, "{place}");
        }
    }
    fields
}

#[actix_web::test]
async fn foreign_id_in_every_field_is_treated_like_missing_one() {
    let demo = Demo::start().await;
    let fields = foreign_ids_are_treated_as_missing(&demo).await;
    assert!(fields >= 8, "only {fields} fields with an id were found");
}

/// Scoped queries and composite keys are sufficient alone.
#[actix_web::test]
async fn foreign_id_in_every_field_is_treated_like_missing_one_without_row_level_security() {
    let demo = Demo::start().await;
    without_row_level_security(&demo.app).await;
    foreign_ids_are_treated_as_missing(&demo).await;
}
