/** One invoice: its lines, and what can be done with it in its state. */

import { html, useState } from './preact.js';
import { change, create, download, read, withQuery } from './api.js';
import { commaMessage, day, decimals, isOverdue, minorUnits, money, time, today, words } from './format.js';
import { useChanges } from './live.js';
import { Link, go } from './router.js';
import { Confirm, Field, Heading, Loaded, Pager, Refusal, Status, Sums, Table, say, useAction, useData, useKey, usePages, values } from './ui.js';
import { Documents } from './documents.js';
import { UNKNOWN } from './invoices.js';

export function Invoice({ id }) {
  const invoice = useData(() => readWithParties(id), [id]);
  useChanges('invoices', invoice.reload);
  useChanges('customers', invoice.reload);
  return html`<p><${Link} to="/invoices">All invoices<//></p>
    <${Loaded} of=${invoice}>${(found) => html`
      <${Heading} number=${found.number}>${found.number ? 'Invoice' : 'Draft invoice'}<//>
      <p><${Status} name=${found.status} /> ${isOverdue(found, found.business) && html`<${Status} name="overdue" /> `}<span class="soft">Last change ${time(found.updated_at)}</span></p>
      <${Facts} invoice=${found} />
      <${Actions} invoice=${found} reload=${invoice.reload} />
      <${Lines} invoice=${found} />
      ${found.status !== 'draft' && html`<${Payments} invoice=${found} reload=${invoice.reload} />`}
      ${found.credited > 0 && html`<${CreditNotes} invoice=${found} />`}
      <h2>Documents</h2>
      <${Documents} invoice=${found} />`}<//>`;
}

/** Reads an invoice with its `customer` and the user's `business`. Each is null if it cannot be read. */
async function readWithParties(id) {
  const invoice = await read(`invoices/${id}`);
  const orNull = (path) => read(path).catch(() => null);
  const [customer, business] = await Promise.all([orNull(`customers/${invoice.customer_id}`), orNull('me/business')]);
  return { ...invoice, customer, business };
}

/**
 * Customer and dates. The API returns the current name of the customer. Only the PDF has the name on the issue date.
 * If the customer may have changed since then, the view says this.
 */
function Facts({ invoice: { customer, created_at: created, issue_date: issued, due_date: due } }) {
  const mayDiffer = issued && customer && customer.updated_at > customer.created_at && customer.updated_at > created;
  const facts = [['Customer', customer?.name ?? UNKNOWN], ['Issued on', day(issued)], ['Due on', day(due)]];
  return html`<dl class="facts">${facts.map(([label, text]) => html`<div><dt>${label}</dt><dd>${text}</dd></div>`)}</dl>
    ${mayDiffer && html`<p class="soft">This is the customer’s current name. The PDF has the name on the issue date.</p>`}`;
}

/** The lines of an invoice and its amounts, which the service has computed. */
export function Lines({ invoice }) {
  const amount = (minor) => money(minor, invoice.currency);
  return html`<${Table} caption="Lines" empty="No lines."
    columns=${['Description', '>Quantity', '>Unit price', '>Discount', '>Tax', '>Amount']}
    rows=${invoice.lines.map((line) => [line.description, line.quantity, line.unit_price,
      line.discount ? amount(-line.discount) : '–', `${line.tax_rate} %`, amount(line.net)])} />
    <${Sums} rows=${[
      ...totalRows(invoice),
      invoice.credited > 0 && ['Credited', amount(-invoice.credited)],
      invoice.paid > 0 && ['Paid', amount(-invoice.paid)],
      invoice.status !== 'draft' && [html`<strong>Amount due</strong>`, amount(invoice.due)],
    ]} />
    ${invoice.notes && html`<p class="notes">${invoice.notes}</p>`}`;
}

/** The rows from subtotal to total, of an invoice or of the preview of a draft. The labels are those of the PDF. */
export function totalRows({ currency, subtotal, discount, discount_rate: rate, discount_total: discounts, taxes, total }) {
  const amount = (minor) => money(minor, currency);
  const onLines = discounts - discount;
  return [
    ['Subtotal', amount(subtotal)],
    onLines > 0 && ['Discounts on lines', amount(-onLines)],
    discount > 0 && [rate ? `Discount ${rate} %` : 'Discount', amount(-discount)],
    ...taxes.map(({ tax_rate, net, tax }) => [`Tax ${tax_rate} % of ${amount(net)}`, amount(tax)]),
    [html`<strong>Total</strong>`, amount(total)],
  ];
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
    go('/invoices');
    say('The draft is deleted.');
  });
  const terms = invoice.business?.payment_terms_days ?? null;
  const due = invoice.due_date ? `due on ${day(invoice.due_date)}` : terms === null ? 'without a due date' : `due ${terms} days after the issue date`;
  const customer = invoice.customer?.name ?? UNKNOWN, total = money(invoice.total, invoice.currency);
  const isDraft = invoice.status === 'draft', isOpen = invoice.status === 'issued';
  const busy = [issue, revoke, pdf, remove].some((action) => action.busy);
  return html`<div class="actions">
      ${isDraft && html`<${Link} to="/invoices/${invoice.id}/edit" class="button quiet">Edit<//>
        <${Confirm} label="Issue" danger=${false} title="Issue this invoice?" busy=${busy} action=${() => issue.run()}
          text=${html`<strong>${customer}, ${total}, ${due}.</strong><br />
            The invoice gets the next number, and its lines and amounts can no longer change.`} />`}
      <button type="button" class="quiet" disabled=${busy} onClick=${() => pdf.run()}>${pdf.busy ? 'Rendering …' : 'Download PDF'}</button>
      ${isDraft && html`<${Confirm} label="Delete draft" title="Delete this draft?" text="The draft is lost." busy=${busy} action=${() => remove.run()} />`}
      ${isOpen && html`<${Confirm} label="Void" title="Void ${invoice.number}?" busy=${busy} action=${() => revoke.run()}
        text=${html`<strong>${customer}, ${total}.</strong><br />
          This cannot be undone. A void invoice keeps its number and can never be paid.`} />`}
    </div>
    ${[issue, revoke, pdf, remove].map((action) => html`<${Refusal} problem=${action.problem} newer=${() => reload().then(action.clear)} />`)}`;
}

