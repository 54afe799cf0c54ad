//! The roles of a Strongroom database, as `deploy/` makes them in production: the owner of the schema, who migrates, the
//! service, which owns nothing, and the one that owns a single function (`classify_object`) and signs in nowhere.
#![allow(
    clippy::disallowed_methods,
    reason = "fixed statements that run before there is a schema to check them against"
)]

use sqlx::postgres::PgConnection;
use sqlx::{Executor, query_scalar, raw_sql};

use crate::db::service_role::OWNER;

/// The service's role: owns nothing, no BYPASSRLS.
pub const APP: &str = "strongroom_app";
/// The development database.
pub const DATABASE: &str = "strongroom";
/// Created by `initdb`.
const SUPERUSER: &str = "postgres";

/// A role to connect as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Creates databases and roles. The service never connects as superuser.
    Superuser,
    /// Runs migrations.
    Owner,
    /// The service.
    App,
}

impl Role {
    /// Returns the name in PostgreSQL.
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
    // The lock prevents a race of two processes (tests on a shared server).
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

/// Creates the development database if it is missing. The caller holds the lock of the checkout.
pub(super) async fn create_database(superuser: &mut PgConnection) -> Result<(), sqlx::Error> {
    let exists: bool = query_scalar("select exists (select from pg_database where datname = 'strongroom')")
        .fetch_one(&mut *superuser)
        .await?;
    if !exists {
        superuser.execute(raw_sql("create database strongroom owner strongroom_owner")).await?;
    }
    Ok(())
}
