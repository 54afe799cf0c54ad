#!/usr/bin/env bash
# Creates harmless files with Debian's programs: LibreOffice, Chromium, Ghostscript, cairo (poppler), TeX, ImageMagick,
# FFmpeg, R. Usage: with_programs.sh FOLDER. The folder must contain the files of the Python libraries.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# to FORMAT SOURCE...: converts the files with LibreOffice into the work folder. LibreOffice gets its own user profile.
to() {
    local format=$1
    shift
    soffice -env:UserInstallation="file://$work/profile" --headless --convert-to "$format" --outdir "$work" "$@" > /dev/null 2>&1
}
# office NAME FORMAT SOURCE: converts the file in the same way, and moves the result into the corpus.
office() {
    local made=${3%.*}
    to "$2" "$3"
    mv "$made.${1##*.}" "$out/libreoffice-$1"
}
cp "$here/invoice.html" .
cp "$out/pandas-plain.csv" sums.csv
to odt:writer8 invoice.html
to ods:calc8 sums.csv --infilter="CSV:44,34,76"
mv sums.ods table.ods
writer=pdf:writer_pdf_Export
yes='{"type":"boolean","value":"true"}'
office writer.pdf "$writer" invoice.odt
office writer-pdfa2-tagged.pdf "$writer:{\"SelectPdfVersion\":{\"type\":\"long\",\"value\":\"2\"},\"UseTaggedPDF\":$yes}" invoice.odt
office writer-encrypted.pdf "$writer:{\"RestrictPermissions\":$yes,\"PermissionPassword\":{\"type\":\"string\",\"value\":\"owner\"}}" invoice.odt
office writer-full-screen.pdf "$writer:{\"InitialView\":{\"type\":\"long\",\"value\":\"1\"},\"OpenInFullScreenMode\":$yes}" invoice.odt
office calc.pdf pdf:calc_pdf_Export table.ods
office calc-semicolon.csv 'csv:Text - txt - csv (StarCalc):59,34,76,1' table.ods
office calc-quoted.csv 'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true' table.ods
office writer.txt 'txt:Text (encoded):UTF8' invoice.odt

"$(command -v chromium || command -v google-chrome)" --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --user-data-dir="$work/browser" --no-pdf-header-footer \
    --print-to-pdf="$out/chromium-print.pdf" "file://$here/invoice.html" 2> /dev/null

pdfwrite() { gs -q -dBATCH -dNOPAUSE -sDEVICE=pdfwrite "$@" > log 2>&1 || { cat log >&2; exit 1; }; }
pdfwrite -sOutputFile="$out/ghostscript-from-chromium.pdf" "$out/chromium-print.pdf"
pdfwrite -dFastWebView -sOutputFile="$out/ghostscript-linearized.pdf" "$out/reportlab-invoice.pdf"
pdfwrite -dPDFA=2 -dPDFACompatibilityPolicy=1 -sColorConversionStrategy=RGB -sOutputFile="$out/ghostscript-pdfa.pdf" "$out/reportlab-invoice.pdf"
pdftocairo -pdf "$out/fpdf2-invoice.pdf" "$out/cairo-invoice.pdf"
pdfunite "$out/reportlab-invoice.pdf" "$out/reportlab-form.pdf" "$out/poppler-united.pdf"
pdftotext -layout -nopgbrk "$out/chromium-print.pdf" "$out/poppler-layout.txt"

for tex in pdflatex xelatex; do
    for _ in 1 2; do $tex -interaction=batchmode -jobname="$tex" "$here/invoice.tex" > /dev/null; done
    mv $tex.pdf "$out/$tex-invoice.pdf"
done

convert-im6.q16 "$out/pillow-rgba.png" -interlace PNG -define png:color-type=6 "$out/imagemagick-interlaced.png"
convert-im6.q16 "$out/pillow-rgba.png" -background white -flatten -set comment 'taken in the warehouse' -interlace JPEG "$out/imagemagick-progressive.jpg"
convert-im6.q16 "$out/pillow-rgba.png" -background white -flatten -colorspace CMYK "$out/imagemagick-cmyk.jpg"
convert-im6.q16 "$out/pillow-rgba.png" -background white -flatten -define png:bit-depth=16 "$out/imagemagick-16bit.png"
exiftool -q -o "$out/exiftool-xmp-iptc.jpg" -XMP:Title=Rechnung -IPTC:City=Köln -EXIF:GPSLatitude=50.9 -EXIF:GPSLatitudeRef=N \
    -Photoshop:URL=https://example.com "$out/pillow-exif.jpg"
exiftool -q -o "$out/exiftool-xmp.png" -XMP:Title=Rechnung -PNG:Author=Müller "$out/pillow-p.png"

ffmpeg -v error -f lavfi -i testsrc=size=96x64:rate=1 -frames:v 1 "$out/ffmpeg-frame.jpg"
ffmpeg -v error -f lavfi -i testsrc=size=96x64:rate=1 -frames:v 1 -pix_fmt rgb48be "$out/ffmpeg-frame-48bit.png"
ffmpeg -v error -f lavfi -i testsrc=size=48x32:rate=2 -frames:v 3 -f apng "$out/ffmpeg-animated.png"

Rscript --vanilla - "$out" << 'R'
out <- commandArgs(TRUE)
sums <- data.frame(Kunde = c("M\u00fcller", "S\u00f8n, GmbH"), Betrag = c(150, -49.99))
write.csv(sums, file.path(out, "r-comma.csv"), fileEncoding = "UTF-8")
write.csv2(sums, file.path(out, "r-semicolon.csv"), row.names = FALSE, fileEncoding = "UTF-8")
pdf(file.path(out, "r-plot.pdf"), width = 4, height = 3, title = "Umsatz")
barplot(sums$Betrag, names.arg = c("A", "B"))
invisible(dev.off())
R
