-- Roles and default privileges (least privilege, CWE-250).
--
-- strongroom_owner owns the schema and runs the migrations. strongroom_app is the role of the service: it owns nothing,
-- cannot bypass row-level security, and has only the rights that are granted here. strongroom_classifier cannot log in;
-- it owns classify_object(). deploy/postgres/roles.sh creates the roles. The development server creates them too.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

revoke all on schema public from public;
grant usage on schema public to strongroom_app, strongroom_classifier;

-- By default, every role may execute a new function. The next statement removes this right, so that a function can be
-- called only by the roles to which a migration grants it.
alter default privileges revoke execute on functions from public;

-- The service compares the applied migrations with those of its build before it reports that it is ready.
grant select on _sqlx_migrations to strongroom_app;
