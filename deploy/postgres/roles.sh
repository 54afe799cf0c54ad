#!/usr/bin/env bash
# Runs once, when the cluster is made: the roles and the database.
#
# strongroom_owner owns the schema and runs the migrations. strongroom_app is the service: it owns nothing, so row-level
# security binds it, and it can do only what the migrations grant. Neither can create roles or databases.
# strongroom_classifier signs in nowhere: it owns the one function that says whose an object is.
set -euo pipefail

run() { psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname "$1"; }
export OWNER_PASSWORD_FILE=${OWNER_PASSWORD_FILE:-/run/secrets/db_owner}
export APP_PASSWORD_FILE=${APP_PASSWORD_FILE:-/run/secrets/db_app}
for file in "$OWNER_PASSWORD_FILE" "$APP_PASSWORD_FILE"; do
    [ -s "$file" ] || { echo "no password in $file" >&2; exit 1; }
done

# psql reads the passwords itself: they stand in no command line, and as quoted variables they cannot become SQL.
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
# The owner's alone from the start; what the service may do in it is the migrations' business.
run strongroom <<'SQL'
alter schema public owner to strongroom_owner;
revoke all on schema public from public;
SQL