function CreditNotes({ invoice: { id, credited } }) {
  const pages = usePages([]);
  const list = useData(() => read(withQuery('credit-notes', { invoice_id: id, limit: 20, cursor: pages.cursor })), [pages.cursor, credited]);
  const pdf = useAction((note) => download(`credit-notes/${note.id}/pdf`, `${note.number}.pdf`));
  return html`<h2>Credit notes</h2><${Refusal} problem=${pdf.problem} />
    <${Loaded} of=${list}>${(page) => html`<${Table} caption="Credit notes" empty="No credit notes."
      keys=${page.items.map((note) => note.id)} columns=${['Number', 'Issued on', '>Amount', 'Actions']}
      rows=${page.items.map((note) => [note.number, day(note.issue_date), money(note.total, note.currency),
        html`<button type="button" class="quiet" aria-label="Download PDF of ${note.number}" disabled=${pdf.busy} onClick=${() => pdf.run(note)}>Download PDF</button>`])} />
      <${Pager} pages=${pages} list=${list} label="Pages of credit notes" />`}<//>`;
}

function Payments({ invoice, reload }) {
  const pages = usePages([]);
  const list = useData(() => read(withQuery(`invoices/${invoice.id}/payments`, { limit: 20, cursor: pages.cursor })), [pages.cursor, invoice.paid]);
  return html`<h2>Payments</h2>
    ${['issued', 'partially_paid'].includes(invoice.status) && html`<${Pay} invoice=${invoice} reload=${reload} />`}
    <${Loaded} of=${list}>${(page) => html`<${Table} caption="Payments" empty="Nothing is paid yet."
      keys=${page.items.map(({ id }) => id)} columns=${['Date', 'Method', 'Reference', '>Amount']}
      rows=${page.items.map((payment) => [day(payment.paid_on), words(payment.method), payment.reference ?? '–', money(payment.amount, invoice.currency)])} />
      <${Pager} pages=${pages} list=${list} />`}<//>`;
}

function Pay({ invoice, reload }) {
  const { currency, business } = invoice;
  const amount = (minor) => money(minor, currency);
  const key = useKey();
  const [wrong, setWrong] = useState(null);
  /** The form and the amount that the dialog asks about. */
  const [asked, setAsked] = useState({ paid: 0 });
  const action = useAction(async ({ form, paid }) => {
    const { paid_on, method, reference } = values(form);
    const body = { amount: paid, paid_on, method, reference };
    await create(`invoices/${invoice.id}/payments`, body, key.of(body));
    key.used();
    form.reset();
    say('The payment is recorded.');
    await reload();
  });
  const ready = (form) => {
    const text = form.elements.amount.value, paid = minorUnits(text, currency);
    const message = commaMessage(text) ?? (paid === null && `must be a decimal with at most ${decimals(currency)} places`);
    setWrong(message ? { errors: [{ pointer: '/amount', message }] } : null);
    setAsked({ form, paid });
    if (message) form.elements.amount.focus();
    return !message;
  };
  const problem = wrong ?? action.problem;
  const due = (invoice.due / 10 ** decimals(currency)).toFixed(decimals(currency));
  return html`<${Refusal} problem=${action.problem} fields=${['/amount', '/paid_on', '/reference']} />
    <form class="filters">
      <${Field} label="Amount (${currency})" name="amount" inputmode="decimal" defaultValue=${due} required problem=${problem} />
      <${Field} label="Paid on" name="paid_on" type="date" defaultValue=${today(business?.time_zone)} required problem=${problem} />
      <${Field} label="Method" name="method" as="select">
        ${['bank_transfer', 'card', 'cash', 'direct_debit', 'other'].map((name) => html`<option value=${name}>${words(name)}</option>`)}<//>
      <${Field} label="Reference" name="reference" problem=${problem} />
      <${Confirm} label="Record payment" danger=${false} title="Record ${amount(asked.paid)} for ${invoice.number}?" busy=${action.busy}
        ready=${ready} action=${() => action.run(asked)} text="The amount due is ${amount(invoice.due)}. A payment cannot be changed or deleted." />
    </form>`;
}
