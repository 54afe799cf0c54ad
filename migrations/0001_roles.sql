-- Roles and default privileges (least privilege, CWE-250).
--
-- strongroom_owner owns the schema and runs the migrations. strongroom_app is the role of the service: it owns nothing,
-- cannot bypass row-level security, and has only the rights that are granted here. strongroom_classifier cannot log in;
-- it owns classify_object(). deploy/postgres/roles.sh creates the roles. The development database creates the same
-- roles.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

revoke all on schema public from public;
grant usage on schema public to strongroom_app, strongroom_classifier;

-- By default, every role may execute a new function. The next statement removes this right, so each function is granted
-- to the roles that need it.
alter default privileges revoke execute on functions from public;

-- The readiness check compares the applied migrations with those of the build.
grant select on _sqlx_migrations to strongroom_app;
