//! The roles of a Strongroom database: the owner of the schema, the service, and the owner of `classify_object()`.
//! In production, deploy/postgres/roles.sh creates these roles.
#![allow(
    clippy::disallowed_methods,
    reason = "fixed statements that run before there is a schema to check them against"
)]

use sqlx::postgres::PgConnection;
use sqlx::{Executor, query_scalar, raw_sql};

use crate::db::service_role::OWNER;

/// The role of the service. It owns no tables, so row-level security applies to it.
pub const APP: &str = "strongroom_app";
pub const DATABASE: &str = "strongroom";
/// The superuser, which `initdb` creates.
const SUPERUSER: &str = "postgres";

/// The role of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The superuser. Only the start of the server and tests connect as this role.
    Superuser,
    /// The owner of the schema, which runs the migrations.
    Owner,
    App,
}

impl Role {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Superuser => SUPERUSER,
            Self::Owner => OWNER,
            Self::App => APP,
        }
    }
}

/// Creates missing roles.
pub async fn create_roles(superuser: &mut PgConnection) -> Result<(), sqlx::Error> {
    // Take an advisory lock, because several test processes can create the roles of one server at the same time.
    let roles = raw_sql(
        "begin;
         select pg_advisory_xact_lock(1400136274);
         do $$
         begin
             if not exists (select from pg_roles where rolname = 'strongroom_owner') then
                 create role strongroom_owner login createrole nosuperuser nobypassrls nocreatedb noreplication;
             end if;
             if not exists (select from pg_roles where rolname = 'strongroom_app') then
                 create role strongroom_app login nosuperuser nobypassrls nocreaterole nocreatedb noreplication;
             end if;
             if exists (select from pg_roles where rolname = 'strongroom_app' and not rolcanlogin) then
                 alter role strongroom_app login;
             end if;
             if not exists (select from pg_roles where rolname = 'strongroom_classifier') then
                 create role strongroom_classifier nologin nosuperuser nobypassrls nocreaterole nocreatedb noreplication;
             end if;
             grant strongroom_classifier to strongroom_owner;
         end
         $$;
         commit",
    );
    superuser.execute(roles).await?;
    Ok(())
}

/// Creates the development database if it is missing. The caller must have locked the development folder.
pub(super) async fn create_database(superuser: &mut PgConnection) -> Result<(), sqlx::Error> {
    let exists: bool = query_scalar("select exists (select from pg_database where datname = 'strongroom')")
        .fetch_one(&mut *superuser)
        .await?;
    if !exists {
        superuser.execute(raw_sql("create database strongroom owner strongroom_owner")).await?;
    }
    Ok(())
}
