/** One invoice: its lines, and what can be done with it in its state. */

import { html, useState } from './preact.js';
import { change, create, download, read } from './api.js';
import { day, decimals, minorUnits, money, time } from './format.js';
import { useChanges } from './live.js';
import { Link, go } from './router.js';
import { Confirm, Field, Heading, Loaded, Refusal, Status, Table, say, useAction, useData, values } from './ui.js';
import { Documents } from './documents.js';

export function Invoice({ id }) {
  const invoice = useData(() => read(`invoices/${id}`), [id]);
  const payments = useData(() => read(`invoices/${id}/payments`), [id]);
  const reload = () => Promise.all([invoice.reload(), payments.reload()]);
  useChanges('invoices', reload);
  return html`<p><${Link} to="/invoices">All invoices<//></p>
    <${Loaded} of=${invoice}>${(found) => html`
      <${Heading}>${found.number ? `Invoice ${found.number}` : 'Draft invoice'}<//>
      <p><${Status} name=${found.status} /> <span class="soft">Last change ${time(found.updated_at)}</span></p>
      <${Actions} invoice=${found} reload=${reload} />
      <${Lines} invoice=${found} />
      ${found.status !== 'draft' && html`<h2>Payments</h2>
        ${['issued', 'partially_paid'].includes(found.status) && html`<${Pay} invoice=${found} reload=${reload} />`}
        <${Loaded} of=${payments}>${(page) => html`<${Table} caption="Payments" empty="Nothing is paid yet."
          columns=${['Date', 'Method', 'Reference', '>Amount']}
          rows=${page.items.map((payment) => [day(payment.paid_on), payment.method.replace('_', ' '), payment.reference ?? '–', money(payment.amount, found.currency)])} />`}<//>`}
      <h2>Documents</h2>
      <${Documents} invoiceId=${found.id} />`}<//>`;
}

function Lines({ invoice }) {
  const sum = (label, amount) => ['', '', '', label, money(amount, invoice.currency)];
  return html`<${Table} caption="Lines" empty="No lines."
    columns=${['Description', '>Quantity', '>Unit price', '>Tax', '>Net']}
    rows=${[
      ...invoice.lines.map((line) => [line.description, line.quantity, line.unit_price, `${line.tax_rate} %`, money(line.net, invoice.currency)]),
      sum('Subtotal', invoice.subtotal),
      ...(invoice.discount ? [sum('Discount', -invoice.discount)] : []),
      sum('Tax', invoice.tax_total),
      sum(html`<strong>Total</strong>`, invoice.total),
      ...(invoice.status === 'draft' ? [] : [sum('Amount due', invoice.due)]),
    ]} />${invoice.notes && html`<p>${invoice.notes}</p>`}`;
}

function Actions({ invoice, reload }) {
  const act = (text, work) => useAction(async () => {
    await work();
    say(text);
    await reload();
  });
  const path = `invoices/${invoice.id}`;
  const issue = act('The invoice is issued.', () => change('POST', `${path}/issue`, invoice.etag, {}));
  const revoke = act('The invoice is void.', () => change('POST', `${path}/void`, invoice.etag));
  const pdf = useAction(() => download(`${path}/pdf`, `${invoice.number ?? 'draft'}.pdf`));
  const remove = useAction(async () => {
    await change('DELETE', path, invoice.etag);
    say('The draft is deleted.');
    go('/invoices');
  });
  const isDraft = invoice.status === 'draft', isOpen = invoice.status === 'issued';
  const busy = [issue, revoke, pdf, remove].some((action) => action.busy);
  return html`<div class="actions">
      ${isDraft && html`<${Link} to="/invoices/${invoice.id}/edit" class="button quiet">Edit<//>
        <${Confirm} label="Issue" danger=${false} title="Issue this invoice?" busy=${busy} action=${() => issue.run()}
          text="It gets the next number, and its lines and amounts can no longer change." />
        <${Confirm} label="Delete draft" title="Delete this draft?" text="The draft is lost." busy=${busy} action=${() => remove.run()} />`}
      ${isOpen && html`<${Confirm} label="Void" title="Void this invoice?" busy=${busy} action=${() => revoke.run()}
        text="A void invoice keeps its number and can never be paid." />`}
      <button type="button" class="quiet" disabled=${busy} onClick=${() => pdf.run()}>${pdf.busy ? 'Rendering …' : 'Save PDF'}</button>
    </div>
    ${[issue, revoke, pdf, remove].map((action) => html`<${Refusal} problem=${action.problem} />`)}`;
}

function Pay({ invoice, reload }) {
  const [key, setKey] = useState(() => crypto.randomUUID());
  const [wrong, setWrong] = useState(null);
  const action = useAction(async (form) => {
    const { amount, paid_on, method, reference } = values(form);
    await create(`invoices/${invoice.id}/payments`, { amount: minorUnits(amount, invoice.currency), paid_on, method, reference }, key);
    setKey(crypto.randomUUID());
    form.reset();
    say('The payment is recorded.');
    await reload();
  });
  const submit = (event) => {
    event.preventDefault();
    const isAmount = minorUnits(event.target.elements.amount.value, invoice.currency) !== null;
    setWrong(isAmount ? null : { errors: [{ pointer: '/amount', message: `must be a decimal with at most ${decimals(invoice.currency)} places` }] });
    if (isAmount) action.run(event.target);
  };
  const problem = wrong ?? action.problem;
  const due = (invoice.due / 10 ** decimals(invoice.currency)).toFixed(decimals(invoice.currency));
  return html`<${Refusal} problem=${action.problem} fields=${['/amount', '/paid_on', '/reference']} />
    <form class="filters" onSubmit=${submit}>
      <${Field} label="Amount (${invoice.currency})" name="amount" inputmode="decimal" defaultValue=${due} required problem=${problem} />
      <${Field} label="Paid on" name="paid_on" type="date" defaultValue=${new Date().toLocaleDateString('sv')} required problem=${problem} />
      <${Field} label="Method" name="method" as="select">
        ${['bank_transfer', 'card', 'cash', 'direct_debit', 'other'].map((name) => html`<option value=${name}>${name.replace('_', ' ')}</option>`)}<//>
      <${Field} label="Reference" name="reference" problem=${problem} />
      <button disabled=${action.busy}>Record payment</button>
    </form>`;
}
