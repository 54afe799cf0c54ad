/** The editor of a draft. The service computes all amounts: the shown totals are those of the saved draft. */

import { html, useState } from './preact.js';
import { change, create, read } from './api.js';
import { money } from './format.js';
import { Lines } from './invoice.js';
import { customers } from './invoices.js';
import { Link, go } from './router.js';
import { Field, Heading, Loaded, Refusal, say, useAction, useData, useKey, useVersion, values } from './ui.js';

const EMPTY = { description: '', quantity: '1', unit_price: '', tax_rate: '0' };

export function Editor({ id }) {
  const loaded = useData(async () => {
    const draft = id ? await read(`invoices/${id}`) : null;
    return { draft, customers: await customers(draft ? [draft.customer_id] : []) };
  }, [id]);
  return html`<${Heading}>${id ? 'Edit draft' : 'New invoice'}<//>
    <${Loaded} of=${loaded}>${({ customers: all, draft }) => all.length === 0
      ? html`<p class="empty">An invoice needs a customer. <${Link} to="/customers">Create one<//> first.</p>`
      : html`<${Form} customers=${all} draft=${draft} />`}<//>`;
}

function Form({ customers: all, draft }) {
  const [saved, setSaved] = useState(draft);
  const version = useVersion(`invoices/${saved?.id}`, saved);
  const [lines, setLines] = useState(() => (draft?.lines ?? [EMPTY]).map((line, n) => ({ ...line, key: n })));
  const key = useKey();
  const action = useAction(async (form, isDone) => {
    const { customer_id, currency, due_date, notes, discount_rate } = values(form);
    const body = {
      customer_id, currency, due_date, notes, discount_rate,
      // The editor has no fields for these discounts. Send them back, because a PUT replaces the whole draft.
      discount_amount: discount_rate ? null : saved?.discount_amount ?? null,
      lines: lines.map(({ description, quantity, unit_price, tax_rate, discount_rate: rate = null, discount_amount: amount = null }) =>
        ({ description, quantity, unit_price, tax_rate, discount_rate: rate, discount_amount: amount })),
    };
    const next = saved
      ? await change('PUT', `invoices/${saved.id}`, version.etag, body)
      : await create('invoices', body, key.of(body));
    setSaved(next);
    say('The draft is saved.');
    if (isDone) go(`/invoices/${next.id}`);
  });
  const submit = (event) => {
    event.preventDefault();
    action.run(event.target, event.submitter?.value === 'done');
  };
  const edit = (n, event) => setLines(lines.map((line, m) => (m === n ? { ...line, [event.target.dataset.field]: event.target.value } : line)));
  const add = () => setLines([...lines, { ...EMPTY, key: 1 + Math.max(0, ...lines.map((line) => line.key)) }]);
  const problem = action.problem;
  const cell = (line, n, field, label, rest) => html`<${Field} label=${label} name="lines-${line.key}-${field}" data-field=${field}
    pointer="/lines/${n}/${field}" value=${line[field]} onInput=${(event) => edit(n, event)} required problem=${problem} ...${rest} />`;
  const known = ['/customer_id', '/currency', '/due_date', '/notes', '/discount_rate',
    ...lines.flatMap((_, n) => Object.keys(EMPTY).map((field) => `/lines/${n}/${field}`))];
  return html`<${Refusal} problem=${problem} fields=${known} newer=${() => version.load.run(action)} /><${Refusal} problem=${version.load.problem} />
    ${version.newer && html`<section class="card"><h2>The newer version</h2><p>It has these lines. Your own are below.</p><${Lines} invoice=${version.newer} /></section>`}
    <form onSubmit=${submit}>
      <div class="filters">
        <${Field} label="Customer" name="customer_id" as="select" problem=${problem}>
          ${all.map((customer) => html`<option value=${customer.id} selected=${customer.id === saved?.customer_id}>${customer.name}</option>`)}<//>
        <${Field} label="Currency" name="currency" saved=${version.saved('currency')} defaultValue=${saved?.currency ?? all[0].default_currency} maxlength="3" required problem=${problem} />
        <${Field} label="Due date" name="due_date" saved=${version.saved('due_date')} type="date" defaultValue=${saved?.due_date ?? ''} problem=${problem} />
        <${Field} label="Discount (%)" name="discount_rate" saved=${version.saved('discount_rate')} inputmode="decimal" defaultValue=${saved?.discount_rate ?? ''} problem=${problem} />
      </div>
      <fieldset><legend>Lines</legend>
        ${lines.map((line, n) => html`<div class="filters line" key=${line.key} role="group" aria-label="Line ${n + 1}">
          ${cell(line, n, 'description', 'Description', { class: 'wide' })}
          ${cell(line, n, 'quantity', 'Quantity', { inputmode: 'decimal' })}
          ${cell(line, n, 'unit_price', 'Unit price', { inputmode: 'decimal' })}
          ${cell(line, n, 'tax_rate', 'Tax (%)', { inputmode: 'decimal' })}
          <button type="button" class="quiet" disabled=${lines.length === 1} aria-label="Remove line ${n + 1}"
            onClick=${() => setLines(lines.filter((other) => other !== line))}>Remove</button>
        </div>`)}
        <button type="button" class="quiet" onClick=${add}>Add line</button>
      </fieldset>
      <${Field} label="Notes" name="notes" saved=${version.saved('notes')} as="textarea" rows="3" defaultValue=${saved?.notes ?? ''} problem=${problem} />
      ${saved && html`<p role="status">Subtotal ${money(saved.subtotal, saved.currency)} · Tax ${money(saved.tax_total, saved.currency)} ·
        <strong> Total ${money(saved.total, saved.currency)}</strong></p>`}
      <div class="actions">
        <button value="done" disabled=${action.busy}>Save and close</button>
        <button class="quiet" value="stay" disabled=${action.busy}>Save and compute totals</button>
      </div>
    </form>`;
}
