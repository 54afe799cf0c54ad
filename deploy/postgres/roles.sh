#!/usr/bin/env bash
# Creates the roles and the database. PostgreSQL's container runs this script once, when it creates the cluster.
#
# strongroom_owner owns the schema and runs the migrations. strongroom_app is the role of the service: it owns no table,
# so row-level security applies to it, and it has only the rights that the migrations grant.
# strongroom_classifier owns the function classify_object() and cannot log in.
set -euo pipefail

run() { psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname "$1"; }
export OWNER_PASSWORD_FILE=${OWNER_PASSWORD_FILE:-/run/secrets/db_owner}
export APP_PASSWORD_FILE=${APP_PASSWORD_FILE:-/run/secrets/db_app}
for file in "$OWNER_PASSWORD_FILE" "$APP_PASSWORD_FILE"; do
    [ -s "$file" ] || { echo "no password in $file" >&2; exit 1; }
done

# psql reads the passwords from the files, so no command line contains them.
# Quoted variables (:'…') prevent SQL injection.
run postgres <<'SQL'
\set owner_password `cat "$OWNER_PASSWORD_FILE"`
\set app_password `cat "$APP_PASSWORD_FILE"`
set password_encryption = 'scram-sha-256';
create role strongroom_owner login noinherit password :'owner_password';
create role strongroom_app login noinherit password :'app_password';
create role strongroom_classifier nologin;
grant strongroom_classifier to strongroom_owner;
create database strongroom owner strongroom_owner encoding 'UTF8' locale 'C' template template0;
revoke all on database strongroom, postgres, template1 from public;
grant connect on database strongroom to strongroom_app;
SQL
# The migrations grant strongroom_app its rights on the schema.
run strongroom <<'SQL'
alter schema public owner to strongroom_owner;
revoke all on schema public from public;
SQL
