# Sourced by the scripts beside it.
# shellcheck shell=bash
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# PostgreSQL's programs, as the embedded server finds them: PG_BIN, Debian's highest version, PATH.
postgres_bin() {
    local found
    found=${PG_BIN:-$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2> /dev/null | sort -V | tail -n 1)}
    if [ -x "$found/initdb" ]; then
        echo "$found"
    else
        found=$(command -v initdb) && dirname "$(readlink -f "$found")"
    fi
}

# cargo_tool NAME VERSION: installs it once into a kept folder (minutes), and puts that on PATH.
cargo_tool() {
    local root=${CI_TOOLS:-$HOME/.cache/strongroom-tools}
    export PATH="$root/bin:$PATH"
    [ "$("$root/bin/$1" --version 2> /dev/null | grep -o '[0-9][0-9.]*$')" = "$2" ] && return
    cargo install --locked --root "$root" "$1@$2"
}
