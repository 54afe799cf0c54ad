# The scripts in this folder source this file.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# fenced_block FILE NAME: prints the first fenced block after the line `<!-- NAME -->` of a document.
fenced_block() {
    local block
    block=$(awk -v mark="<!-- $2 -->" '$0 == mark { marked = 1; next }
        marked && /^```/ { if (inside) exit; inside = 1; next }
        inside' "$1")
    [ -n "$block" ] || fail "$1 has no fenced block after <!-- $2 -->"
    printf '%s\n' "$block"
}

# Prints the folder of PostgreSQL's programs. Searches in the same order as the embedded server: PG_BIN, then Debian's
# highest version, then PATH.
postgres_bin() {
    local found
    found=${PG_BIN:-$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2> /dev/null | sort -V | tail -n 1)}
    if [ -x "$found/initdb" ]; then
        echo "$found"
    else
        found=$(command -v initdb) && dirname "$(readlink -f "$found")"
    fi
}

# cargo_tool NAME VERSION: adds a cargo tool to PATH. The first call compiles the tool, which takes some minutes. Later
# calls reuse it.
cargo_tool() {
    local root=${CI_TOOLS:-$HOME/.cache/strongroom-tools}
    export PATH="$root/bin:$PATH"
    [ "$("$root/bin/$1" --version 2> /dev/null | grep -o '[0-9][0-9.]*$')" = "$2" ] && return
    cargo install --locked --root "$root" "$1@$2"
}

# start_service PROGRAM: starts the service with an empty state folder, on free ports, and with rate limits that no
# check reaches. Sets SERVICE to the address of the service. The service ends with the calling script. The variables
# BIND and MANAGEMENT_BIND choose other addresses for the API and for the metrics.
start_service() {
    STATE=$(mktemp -d)
    env STRONGROOM_DEV_STATE_DIR="$STATE" STRONGROOM_HTTP_BIND="${BIND:-127.0.0.1:0}" STRONGROOM_TLS_BIND=127.0.0.1:0 \
        STRONGROOM_MANAGEMENT_BIND="${MANAGEMENT_BIND:-127.0.0.1:0}" \
        STRONGROOM_LIMITS_{STANDARD,SIGN_IN,REGISTRATION,RESET,REFRESH,WRITE,PREVIEW,EXPORT,UPLOAD,ASSET,UNKNOWN_PATH}=1000000000/1s \
        STRONGROOM_LOG_FILTER=warn,security=off "$1" > "$STATE/said" 2>&1 &
    SERVICE_PID=$!
    PROGRAM=$1
    trap stop_service EXIT
    until grep -q 'Stop with Ctrl-C' "$STATE/said"; do
        kill -0 "$SERVICE_PID" 2> /dev/null || { cat "$STATE/said"; fail "the service did not start"; }
        sleep 0.1
    done
    SERVICE=$(grep -o 'http://127.0.0.1:[0-9]*' "$STATE/said" | head -n 1)
}

stop_service() {
    kill "$SERVICE_PID"
    wait "$SERVICE_PID" || true
    env STRONGROOM_DEV_STATE_DIR="$STATE" "$PROGRAM" dev reset > /dev/null
    rm -rf "$STATE"
}

# sign_in anna|ben|root: logs in as this demo user and prints the access token.
sign_in() {
    local file=demo_password_1
    case $1 in ben) file=demo_password_2 ;; root) file=demo_password_3 ;; esac
    curl --fail --silent --show-error "$SERVICE/api/v1/auth/login" --json \
        "{\"email\":\"$1@demo.example\",\"password\":\"$(cat "$STATE"/*/"$file")\"}" | sed 's/.*"access_token":"\([^"]*\)".*/\1/'
}
