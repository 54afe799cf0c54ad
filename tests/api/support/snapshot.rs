//! Copies of rows, with which a test undoes the changes of a request.

use sqlx::{AssertSqlSafe, Executor};

use super::TestApp;

/// The rows of all accounts and of all tables with an owner. Sessions are excluded, because the service caches them.
pub struct Snapshot {
    tables: Vec<(String, String)>,
}

impl Snapshot {
    pub async fn take(app: &TestApp) -> Self {
        let sql = "select c.oid::regclass::text, string_agg(quote_ident(a.attname), ', ')
            from pg_class c join pg_attribute a on a.attrelid = c.oid
            where a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
              and (c.oid in (select relation from owned_tables)
                or c.relname = any (array['users', 'owners', 'registrations', 'password_resets', 'login_failures']))
            group by 1";
        let tables: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(&app.all_rows).await.unwrap();
        let copy = tables.iter().map(|(table, _)| format!("create table snapshot.{table} as table public.{table};"));
        let sql = format!("create schema snapshot; {}", copy.collect::<String>());
        app.all_rows.execute(AssertSqlSafe(sql)).await.unwrap();
        Self { tables }
    }

    /// Restores the rows, without triggers and foreign keys.
    pub async fn restore(&self, app: &TestApp) {
        let replace = self.tables.iter().map(|(table, columns)| {
            format!("delete from {table}; insert into {table} ({columns}) select {columns} from snapshot.{table};")
        });
        let sql =
            format!("begin; set local session_replication_role = replica; {} commit", replace.collect::<String>());
        app.all_rows.execute(AssertSqlSafe(sql)).await.unwrap();
    }
}
