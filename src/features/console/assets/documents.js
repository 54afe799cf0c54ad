/**
 * Documents: upload with progress, attach to an invoice, download, delete. A file that is uploaded in the view of an
 * invoice is attached to this invoice. The page never shows the content of a file: the user can only download the file.
 */

import { html, useRef, useState } from './preact.js';
import { change, download, read, upload, withQuery } from './api.js';
import { money, size, time } from './format.js';
import { UNKNOWN, useCustomerNames } from './invoices.js';
import { useChanges } from './live.js';
import { Link } from './router.js';
import { Confirm, Field, Heading, Loaded, Pager, Refusal, Table, say, useAction, useData, usePages, values } from './ui.js';

const MAX_CHOICES = 100;

export function DocumentsView() {
  return html`<${Heading}>Documents<//><${Documents} />`;
}

/** The documents of an invoice, or all documents if `invoice` is undefined. */
export function Documents({ invoice }) {
  const invoiceId = invoice?.id;
  const [edited, setEdited] = useState(null);
  const [target, setTarget] = useState('');
  const pages = usePages([invoiceId]);
  const query = { limit: 20, cursor: pages.cursor, invoice_id: invoiceId };
  const list = useData(() => read(withQuery('documents', query)), [invoiceId, pages.cursor]);
  const invoices = useInvoices(invoiceId ? null : list.data?.items);
  useChanges('documents', list.reload);
  const done = async () => {
    setEdited(null);
    say('The document is saved.');
    await list.reload();
  };
  const columns = ['Title', !invoiceId && 'Invoice', 'Type', '>Size', 'Uploaded', 'Actions'].filter(Boolean);
  return html`${edited && html`<${Attach} key=${edited.id} file=${edited} invoices=${invoices} done=${done} cancel=${() => setEdited(null)} />`}
    ${!invoiceId && !edited && html`<${Choice} label="Attach new files to" invoices=${invoices} chosen=${target} onChange=${(event) => setTarget(event.target.value)} />`}
    <div hidden=${Boolean(edited)}><${Drop} invoice=${invoice ?? invoices.find(({ id }) => id === target)} reload=${list.reload} /></div>
    <${Loaded} of=${list}>${(page) => html`
      <${Table} caption="Documents" empty="No documents yet." keys=${page.items.map(({ id }) => id)} columns=${columns}
        rows=${page.items.map((file) => [
          file.title, !invoiceId && html`<${InvoiceLink} id=${file.invoice_id} invoices=${invoices} />`, file.media_type, size(file.size),
          time(file.created_at), html`<${Row} file=${file} reload=${list.reload} attach=${invoiceId ? null : () => setEdited(file)} />`,
        ].filter(Boolean))} />
      <${Pager} pages=${pages} list=${list} />`}<//>`;
}

/**
 * Reads the newest invoices, and the older ones to which `files` are attached, with the names of their customers. An
 * invoice that cannot be read is left out.
 */
function useInvoices(files) {
  const invoices = useData(async () => {
    if (!files) return [];
    const { items } = await read(withQuery('invoices', { limit: MAX_CHOICES }));
    const known = new Set(items.map(({ id }) => id));
    const older = new Set(files.map((file) => file.invoice_id).filter((id) => id && !known.has(id)));
    const found = await Promise.all([...older].map((id) => read(`invoices/${id}`).catch(() => null)));
    return [...items, ...found.filter(Boolean)];
  }, [files]);
  useChanges('invoices', invoices.reload);
  const names = useCustomerNames(files ? invoices.data : null);
  const nameOf = (id) => names.data?.get(id) ?? (names.problem ? UNKNOWN : '…');
  return (invoices.data ?? []).map((invoice) => ({ ...invoice, customer: nameOf(invoice.customer_id) }));
}

function InvoiceLink({ id, invoices }) {
  const found = invoices.find((invoice) => invoice.id === id);
  return id ? html`<${Link} to="/invoices/${id}">${found?.number ?? (found ? 'Draft' : 'Invoice')}<//>` : '–';
}

