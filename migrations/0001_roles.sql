-- Roles and default privileges (least privilege, CWE-250).
--
-- strongroom_owner owns the schema and runs the migrations. strongroom_app is the role of the service.
-- This role owns nothing and cannot bypass row-level security. The service has only the rights that are granted here.
-- strongroom_classifier owns the function classify_object() and cannot log in.
-- deploy/postgres/roles.sh creates the roles in production, and the development server creates them in development.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

revoke all on schema public from public;
grant usage on schema public to strongroom_app, strongroom_classifier;

-- By default, every role may execute a new function. The next statement removes this right.
-- From then on, a role can call a function only if a migration grants the right to it.
alter default privileges revoke execute on functions from public;

-- The service compares the applied migrations with those of its build before it reports that it is ready.
grant select on _sqlx_migrations to strongroom_app;
