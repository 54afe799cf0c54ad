/** Customers: list, create, change, delete. */

import { html, useEffect, useState } from './preact.js';
import { change, create, read, withQuery } from './api.js';
import { time } from './format.js';
import { useChanges } from './live.js';
import { go, mayLeave, useUnsaved } from './router.js';
import { Confirm, Field, Heading, Loaded, Pager, Refusal, Table, say, useAction, useData, useKey, usePages, useVersion, values } from './ui.js';

/** The fragment of a URL that opens the form for a customer of a new invoice. */
export const FOR_INVOICE = '#for-invoice';
const FIELDS = ['/name', '/email', '/address', '/tax_id', '/default_currency'];

export function Customers() {
  const isForInvoice = location.hash === FOR_INVOICE;
  const [edited, setEdited] = useState(isForInvoice ? {} : null);
  const pages = usePages([]);
  const list = useData(() => read(withQuery('customers', { limit: 20, cursor: pages.cursor })), [pages.cursor]);
  useChanges('customers', list.reload);
  const done = async (text) => {
    if (isForInvoice) go('/invoices/new');
    setEdited(null);
    say(text);
    await list.reload();
  };
  return html`<${Heading}>Customers<//>
    ${edited
      ? html`<${Form} key=${edited.id ?? 'new'} id=${edited.id} done=${done} cancel=${() => setEdited(null)} />`
      : html`<div class="actions"><button type="button" onClick=${() => setEdited({})}>New customer</button></div>`}
    <${Loaded} of=${list}>${(page) => html`
      <${Table} caption="Customers" empty="No customers yet. Create the first one." keys=${page.items.map(({ id }) => id)} columns=${['Name', 'Email', 'Tax id', 'Currency', 'Changed', 'Actions']}
        rows=${page.items.map((customer) => [
          customer.name, customer.email ?? '–', customer.tax_id ?? '–', customer.default_currency, time(customer.updated_at),
          html`<button type="button" class="quiet" aria-label="Edit ${customer.name}" onClick=${() => mayLeave() && setEdited({ id: customer.id })}>Edit</button>`,
        ])} />
      <${Pager} pages=${pages} list=${list} />`}<//>`;
}

/** Reads the customer again, because a change requires the `ETag`, which the list does not contain. */
function Form({ id, done, cancel }) {
  const loaded = useData(async () => (id ? read(`customers/${id}`) : {}), [id]);
  return html`<section class="card"><${Loaded} of=${loaded}>${(customer) => html`<${Fields} customer=${customer} done=${done} cancel=${cancel} />`}<//></section>`;
}

function Fields({ customer, done, cancel }) {
  const key = useKey();
  const path = `customers/${customer.id}`;
  const version = useVersion(path, customer);
  const [isChanged, setChanged] = useState(false);
  const saved = useUnsaved(isChanged);
  useEffect(() => document.getElementById('field-name').focus(), []);
  const save = useAction(async (form) => {
    const body = values(form);
    if (customer.id) await change('PATCH', path, version.etag, body);
    else await create('customers', body, key.of(body));
    saved();
    await done('The customer is saved.');
  });
  const remove = useAction(async () => {
    await change('DELETE', path, version.etag);
    saved();
    await done('The customer is deleted.');
  });
  const submit = (event) => {
    event.preventDefault();
    save.run(event.target);
  };
  const field = (label, name, rest) => html`<${Field} label=${label} name=${name} defaultValue=${customer[name] ?? ''} saved=${version.saved(name)} problem=${save.problem} ...${rest} />`;
  return html`<h2>${customer.id ? 'Edit customer' : 'New customer'}</h2>
    <${Refusal} problem=${save.problem ?? remove.problem ?? version.load.problem} fields=${FIELDS} newer=${() => version.load.run(save, remove)} />
    <form onSubmit=${submit} onInput=${() => setChanged(true)}>
      ${field('Name', 'name', { required: true })}
      ${field('Email address (optional)', 'email', { type: 'email' })}
      ${field('Address (optional)', 'address', { as: 'textarea', rows: 3 })}
      ${field('Tax id (optional)', 'tax_id')}
      ${field('Currency', 'default_currency', { required: true, maxlength: 3, defaultValue: customer.default_currency ?? 'EUR', hint: 'Three letters' })}
      <div class="actions"><button disabled=${save.busy}>Save</button>
        <button type="button" class="quiet" onClick=${cancel}>Cancel</button>
        ${customer.id && html`<${Confirm} label="Delete" title="Delete this customer?" busy=${remove.busy} action=${() => remove.run()}
          text="A customer with invoices cannot be deleted." />`}</div>
    </form>`;
}
