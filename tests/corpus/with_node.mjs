// Creates harmless files with Node.js libraries: pdfkit, pdf-lib, jsPDF, sharp. Run it in the folder where they are
// installed.
import { createWriteStream, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

const require = createRequire(join(process.cwd(), "package.json"));
const PDFKit = require("pdfkit");
const { PDFDocument, PDFName, PDFString, AFRelationship } = require("pdf-lib");
const { jsPDF } = require("jspdf");
const sharp = require("sharp");
const [out, xml] = process.argv.slice(2);
const FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
const LINK = "https://example.com/invoices/2026-0042";
const LINES = ["Rechnung 2026-0042, Müller & Søn GmbH", "Beratung  1,5 h  150,00 €", "Reise  1  49,99 €"];

async function pdfkit(name, options, draw = () => {}) {
  const pdf = new PDFKit({ size: "A4", info: { Title: "Rechnung 2026-0042" }, ...options });
  const written = pipeline(pdf, createWriteStream(join(out, `pdfkit-${name}.pdf`)));
  pdf.font(FONT);
  for (const line of LINES) pdf.text(line);
  pdf.text("online ansehen", { link: LINK, underline: true });
  draw(pdf);
  pdf.end();
  await written;
}

await pdfkit("invoice", {});
await pdfkit("pdfa", { pdfVersion: "1.7", subset: "PDF/A-2b", tagged: true, lang: "de" });
await pdfkit("encrypted", { ownerPassword: "owner", permissions: { printing: "highResolution" }, pdfVersion: "1.7ext3" });
await pdfkit("form", {}, (pdf) => {
  pdf.initForm();
  pdf.formText("customer", 72, 200, 200, 20, { value: "Müller" });
  pdf.formCheckbox("accepted", 72, 240, 20, 20, {});
});
await pdfkit("facturx", { pdfVersion: "1.7", subset: "PDF/A-3b" }, (pdf) => {
  pdf.file(xml, { name: "factur-x.xml", type: "text/xml", relationship: "Alternative" });
});

async function pdfLib() {
  const pdf = await PDFDocument.create();
  pdf.setTitle("Rechnung 2026-0042");
  const page = pdf.addPage();
  page.drawText("Rechnung 2026-0042, Müller", { x: 50, y: 700, size: 14 });
  const link = { Type: "Annot", Subtype: "Link", Rect: [50, 690, 250, 720], A: { Type: "Action", S: "URI", URI: PDFString.of(LINK) } };
  page.node.set(PDFName.of("Annots"), pdf.context.obj([pdf.context.register(pdf.context.obj(link))]));
  writeFileSync(join(out, "pdf-lib-invoice.pdf"), await pdf.save());
  await pdf.attach(readFileSync(xml), "factur-x.xml", { mimeType: "text/xml", afRelationship: AFRelationship.Alternative });
  writeFileSync(join(out, "pdf-lib-facturx.pdf"), await pdf.save());

  const form = await PDFDocument.create();
  const sheet = form.addPage();
  const customer = form.getForm().createTextField("customer");
  customer.setText("Müller");
  customer.addToPage(sheet, { x: 50, y: 700 });
  form.getForm().createDropdown("size").addToPage(sheet, { x: 50, y: 600 });
  writeFileSync(join(out, "pdf-lib-form.pdf"), await form.save({ useObjectStreams: false }));
}
await pdfLib();

function js(name, options, more = () => {}) {
  const pdf = new jsPDF({ compress: true, ...options });
  LINES.forEach((line, row) => pdf.text(line, 20, 20 + 10 * row));
  pdf.textWithLink("online ansehen", 20, 60, { url: LINK });
  more(pdf);
  writeFileSync(join(out, `jspdf-${name}.pdf`), Buffer.from(pdf.output("arraybuffer")));
}
js("invoice", {}, (pdf) => pdf.setDisplayMode("fullwidth", "continuous", "UseOutlines"));
js("encrypted", { encryption: { userPassword: "", ownerPassword: "owner", userPermissions: ["print"] } });

const drawing = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" width="96" height="64"><rect width="96" height="64" fill="#cde"/><circle cx="48" cy="32" r="24" fill="#c30"/></svg>',
);
const picture = () => sharp(drawing).flatten({ background: "white" });
await picture().jpeg({ progressive: true }).toFile(join(out, "sharp-progressive.jpg"));
await picture().jpeg({ mozjpeg: true, chromaSubsampling: "4:4:4" }).withMetadata({ orientation: 6 }).toFile(join(out, "sharp-mozjpeg.jpg"));
await picture().toColourspace("cmyk").jpeg().toFile(join(out, "sharp-cmyk.jpg"));
await picture().png({ palette: true, progressive: true }).toFile(join(out, "sharp-palette-interlaced.png"));
await sharp(drawing).png({ compressionLevel: 9, adaptiveFiltering: true }).toFile(join(out, "sharp-transparent.png"));
