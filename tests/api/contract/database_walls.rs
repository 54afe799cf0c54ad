//! Row-level security and composite keys: walls 3 and 4 against BOLA ("A tour" in README.md lists all four).
//! PostgreSQL's catalogue lists the tables with an owner.

use sqlx::{ConnectOptions, Executor};
use strongroom::base::id::UserId;
use strongroom::db::OwnerTx;
use strongroom::db::service_role::role_faults;
use strongroom::features::{live_kinds, object_kinds};

use crate::support::TestApp;
use crate::support::database::{Role, TestDatabase};

async fn names(app: &TestApp, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(&app.all_rows).await.unwrap()
}

#[actix_web::test]
async fn every_owned_table_has_row_level_security_and_composite_keys() {
    let app = TestApp::start().await;
    let owned = names(&app, "select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid
        where a.attname = 'owner_id' and c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace order by 1").await;
    let mut protected = app.owned_tables().await;
    protected.sort();
    assert_eq!(owned, protected, "the migration of each owned table must call protect_owned_table()");

    let unforced = names(
        &app,
        "select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid
        where a.attname = 'owner_id' and c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
          and not (c.relrowsecurity and c.relforcerowsecurity)",
    )
    .await;
    assert_eq!(unforced, Vec::<String>::new(), "row-level security must be on and forced");

    let without_policy = names(
        &app,
        "select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid
        where a.attname = 'owner_id' and c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
          and not exists (select from pg_policies p where p.tablename = c.relname and p.cmd = 'ALL'
              and p.qual = '(owner_id = current_owner())' and p.with_check = '(owner_id = current_owner())')",
    )
    .await;
    assert_eq!(without_policy, Vec::<String>::new(), "the policy must apply to reads and to writes");

    // PostgreSQL grants access if any policy of a table allows it, so each table may have only one policy.
    // Exceptions: the classifier role may read ids and owners, and the schema's owner may delete idempotency keys.
    let permissive = names(
        &app,
        "select tablename::text from pg_policies
         where roles <> '{strongroom_classifier}' and policyname <> 'idempotency_keys_expired'
         group by 1 having count(*) > 1",
    )
    .await;
    assert_eq!(permissive, Vec::<String>::new(), "a second policy would allow more than the first policy");

    let plain_keys = names(
        &app,
        "select conname::text from pg_constraint k
        where k.contype = 'f' and k.confrelid in (select a.attrelid from pg_attribute a where a.attname = 'owner_id')
          and not exists (select from unnest(k.conkey) with ordinality c(number, place)
              join unnest(k.confkey) with ordinality f(number, place) using (place)
              join pg_attribute ca on ca.attrelid = k.conrelid and ca.attnum = c.number
              join pg_attribute fa on fa.attrelid = k.confrelid and fa.attnum = f.number
              where ca.attname = 'owner_id' and fa.attname = 'owner_id')",
    )
    .await;
    assert_eq!(plain_keys, Vec::<String>::new(), "a foreign key to an owned table must contain owner_id on both sides");

    let global_unique = names(
        &app,
        "select i.indexrelid::regclass::text from pg_index i
        join pg_attribute a on a.attrelid = i.indrelid and a.attname = 'owner_id'
        where i.indisunique and not i.indisprimary and not (a.attnum = any(i.indkey))",
    )
    .await;
    assert_eq!(
        global_unique,
        Vec::<String>::new(),
        "a unique index across owners reveals which values other users have"
    );

    let views = names(
        &app,
        "select relname::text from pg_class where relkind in ('v', 'm') and relnamespace = 'public'::regnamespace
        and not coalesce(reloptions::text, '') like '%security_invoker=true%'",
    )
    .await;
    assert_eq!(
        views,
        Vec::<String>::new(),
        "a view without security_invoker reads with the privileges of the view's owner"
    );
}

#[actix_web::test]
async fn service_role_has_least_privilege() {
    let app = TestApp::start().await;
    let pool = &app.replica().pool;
    assert_eq!(role_faults(&mut pool.acquire().await.unwrap()).await.unwrap(), Vec::new());
    let writable = names(
        &app,
        "select table_name || '.' || column_name from information_schema.column_privileges
        where grantee = 'strongroom_app' and privilege_type = 'UPDATE'
          and (column_name in ('owner_id', 'number', 'created_at', 'id', 'role', 'issue_date')
              or (table_name, column_name) = ('users', 'status'))
          -- A new reset replaces the previous one.
          and table_name <> 'password_resets'",
    )
    .await;
    assert_eq!(writable, Vec::<String>::new());
    let public_functions = names(
        &app,
        "select oid::regprocedure::text from pg_proc
         where pronamespace = 'public'::regnamespace and has_function_privilege('public', oid, 'execute')",
    )
    .await;
    assert_eq!(public_functions, Vec::<String>::new(), "no function is granted to all roles (PUBLIC)");
    for forbidden in [
        "alter table invoices disable row level security",
        "create table mine (a int)",
        "update invoices set owner_id = gen_random_uuid()",
        "update invoices set number = 'INV-2026-0001'",
        "update users set role = 'admin'",
        "update users set status = 'active'",
        "insert into users (id, email, display_name, password_hash, role, created_at, updated_at)
            values (gen_random_uuid(), 'a@b.example', 'x', '$argon2id$', 'admin', now(), now())",
        "select last from number_counters",
        "select next_number('INV', gen_random_uuid(), current_date)",
        "truncate customers",
        "set role strongroom_owner",
        "create policy open on invoices using (true)",
    ] {
        let error = sqlx::query(forbidden).execute(pool).await.expect_err(forbidden);
        let code = error.as_database_error().unwrap().code().unwrap().into_owned();
        assert_eq!(code, "42501", "{forbidden}: {error}");
    }
}

#[actix_web::test]
async fn classifier_role_can_read_only_ids_and_owners() {
    let app = TestApp::start().await;
    let policies = names(
        &app,
        "select tablename::text || ' ' || cmd from pg_policies where roles = '{strongroom_classifier}' order by 1",
    )
    .await;
    let owned =
        "select relation::text || ' SELECT' from classified_objects join owned_tables using (relation) order by 1";
    assert_eq!(policies, names(&app, owned).await);
    let columns = names(
        &app,
        "select table_name || '.' || column_name || ' ' || privilege_type from information_schema.column_privileges
         where grantee = 'strongroom_classifier' and table_name <> 'classified_objects' order by 1",
    )
    .await;
    let id_and_owner = names(
        &app,
        "select distinct relation || '.' || needed || ' SELECT'
         from classified_objects, unnest(array['id', owner_column]) as needed order by 1",
    )
    .await;
    assert_eq!(columns, id_and_owner);
    let role = "rolname from pg_roles where rolname = 'strongroom_classifier' and not rolcanlogin and not rolsuper
        and not rolbypassrls and not rolcreaterole";
    let role: String =
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select {role}"))).fetch_one(&app.all_rows).await.unwrap();
    assert_eq!(role, "strongroom_classifier");
    let functions = names(
        &app,
        "select p.proname::text from pg_proc p join pg_roles r on r.oid = p.proowner where r.rolname = 'strongroom_classifier'",
    )
    .await;
    assert_eq!(functions, ["classify_object"]);
    let members = names(
        &app,
        "select m.member::regrole::text from pg_auth_members m where m.roleid = 'strongroom_classifier'::regrole",
    )
    .await;
    assert_eq!(members, ["strongroom_owner"]);
    let mut kinds = names(&app, "select kind from classified_objects").await;
    kinds.sort();
    let mut known: Vec<_> = object_kinds().map(|kind| kind.name).collect();
    known.sort();
    assert_eq!(kinds, known, "features/mod.rs and the migrations must contain the same kinds");
}

#[actix_web::test]
async fn every_live_kind_has_a_trigger_that_records_its_changes() {
    let app = TestApp::start().await;
    let sql = "select rtrim(encode(tgargs, 'escape'), '\\000') from pg_trigger where tgfoid = 'record_change'::regproc";
    let mut kinds = names(&app, sql).await;
    kinds.sort();
    let mut live: Vec<_> = live_kinds().map(|kind| kind.name).collect();
    live.sort();
    assert_eq!(kinds, live, "is_live of a REGISTRATION and the migrations must agree");
}

#[actix_web::test]
async fn schema_owner_can_read_only_expired_replies() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for key in ["old", "new"] {
        let customer = serde_json::json!({"name": "Acme", "default_currency": "EUR"});
        let create = alice.request(reqwest::Method::POST, "/api/v1/customers").header("idempotency-key", key);
        create.json(&customer).send().await.ok(201);
    }
    sqlx::query("update idempotency_keys set claimed_at = now() - interval '25 hours' where key = 'old'")
        .execute(&app.all_rows)
        .await
        .unwrap();
    let mut owner = app.owner().await;
    let seen: Vec<String> = sqlx::query_scalar("select key from idempotency_keys").fetch_all(&mut owner).await.unwrap();
    assert_eq!(seen, ["old"]);
    let role = "select roles::text from pg_policies where policyname = 'idempotency_keys_expired'";
    assert_eq!(names(&app, role).await, ["{strongroom_owner}"]);
}

