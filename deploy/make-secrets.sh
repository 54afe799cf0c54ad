#!/usr/bin/env bash
# Creates the secrets of docker-compose.yml in deploy/secrets/: passwords, keys, a private certificate authority, and
# certificates for the service (localhost and STRONGROOM_HOST) and for the mail catcher. Existing files stay unchanged.
# To renew a certificate, remove its two files and run this script again. A database password cannot be renewed in this
# way, because the database container reads the passwords only once, when it creates the cluster.
#
# In real use, replace tls.crt and tls.key with a certificate from an authority that your clients trust.
# Take the other secrets from your secret store.
set -euo pipefail
umask 077
cd "$(dirname "${BASH_SOURCE[0]}")"
case $(openssl version 2> /dev/null) in
    "OpenSSL "[3-9]*) ;;
    *) echo "OpenSSL 3 is needed: install it and try again" >&2; exit 1 ;;
esac
mkdir -p secrets
# The containers run as other users, so all users may read the files. But only the current user may enter the folder.
chmod 700 secrets
cd secrets

# keep FILE < CONTENT: writes the file atomically. An existing file stays unchanged.
keep() {
    local content
    content=$(cat)
    [ -e "$1" ] && return
    printf '%s\n' "$content" > "$1.new"
    mv "$1.new" "$1"
}
# Each secret has at least 256 random bits. Hexadecimal passwords need no escaping in a URL.
for name in db-superuser db-owner db-app demo-password; do openssl rand -hex 32 | keep "$name"; done
for name in master-key jwt-key; do openssl rand -base64 48 | keep "$name"; done

# Prints a URL that connects to the socket in the shared volume. A URL needs a host name, here `localhost`, but
# `?host=` overrides it.
database_url() { printf 'postgres://%s:%s@localhost/strongroom?host=/run/postgresql' "$1" "$(cat "$2")"; }
database_url strongroom_owner db-owner | keep database-owner-url
database_url strongroom_app db-app | keep database-url

if [ ! -e ca.crt ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 3650 -subj "/CN=Strongroom local CA" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
        -keyout ca.key -out ca.crt 2> /dev/null
fi
# certificate FILE NAMES: creates a certificate for these names. Browsers accept at most 398 days.
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

# No container mounts the key of the certificate authority, so only the current user may read it.
find . -type f ! -name ca.key -exec chmod 444 {} +
echo "deploy/secrets/ is ready; next: docker compose up --build"
