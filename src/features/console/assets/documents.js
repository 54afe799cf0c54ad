/**
 * Documents: upload with progress, save, delete. A file that is uploaded in the view of an invoice is attached to this
 * invoice. The page never shows the content of a file: the user can only save the file.
 */

import { html, useRef, useState } from './preact.js';
import { change, download, read, upload, withQuery } from './api.js';
import { size, time } from './format.js';
import { useChanges } from './live.js';
import { Confirm, Heading, Loaded, Pager, Refusal, Table, say, useAction, useData, usePages } from './ui.js';

export function DocumentsView() {
  return html`<${Heading}>Documents<//><${Documents} />`;
}

/** The documents of an invoice, or all documents if `invoiceId` is undefined. */
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
  /** The files that are not uploaded yet. */
  const [waiting, setWaiting] = useState([]);
  const [over, setOver] = useState(false);
  const send = async (file) => {
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
