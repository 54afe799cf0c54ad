-- Roles and default privileges (least privilege, CWE-250).
--
-- There are three roles:
--   * strongroom_owner owns the schema and runs the migrations.
--   * strongroom_app is the role of the service. It owns nothing, and has only the rights that the migrations grant.
--   * strongroom_classifier owns the function classify_object() and cannot log in.
-- In production, deploy/postgres/roles.sh creates the roles. In development, the service creates them.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

revoke all on schema public from public;
grant usage on schema public to strongroom_app, strongroom_classifier;

-- By default, every role may execute a new function. From now on, a role needs a grant.
alter default privileges revoke execute on functions from public;

-- The readiness check compares the applied migrations with the migrations of the build.
grant select on _sqlx_migrations to strongroom_app;