function Choice({ invoices, chosen, ...rest }) {
  const hint = invoices.length >= MAX_CHOICES ? 'The newest invoices. To attach a file to an older one, upload the file on its page.' : undefined;
  return html`<${Field} name="invoice_id" as="select" hint=${hint} ...${rest}>
    <option value="">No invoice</option>
    ${invoices.map(({ id, number, customer, created_at, total, currency }) => html`<option value=${id} selected=${id === chosen}>
      ${number ?? `Draft, ${time(created_at)}`}, ${customer}, ${money(total, currency)}</option>`)}<//>`;
}

function attachLabel(file) {
  return file.invoice_id ? 'Move' : 'Attach';
}

/** Attaches a document to an invoice, moves it to another one, or detaches it. */
function Attach({ file, invoices, done, cancel }) {
  const action = useAction(async (form) => {
    const path = `documents/${file.id}`, { etag } = await read(path);
    await change('PATCH', path, etag, values(form));
    await done();
  });
  const submit = (event) => {
    event.preventDefault();
    action.run(event.target);
  };
  return html`<section class="card"><h2>${attachLabel(file)} ${file.title}</h2>
    <${Refusal} problem=${action.problem} fields=${['/invoice_id']} />
    <form onSubmit=${submit}>
      <${Choice} label="Invoice" invoices=${invoices} chosen=${file.invoice_id} problem=${action.problem} />
      <div class="actions"><button disabled=${action.busy}>Save</button>
        <button type="button" class="quiet" onClick=${cancel}>Cancel</button></div>
    </form></section>`;
}

function Row({ file, reload, attach }) {
  const path = `documents/${file.id}`;
  const save = useAction(() => download(`${path}/content`, file.file_name));
  const remove = useAction(async () => {
    const { etag } = await read(path);
    await change('DELETE', path, etag);
    say('The document is deleted.');
    await reload();
  });
  return html`<div class="actions">
      <button type="button" class="quiet" aria-label="Download ${file.title}" disabled=${save.busy} onClick=${() => save.run()}>Download</button>
      ${attach && html`<button type="button" class="quiet" aria-label="${attachLabel(file)} ${file.title}" onClick=${attach}>${attachLabel(file)}</button>`}
      <${Confirm} label="Delete" title="Delete ${file.title}?" text="The file is removed." busy=${remove.busy} action=${() => remove.run()} />
    </div><${Refusal} problem=${save.problem ?? remove.problem} />`;
}

/** Uploads files, and attaches them to `invoice` if there is one. */
function Drop({ invoice, reload }) {
  const input = useRef();
  const [share, setShare] = useState(null);
  /** The files that are not uploaded yet. */
  const [waiting, setWaiting] = useState([]);
  const [over, setOver] = useState(false);
  const send = async (file) => {
    const form = new FormData();
    if (invoice) form.append('invoice_id', invoice.id);
    form.append('file', file);
    setShare(0);
    try {
      await upload('documents', form, setShare);
    } finally {
      setShare(null);
    }
    say(`${file.name} is uploaded${invoice ? ` and attached to ${invoice.number ?? 'the draft'}` : ''}.`);
    await reload();
  };
  const action = useAction(async (files) => {
    for (let left = files; left.length > 0; left = left.slice(1)) {
      setWaiting(left);
      await send(left[0]);
    }
  });
  const take = (files) => {
    if (action.busy) say('Wait until the upload has ended, and drop the files again.');
    else if (files.length > 0) action.run([...files]);
  };
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files);
  };
  const choose = (event) => {
    take(event.target.files);
    event.target.value = '';
  };
  return html`<div class="drop ${over ? 'over' : ''}" onDragOver=${(event) => { event.preventDefault(); setOver(true); }}
      onDragLeave=${() => setOver(false)} onDrop=${drop}>
      <p>Drop files here, or <button type="button" class="quiet" disabled=${action.busy} onClick=${() => input.current.click()}>Choose files</button></p>
      <p class="soft">PDF, PNG, JPEG, CSV or text, up to 10 MiB. The service checks what is in the file, and refuses active content.</p>
      <input type="file" multiple hidden ref=${input} onChange=${choose} aria-label="Files" />
      ${share !== null && html`<p role="status">Uploading ${waiting[0].name} … ${Math.round(share * 100)} % <progress max="1" value=${share} aria-label="Upload"></progress></p>`}
    </div>
    <${Refusal} problem=${action.problem} />
    ${action.problem && html`<p>Not uploaded: ${waiting.map(({ name }) => name).join(', ')}</p>`}`;
}
