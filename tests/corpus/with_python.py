"""Creates harmless files with Python libraries: reportlab, fpdf2, WeasyPrint, factur-x, pypdf, pikepdf, Pillow, pandas."""

import io
import sys
from pathlib import Path

import pandas
import pikepdf
import weasyprint
from facturx import generate_from_file
from fpdf import FPDF
from PIL import Image, ImageDraw
from pypdf import PdfWriter
from pypdf.generic import NameObject
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

HERE = Path(__file__).parent
OUT = Path(sys.argv[1])
LINES = [("Beratung", "1,5 h", "150,00 €"), ("Reise", "1", "49,99 €")]
LINK = "https://example.com/invoices/2026-0042"


def reportlab() -> None:
    for name, encryption in [
        ("invoice", None),
        ("encrypted", StandardEncryption("", "owner", canModify=0, strength=128)),
    ]:
        canvas = Canvas(str(OUT / f"reportlab-{name}.pdf"), encrypt=encryption)
        canvas.setTitle("Rechnung 2026-0042")
        canvas.drawString(72, 800, "Rechnung 2026-0042, Müller & Søn GmbH")
        for row, cells in enumerate(LINES):
            canvas.drawString(72, 770 - 20 * row, "   ".join(cells))
        canvas.linkURL(LINK, (72, 790, 300, 815))
        canvas.bookmarkPage("top")
        canvas.addOutlineEntry("Rechnung", "top")
        canvas.showOutline()
        canvas.save()
    canvas = Canvas(str(OUT / "reportlab-form.pdf"))
    canvas.drawString(72, 800, "Bestellung")
    canvas.acroForm.textfield(name="customer", x=72, y=760, value="Müller")
    canvas.acroForm.checkbox(name="accepted", x=72, y=720, checked=True)
    canvas.acroForm.choice(name="size", x=72, y=680, value="M", options=["S", "M", "L"])
    canvas.save()


def fpdf2() -> None:
    pdf = FPDF()
    pdf.set_title("Rechnung 2026-0042")
    pdf.set_lang("de")
    pdf.add_page()
    pdf.set_display_mode(zoom="fullpage")
    pdf.add_font("DejaVu", fname="/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
    pdf.set_font("DejaVu", size=10)
    with pdf.table(first_row_as_headings=False) as table:
        for cells in LINES:
            table.row(cells)
    pdf.cell(text="online ansehen", link=LINK)
    pdf.output(str(OUT / "fpdf2-invoice.pdf"))


def weasy() -> None:
    html = weasyprint.HTML(filename=str(HERE / "invoice.html"))
    html.write_pdf(OUT / "weasyprint-invoice.pdf", pdf_variant="pdf/ua-1")
    xml = weasyprint.Attachment(
        string=(HERE / "factur-x.xml").read_text(encoding="utf-8"), name="factur-x.xml", relationship="Alternative"
    )
    html.write_pdf(OUT / "weasyprint-facturx-pdfa3.pdf", pdf_variant="pdf/a-3b", attachments=[xml])


def facturx() -> None:
    """Attaches the XML in the same way as e-invoice software."""
    for base in ["reportlab-invoice", "weasyprint-invoice"]:
        generate_from_file(
            str(OUT / f"{base}.pdf"),
            (HERE / "factur-x.xml").read_bytes(),
            output_pdf_file=str(OUT / f"facturx-{base.split('-')[0]}.pdf"),
            lang="de",
        )


def odoo() -> None:
    """Attaches a UBL invoice in the same way as Odoo: with pypdf, without /AF, and under the name of the XML file."""
    writer = PdfWriter(clone_from=OUT / "fpdf2-invoice.pdf")
    attachment = writer.add_attachment("INV_2026_0042_ubl_bis3.xml", "<?xml version='1.0'?><Invoice/>")
    attachment.subtype = NameObject("/text/xml")
    writer.write(OUT / "pypdf-odoo-ubl.pdf")


def incremental() -> None:
    """Saves a filled form as an incremental update, which is appended to the file."""
    writer = PdfWriter(OUT / "reportlab-form.pdf", incremental=True)
    writer.update_page_form_field_values(writer.pages[0], {"customer": "Søn GmbH"}, auto_regenerate=False)
    writer.write(OUT / "pypdf-incremental.pdf")


def by_pikepdf() -> None:
    for name, options in {
        "linearized": {"linearize": True},
        "object-streams": {"object_stream_mode": pikepdf.ObjectStreamMode.generate},
        "encrypted-aes256": {"encryption": pikepdf.Encryption(user="", owner="owner", R=6)},
        "encrypted-rc4": {"encryption": pikepdf.Encryption(user="", owner="owner", R=3, aes=False, metadata=False)},
        "uncompressed": {"compress_streams": False, "stream_decode_level": pikepdf.StreamDecodeLevel.generalized},
    }.items():
        with pikepdf.open(OUT / "weasyprint-invoice.pdf") as pdf:
            pdf.save(OUT / f"qpdf-{name}.pdf", **options)


def picture(mode: str = "RGB") -> Image.Image:
    image = Image.radial_gradient("L").resize((96, 64)).convert("RGB")
    ImageDraw.Draw(image).ellipse((20, 10, 70, 50), fill=(200, 60, 20), outline="white")
    return image.convert(mode)


def pillow() -> None:
    exif = Image.Exif()
    exif.update({0x010F: "Examplephone", 0x0110: "E1", 0x0112: 6, 0x0132: "2026:11:29 12:00:00"})
    for name, mode, options in [
        ("baseline", "RGB", {}),
        ("progressive", "RGB", {"progressive": True, "quality": 90}),
        ("gray", "L", {}),
        ("cmyk", "CMYK", {}),
        ("exif", "RGB", {"exif": exif, "comment": "taken in the warehouse"}),
        ("restarts", "RGB", {"restart_marker_blocks": 4, "subsampling": 0}),
    ]:
        picture(mode).save(OUT / f"pillow-{name}.jpg", **options)
    picture().save(OUT / "pillow-two-pictures.jpg", "MPO", save_all=True, append_images=[picture("L").convert("RGB")])
    for mode in ["1", "L", "P", "RGBA", "I;16"]:
        image = picture("L").convert("I").convert("I;16") if mode == "I;16" else picture(mode)
        image.save(OUT / f"pillow-{mode.lower().replace(';', '')}.png", optimize=True, dpi=(300, 300))
    frames = [picture().rotate(angle) for angle in (0, 90)]
    frames[0].save(OUT / "pillow-animated.png", save_all=True, append_images=frames[1:], duration=100)
    # A picture with as many pixels as the largest photographs of phones. It is nearly empty, so the file is small.
    Image.new("1", (8160, 6144)).save(OUT / "pillow-50-megapixels.png", optimize=True)
    picture().save(OUT / "pillow-scan.pdf", resolution=72, save_all=True, append_images=[picture("L")])


def tables() -> None:
    frame = pandas.DataFrame({"Kunde": ["Müller", "Søn, GmbH"], "Betrag": [150.0, -49.99], "Notiz": ['"eilig"', None]})
    frame.to_csv(OUT / "pandas-plain.csv", index=False)
    frame.to_csv(OUT / "pandas-excel.csv", sep=";", decimal=",", encoding="utf-8-sig", lineterminator="\r\n")
    frame.to_csv(OUT / "pandas-tabs.txt", sep="\t", index=False)
    text = io.StringIO()
    frame.to_string(text)
    (OUT / "pandas-printed.txt").write_text(text.getvalue(), encoding="utf-8")


for make in [reportlab, fpdf2, weasy, facturx, odoo, incremental, by_pikepdf, pillow, tables]:
    make()
