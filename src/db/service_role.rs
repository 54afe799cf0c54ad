//! Least privilege of the service's database role (CWE-250, CWE-269).
//! In production, the service does not start if its role could read rows of all owners or change the audit trail.

use sqlx::PgConnection;

pub const OWNER: &str = "strongroom_owner";

/// A privilege that the service's role has but must not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database role {role} {fault}: run `{remedy}`")]
pub struct RoleFault {
    pub role: String,
    pub fault: String,
    /// The SQL statement with which a superuser removes the privilege.
    pub remedy: String,
}

/// Returns the forbidden privileges of this connection's role.
pub async fn role_faults(connection: &mut PgConnection) -> Result<Vec<RoleFault>, sqlx::Error> {
    let me = sqlx::query!(
        r#"select rolname::text as "name!", rolsuper as "superuser!", rolbypassrls as "bypassrls!",
               rolcreaterole as "createrole!", rolcreatedb as "createdb!", rolreplication as "replication!"
           from pg_roles where rolname = current_user"#
    )
    .fetch_one(&mut *connection)
    .await?;
    let role = me.name;
    let faults = [
        (me.superuser, "is a superuser", "nosuperuser"),
        (me.bypassrls, "bypasses row-level security", "nobypassrls"),
        (me.createrole, "may create roles", "nocreaterole"),
        (me.createdb, "may create databases", "nocreatedb"),
        (me.replication, "may replicate", "noreplication"),
    ]
    .into_iter()
    .filter(|(has, ..)| *has)
    .map(|(_, fault, option)| (fault.to_owned(), format!("alter role {role} {option}")))
    .chain(memberships(connection, &role).await?)
    .chain(owned_objects(connection).await?)
    .chain(whole_table_updates(connection, &role).await?)
    .chain(privileges(connection, &role).await?)
    .map(|(fault, remedy)| RoleFault { role: role.clone(), fault, remedy });
    Ok(faults.collect())
}

/// Pairs of a forbidden privilege and the statement that removes it.
type Found = Vec<(String, String)>;

/// Returns the memberships of the role, also in predefined roles such as `pg_read_all_data`.
/// The role has the privileges of each role of which it is a member.
async fn memberships(connection: &mut PgConnection, role: &str) -> Result<Found, sqlx::Error> {
    let roles = sqlx::query_scalar!(
        r#"select quote_ident(other.rolname) as "name!"
           from pg_auth_members m join pg_roles other on other.oid = m.roleid
           where m.member = (select oid from pg_roles where rolname = current_user) order by 1"#
    );
    let found = roles.fetch_all(connection).await?.into_iter();
    Ok(found.map(|other| (format!("is a member of {other}"), format!("revoke {other} from {role}"))).collect())
}

/// Returns the objects that the role owns. An owner can change or drop its objects without a grant.
async fn owned_objects(connection: &mut PgConnection) -> Result<Found, sqlx::Error> {
    let objects = sqlx::query_scalar!(
        r#"select format('%s %s', object.type, object.identity) as "name!"
           from pg_shdepend d
           join pg_database here on here.datname = current_database() and d.dbid in (0, here.oid)
           cross join lateral pg_identify_object(d.classid, d.objid, d.objsubid) as object
           where d.refclassid = 'pg_authid'::regclass and d.deptype = 'o'
             and d.refobjid = (select oid from pg_roles where rolname = current_user)
           order by 1"#
    );
    let found = objects.fetch_all(connection).await?.into_iter();
    Ok(found.map(|name| (format!("owns the {name}"), format!("alter {name} owner to {OWNER}"))).collect())
}

/// Returns the tables in which the role may update all columns. The migrations grant only some columns.
/// Revoking UPDATE on a table also revokes the grants of its columns, so the remedy grants them again.
async fn whole_table_updates(connection: &mut PgConnection, role: &str) -> Result<Found, sqlx::Error> {
    let tables = sqlx::query!(
        r#"select c.oid::regclass::text as "name!", string_agg(quote_ident(a.attname), ', ') as "columns!"
           from pg_class c join pg_attribute a on a.attrelid = c.oid
           where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
             and has_table_privilege(c.oid, 'update')
             and exists (
                 select from aclexplode(a.attacl) as granted
                 where granted.privilege_type = 'UPDATE'
                   and granted.grantee = (select oid from pg_roles where rolname = current_user)
             )
           group by c.oid order by 1"#
    );
    let found = tables.fetch_all(connection).await?.into_iter().map(|table| {
        let (name, columns) = (table.name, table.columns);
        let remedy = format!(
            "revoke update on table {name} from {role}, public; grant update ({columns}) on table {name} to {role}"
        );
        (format!("may update on table {name}, all columns"), remedy)
    });
    Ok(found.collect())
}

/// Returns privileges that no migration grants: creating objects, bypassing triggers and policies,
/// changing the audit trail, and writing the columns for owner, role, status and invoice number.
async fn privileges(connection: &mut PgConnection, role: &str) -> Result<Found, sqlx::Error> {
    let grants = sqlx::query_scalar!(
        r#"with relations as (
               select c.oid, c.oid::regclass::text as name from pg_class c
               where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relnamespace = 'public'::regnamespace
           )
           select format('create on schema %I', nspname) as "privilege!" from pg_namespace
           where nspname !~ '^pg_' and has_schema_privilege(oid, 'create')
           union all
           select format('create on database %I', current_database())
           where has_database_privilege(current_database(), 'create')
           union all
           select format('%s on parameter %s', privilege, parname)
           from pg_parameter_acl cross join unnest(array['set', 'alter system']) as privilege
           where has_parameter_privilege(parname, privilege)
           union all
           select format('%s on table %s', privilege, name)
           from relations cross join unnest(array['truncate', 'references', 'trigger']) as privilege
           where has_table_privilege(oid, privilege)
           union all
           select format('%s on table %s', privilege, name)
           from relations cross join unnest(array['update', 'delete']) as privilege
           where name in ('security_events', 'security_event_seals') and has_table_privilege(oid, privilege)
           union all
           select format('update (%I) on table %s', a.attname, name)
           from relations join pg_attribute a on a.attrelid = relations.oid and a.attnum > 0 and not a.attisdropped
           where has_column_privilege(relations.oid, a.attnum, 'update')
             and (name in ('security_events', 'security_event_seals') or a.attname = 'owner_id'
                 or (name = 'users' and a.attname in ('role', 'status')) or (name = 'invoices' and a.attname = 'number'))
           order by 1"#
    );
    let found = grants.fetch_all(connection).await?.into_iter();
    Ok(found.map(|grant| (format!("may {grant}"), format!("revoke {grant} from {role}, public"))).collect())
}
