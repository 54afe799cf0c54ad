//! Least privilege of the database role (CWE-250, CWE-269). The function `role_faults` reports excess privileges of the
//! service's role. The test grants one excess privilege at a time, expects it in the report, and runs the remedy.

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use strongroom::db::service_role::{RoleFault, role_faults};

use crate::support::TestApp;
use crate::support::database::Role;

#[actix_web::test]
async fn excess_privilege_is_reported_with_a_remedy() {
    let app = TestApp::start().await;
    let database = app.database.name();
    let mut superuser = app.database.options(Role::Superuser).connect().await.unwrap();
    let own = format!("alter database {database} owner to strongroom_app");
    let create = format!("grant create on database {database} to strongroom_app");
    for (planted, fault) in [
        ("alter role strongroom_app superuser", "is a superuser"),
        ("alter role strongroom_app bypassrls", "bypasses row-level security"),
        ("alter role strongroom_app createrole", "may create roles"),
        ("alter role strongroom_app createdb", "may create databases"),
        ("alter role strongroom_app replication", "may replicate"),
        ("grant pg_read_all_data to strongroom_app", "is a member of pg_read_all_data"),
        ("grant pg_write_all_data to strongroom_app", "is a member of pg_write_all_data"),
        ("grant pg_execute_server_program to strongroom_app", "is a member of pg_execute_server_program"),
        ("grant strongroom_owner to strongroom_app", "is a member of strongroom_owner"),
        ("grant strongroom_classifier to strongroom_app", "is a member of strongroom_classifier"),
        ("alter table customers owner to strongroom_app", "owns the table public.customers"),
        ("create schema planted authorization strongroom_app", "owns the schema planted"),
        (
            "create function planted() returns int language sql as 'select 1';
             alter function planted() owner to strongroom_app",
            "owns the function public.planted()",
        ),
        (&own, &format!("owns the database {database}")),
        ("grant create on schema public to strongroom_app", "may create on schema public"),
        ("grant create on schema public to public", "may create on schema public"),
        (&create, &format!("may create on database {database}")),
        (
            "grant set on parameter session_replication_role to strongroom_app",
            "may set on parameter session_replication_role",
        ),
        ("grant truncate on customers to strongroom_app", "may truncate on table customers"),
        ("grant trigger on invoices to public", "may trigger on table invoices"),
        ("grant references on invoices to strongroom_app", "may references on table invoices"),
        ("grant update on security_events to strongroom_app", "may update on table security_events"),
        ("grant update (mac) on security_events to strongroom_app", "may update (mac) on table security_events"),
        ("grant delete on security_events to strongroom_app", "may delete on table security_events"),
        ("grant truncate on security_event_seals to strongroom_app", "may truncate on table security_event_seals"),
        ("grant update (role) on users to strongroom_app", "may update (role) on table users"),
        ("grant update (owner_id) on documents to strongroom_app", "may update (owner_id) on table documents"),
        ("grant update on users to strongroom_app", "may update on table users, all columns"),
    ] {
        let mut transaction = superuser.begin().await.unwrap();
        run(&mut transaction, planted).await;
        let faults = faults_of_the_service(&mut transaction).await;
        assert!(faults.iter().any(|found| found.fault == fault), "{planted}: {faults:?}");
        for fault in faults {
            run(&mut transaction, &fault.remedy).await;
        }
        assert_eq!(faults_of_the_service(&mut transaction).await, Vec::new(), "{planted}");
        // The role must keep the privileges that it needs.
        run(&mut transaction, "set local role strongroom_app; update users set bio = bio where false").await;
        transaction.rollback().await.unwrap();
    }
}

async fn run(transaction: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(transaction).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Checks the service's role within this transaction.
async fn faults_of_the_service(transaction: &mut PgConnection) -> Vec<RoleFault> {
    run(transaction, "set local role strongroom_app").await;
    let faults = role_faults(transaction).await.unwrap();
    run(transaction, "set local role none").await;
    faults
}
