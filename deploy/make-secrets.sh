#!/usr/bin/env bash
# Makes the secrets that docker-compose.yml needs: passwords, keys, and a private certificate authority with
# certificates for the service (localhost, or STRONGROOM_HOST) and the mail catcher. Writes to deploy/secrets/ and keeps what is there:
# to renew a certificate, remove its two files and run this again. A database password is set when the database is
# first made: changing the file later does not change the role.
#
# In real use: the service's certificate comes from a CA that its callers trust (put it in place of tls.crt and tls.key),
# and the rest from your secret store.
set -euo pipefail
umask 077
cd "$(dirname "${BASH_SOURCE[0]}")"
case $(openssl version 2> /dev/null) in
    "OpenSSL "[3-9]*) ;;
    *) echo "OpenSSL 3 is needed: install it and try again" >&2; exit 1 ;;
esac
mkdir -p secrets
# The files are readable by all, because the containers' users are not this one; this folder is what keeps others out.
chmod 700 secrets
cd secrets

# keep FILE < CONTENT: writes it unless it is there, whole or not at all.
keep() {
    local content
    content=$(cat)
    [ -e "$1" ] && return
    printf '%s\n' "$content" > "$1.new"
    mv "$1.new" "$1"
}
# Hexadecimal, so that a password needs no escaping in a URL: 256 random bits.
for name in db-superuser db-owner db-app demo-password; do openssl rand -hex 32 | keep "$name"; done
for name in master-key jwt-key; do openssl rand -base64 48 | keep "$name"; done

# Over the socket in the shared volume; the host's name is there because a URL wants one.
database_url() { printf 'postgres://%s:%s@localhost/strongroom?host=/run/postgresql' "$1" "$(cat "$2")"; }
database_url strongroom_owner db-owner | keep database-owner-url
database_url strongroom_app db-app | keep database-url

if [ ! -e ca.crt ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 3650 -subj "/CN=Strongroom local CA" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
        -keyout ca.key -out ca.crt 2> /dev/null
fi
# certificate FILE NAMES: a leaf for 397 days, the most that browsers take.
certificate() {
    [ -e "$1.crt" ] && return
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 397 -subj "/CN=Strongroom $1" \
        -CA ca.crt -CAkey ca.key -addext "subjectAltName=$2" -addext "basicConstraints=critical,CA:FALSE" \
        -addext "keyUsage=critical,digitalSignature" -addext "extendedKeyUsage=serverAuth" \
        -keyout "$1.key" -out "$1.crt" 2> /dev/null
}
names="DNS:localhost,IP:127.0.0.1,IP:::1"
case ${STRONGROOM_HOST:-localhost} in
    localhost) ;;
    *[!0-9.]*) names="$names,DNS:$STRONGROOM_HOST" ;;
    *) names="$names,IP:$STRONGROOM_HOST" ;;
esac
certificate tls "$names"
certificate mail "DNS:mail"

# The authority's key signs and is mounted nowhere: it stays this user's.
find . -type f ! -name ca.key -exec chmod 444 {} +
echo "deploy/secrets/ is ready; next: docker compose up --build"