#[actix_web::test]
async fn unscoped_query_without_an_owner_returns_no_rows() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.invoice().await;
    let everything: i64 = sqlx::query_scalar("select count(*) from invoices").fetch_one(&app.all_rows).await.unwrap();
    assert_eq!(everything, 1);
    // The query has no condition, so only row-level security protects the rows.
    let pool = &app.replica().pool;
    let unset: i64 = sqlx::query_scalar("select count(*) from invoices").fetch_one(pool).await.unwrap();
    let mut other = OwnerTx::begin(pool, UserId::new()).await.unwrap();
    let foreign: i64 = sqlx::query_scalar("select count(*) from invoices").fetch_one(other.connection()).await.unwrap();
    let changed = sqlx::query("update invoices set notes = 'x'").execute(other.connection()).await.unwrap();
    assert_eq!((unset, foreign, changed.rows_affected()), (0, 0, 0));
    let planted = sqlx::query(
        "insert into customers (id, owner_id, name, default_currency, created_at, updated_at)
        select gen_random_uuid(), id, 'x', 'EUR', now(), now() from users",
    )
    .execute(other.connection())
    .await;
    assert!(planted.is_err(), "WITH CHECK must refuse another owner's row");
}

#[actix_web::test]
async fn owner_setting_does_not_leak_to_the_next_transaction_of_a_connection() {
    let database = TestDatabase::create().await;
    let one = sqlx::postgres::PgPoolOptions::new()
        .max_connections(1)
        .connect_with(database.options(Role::App))
        .await
        .unwrap();
    let setting = "select coalesce(current_setting('app.owner_id', true), '')";
    for committed in [true, false] {
        let mut owner = OwnerTx::begin(&one, UserId::new()).await.unwrap();
        let inside: String = sqlx::query_scalar(setting).fetch_one(owner.connection()).await.unwrap();
        assert_eq!(inside.len(), 36);
        if committed {
            owner.commit().await.unwrap();
        } else {
            drop(owner);
        }
        let after: String = sqlx::query_scalar(setting).fetch_one(&one).await.unwrap();
        assert_eq!(after, "");
        let owner: Option<uuid::Uuid> = sqlx::query_scalar("select current_owner()").fetch_one(&one).await.unwrap();
        assert_eq!(owner, None, "an empty setting must mean no owner, and cause no error");
    }
}

#[actix_web::test]
async fn no_function_of_the_schema_depends_on_the_search_path() {
    let app = TestApp::start().await;
    // A function whose body is a RETURN needs no `set search_path`: PostgreSQL resolves its names at creation.
    // The catalogue has a `prosqlbody` for such a function.
    let unset = "select proname::text from pg_proc where pronamespace = 'public'::regnamespace
        and (prosecdef or prosqlbody is null) and not coalesce(proconfig::text, '') like '%search_path=%'";
    assert_eq!(names(&app, unset).await, Vec::<String>::new());
    let mut connection = app.database.options(Role::Superuser).connect().await.unwrap();
    let attack = "create schema attack;
        create function attack.current_setting(text, boolean) returns text language sql
            return '00000000-0000-0000-0000-000000000001';
        set search_path = attack, pg_catalog, public";
    connection.execute(attack).await.unwrap();
    let [setting, owner] = ["select current_setting('app.owner_id', true)", "select current_owner()::text"];
    let setting: Option<String> = sqlx::query_scalar(setting).fetch_one(&mut connection).await.unwrap();
    let owner: Option<String> = sqlx::query_scalar(owner).fetch_one(&mut connection).await.unwrap();
    assert_eq!((setting.is_some(), owner), (true, None));
}
