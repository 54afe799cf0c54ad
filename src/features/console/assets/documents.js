/** Documents: upload with progress, save, delete. An upload on an invoice is attached to it. A file is never shown in the
 * page, only saved. */

import { html, useRef, useState } from './preact.js';
import { change, download, read, upload, withQuery } from './api.js';
import { size, time } from './format.js';
import { useChanges } from './live.js';
import { Confirm, Heading, Loaded, Pager, Refusal, Table, say, useAction, useData, usePages } from './ui.js';

export function DocumentsView() {
  return html`<${Heading}>Documents<//><${Documents} />`;
}

/** The documents of an invoice, or all. */
export function Documents({ invoiceId }) {
  const pages = usePages([invoiceId]);
  const query = { limit: 20, cursor: pages.cursor, invoice_id: invoiceId };
  const list = useData(() => read(withQuery('documents', query)), [invoiceId, pages.cursor]);
  useChanges('documents', list.reload);
  return html`<${Drop} invoiceId=${invoiceId} reload=${list.reload} />
    <${Loaded} of=${list}>${(page) => html`
      <${Table} caption="Documents" empty="No documents yet." keys=${page.items.map(({ id }) => id)} columns=${['Title', 'Type', '>Size', 'Uploaded', 'Actions']}
        rows=${page.items.map((file) => [
          file.title, file.media_type, size(file.size), time(file.created_at), html`<${Row} file=${file} reload=${list.reload} />`,
        ])} />
      <${Pager} pages=${pages} list=${list} />`}<//>`;
}

function Row({ file, reload }) {
  const path = `documents/${file.id}`;
  const save = useAction(() => download(`${path}/content`, file.file_name));
  const remove = useAction(async () => {
    const { etag } = await read(path);
    await change('DELETE', path, etag);
    say('The document is deleted.');
    await reload();
  });
  return html`<div class="actions">
      <button type="button" class="quiet" aria-label="Save ${file.title}" disabled=${save.busy} onClick=${() => save.run()}>Save</button>
      <${Confirm} label="Delete" title="Delete ${file.title}?" text="The file is removed." busy=${remove.busy} action=${() => remove.run()} />
    </div><${Refusal} problem=${save.problem ?? remove.problem} />`;
}

function Drop({ invoiceId, reload }) {
  const input = useRef();
  const [share, setShare] = useState(null);
  const [over, setOver] = useState(false);
  const action = useAction(async (file) => {
    const form = new FormData();
    if (invoiceId) form.append('invoice_id', invoiceId);
    form.append('file', file);
    setShare(0);
    try {
      await upload('documents', form, setShare);
    } finally {
      setShare(null);
    }
    say(`${file.name} is uploaded.`);
    await reload();
  });
  const take = (file) => file && action.run(file);
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files[0]);
  };
  const choose = (event) => {
    take(event.target.files[0]);
    event.target.value = '';
  };
  return html`<div class="drop ${over ? 'over' : ''}" onDragOver=${(event) => { event.preventDefault(); setOver(true); }}
      onDragLeave=${() => setOver(false)} onDrop=${drop}>
      <p>Drop a file here, or <button type="button" class="quiet" disabled=${action.busy} onClick=${() => input.current.click()}>Choose a file</button></p>
      <p class="soft">PDF, PNG, JPEG, CSV or text, up to 10 MiB. The service checks what is in the file, and refuses active content.</p>
      <input type="file" hidden ref=${input} onChange=${choose} aria-label="File" />
      ${share !== null && html`<p role="status">Uploading … ${Math.round(share * 100)} % <progress max="1" value=${share} aria-label="Upload"></progress></p>`}
    </div>
    <${Refusal} problem=${action.problem} />`;
}
