#!/usr/bin/env bash
# Creates the corpus again with current programs: `tests/corpus/make.sh`, on Debian 12, as root or with sudo (it
# installs about 1 GB of packages). The bytes differ in each run (dates, ids), but each file has the same type and the
# same attack.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=.ci/lib.sh
. "$here/../../.ci/lib.sh"

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
packages=(libreoffice-writer-nogui libreoffice-calc-nogui ghostscript poppler-utils imagemagick ffmpeg libimage-exiftool-perl
    texlive-latex-base texlive-latex-recommended texlive-xetex texlive-fonts-recommended r-base-core
    php-cli php-mbstring php-tcpdf php-fpdf php-dompdf libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core
    python3-venv)
command -v google-chrome > /dev/null || packages+=(chromium)
command -v npm > /dev/null || packages+=(nodejs npm)
dpkg --status "${packages[@]}" > /dev/null 2>&1 || {
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
}

tools=${CI_TOOLS:-$HOME/.cache/strongroom-tools}/corpus
if [ ! -e "$tools/.ready-1" ]; then
    python3 -m venv "$tools/venv"
    "$tools/venv/bin/pip" install --quiet reportlab==5.1.0 fpdf2==2.8.9 weasyprint==70.0 factur-x==7.8 pypdf==7.1.1 pikepdf==10.18.0 \
        pillow==13.0.0 pandas==3.1.1
    npm install --prefix "$tools" --no-audit --no-fund --ignore-scripts --silent pdfkit@0.20.2 pdf-lib@1.17.1 jspdf@4.2.1 sharp@0.34.5
    touch "$tools/.ready-1"
fi

rm -rf "$here/sound" "$here/hostile"
mkdir -p "$here/sound"
"$tools/venv/bin/python" "$here/with_python.py" "$here/sound"
(cd "$tools" && node "$here/with_node.mjs" "$here/sound" "$here/factur-x.xml")
php "$here/with_php.php" "$here/sound" "$here"
"$here/with_programs.sh" "$here/sound"
"$tools/venv/bin/python" -W ignore "$here/hostile.py" "$here/sound" "$here/hostile"
