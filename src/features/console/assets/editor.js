/** The editor of a draft. The service computes all amounts, also while the user types. */

import { html, useEffect, useRef, useState } from './preact.js';
import { change, create, read } from './api.js';
import { commaMessage, money } from './format.js';
import { FOR_INVOICE } from './customers.js';
import { Lines, totalRows } from './invoice.js';
import { customers } from './invoices.js';
import { Link, go, useUnsaved } from './router.js';
import { Field, Heading, Loaded, Refusal, Sums, asProblem, say, useAction, useData, useKey, useVersion } from './ui.js';

const EMPTY = { description: '', quantity: '1', unit_price: '', tax_rate: '0', discount_rate: '' };
/** The fields of a line that contain decimals. */
const DECIMALS = ['quantity', 'unit_price', 'tax_rate', 'discount_rate'];
const DECIMAL = /^\d+(\.\d+)?$/;
/** Also matches a decimal that is only typed in part. */
const PARTIAL_DECIMAL = /^\d*\.?\d*$/;
/** How long the user must pause before the amounts are computed. */
const PAUSE_MS = 400;

export function Editor({ id }) {
  const loaded = useData(async () => {
    const business = read('me/business').catch(() => null);
    const draft = id ? await read(`invoices/${id}`) : null;
    return { draft, customers: await customers(draft ? [draft.customer_id] : []), business: await business };
  }, [id]);
  return html`<${Heading}>${id ? 'Edit draft' : 'New invoice'}<//>
    <${Loaded} of=${loaded}>${({ customers: all, draft, business }) => all.length === 0
      ? html`<p class="empty">An invoice needs a customer. <${Link} to="/customers${FOR_INVOICE}">Create one<//> first.</p>`
      : html`<${Form} customers=${all} draft=${draft} business=${business} />`}<//>`;
}

/** Says which due date the invoice gets when it is issued, if the field is empty. */
function dueHint(business) {
  if (!business) return 'If empty, your payment terms apply';
  const { payment_terms_days: terms } = business;
  return terms === null ? 'If empty, the invoice has no due date' : `If empty, ${terms} days after the issue date`;
}

/** Returns the values that the user can edit, as texts. */
function contentOf(draft, customer) {
  return {
    customer_id: draft?.customer_id ?? customer.id,
    currency: draft?.currency ?? customer.default_currency,
    due_date: draft?.due_date ?? '',
    notes: draft?.notes ?? '',
    discount_rate: draft?.discount_rate ?? '',
    lines: (draft?.lines ?? [EMPTY]).map((line, n) => ({ ...line, discount_rate: line.discount_rate ?? '', key: n })),
  };
}

/**
 * Returns the body of a request. The form has no field for a discount amount, so the body repeats the stored amount,
 * unless the user enters a rate. `base` is the version that the request replaces.
 */
function bodyOf({ customer_id, currency, due_date, notes, discount_rate, lines }, base) {
  const filled = (text) => text.trim() || null;
  const discount = (rate, amount) => ({ discount_rate: filled(rate), discount_amount: filled(rate) ? null : amount ?? null });
  return {
    customer_id,
    currency: currency.trim(),
    due_date: filled(due_date),
    notes: filled(notes),
    ...discount(discount_rate, base?.discount_amount),
    lines: lines.map(({ description, quantity, unit_price, tax_rate, discount_rate: rate, discount_amount: amount }) =>
      ({ description: description.trim(), quantity: quantity.trim(), unit_price: unit_price.trim(), tax_rate: tax_rate.trim(), ...discount(rate, amount) })),
  };
}

/**
 * Returns a message for each field that the service would refuse. A field that is empty or only typed in part has no
 * message.
 */
function mistakesIn({ currency, discount_rate, lines }) {
  const decimalMessage = (text) => commaMessage(text) ?? (PARTIAL_DECIMAL.test(text.trim()) ? undefined : 'Enter a decimal, for example 12.50');
  const decimal = (pointer, text) => ({ pointer, message: decimalMessage(text) });
  const code = { pointer: '/currency', message: /^[A-Z]*$/.test(currency.trim()) ? undefined : 'Enter three capital letters, for example EUR' };
  const inLines = lines.flatMap((line, n) => DECIMALS.map((name) => decimal(`/lines/${n}/${name}`, line[name])));
  return [code, decimal('/discount_rate', discount_rate), ...inLines].filter(({ message }) => message);
}

/**
 * Returns the amounts of a body, or the problem if the service computes none. An incomplete body is not sent, because
 * the service would refuse it and record a security event.
 */
function usePreview(body) {
  const [preview, setPreview] = useState({});
  const numbers = body.lines.flatMap((line) => [line.quantity, line.unit_price, line.tax_rate, line.discount_rate ?? '0']).concat(body.discount_rate ?? '0');
  const isComplete = /^[A-Z]{3}$/.test(body.currency) && numbers.every((text) => DECIMAL.test(text));
  // Replace a missing description by a dash, so that the service computes the amounts of this line too.
  const lines = body.lines.map((line) => ({ ...line, description: line.description || '–' }));
  const text = isComplete ? JSON.stringify({ ...body, lines }) : '';
  useEffect(() => {
    if (!text) return setPreview({});
    let isCurrent = true;
    const show = (next) => isCurrent && setPreview(next);
    const ask = () => create('invoices/preview', JSON.parse(text)).then((amounts) => show({ amounts }), (error) => show({ problem: asProblem(error) }));
    const timer = setTimeout(ask, PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [text]);
  return preview;
}

function Form({ customers: all, draft, business }) {
  const [initial] = useState(() => contentOf(draft, all[0]));
  const [content, setContent] = useState(initial);
  const { lines } = content;
  const version = useVersion(`invoices/${draft?.id}`, draft);
  const base = version.newer ?? draft;
  const body = bodyOf(content, base);
  const preview = usePreview(body);
  const key = useKey();
  const saved = useUnsaved(JSON.stringify(content) !== JSON.stringify(initial));
  const action = useAction(async () => {
    const { id } = draft ? await change('PUT', `invoices/${draft.id}`, version.etag, body) : await create('invoices', body, key.of(body));
    saved();
    go(`/invoices/${id}`);
    say('The draft is saved.');
  });
  const submit = (event) => {
    event.preventDefault();
    if (mistakes.length > 0) event.target.querySelector('[aria-invalid=true]').focus();
    else action.run();
  };
  const mistakes = mistakesIn(content);
  const refused = action.problem ?? preview.problem;
  const problem = mistakes.length > 0 ? { errors: [...mistakes, ...(refused?.errors ?? [])] } : refused;
  const set = (changed) => setContent((old) => ({ ...old, ...changed }));
  const choose = (event) => {
    const { id, default_currency } = all.find((customer) => customer.id === event.target.value);
    set(draft ? { customer_id: id } : { customer_id: id, currency: default_currency });
  };
  const edit = (n, field, value) => set({ lines: lines.map((line, m) => (m === n ? { ...line, [field]: value } : line)) });
  /** The key of the line that the user has added last. The description of this line gets the focus. */
  const added = useRef(null);
  const add = () => {
    added.current = 1 + Math.max(...lines.map((line) => line.key));
    set({ lines: [...lines, { ...EMPTY, key: added.current }] });
  };
  useEffect(() => {
    document.getElementById(`field-lines-${added.current}-description`)?.focus();
    added.current = null;
  }, [lines.length]);
  const field = (name, label, rest) => html`<${Field} label=${label} name=${name} value=${content[name]} saved=${version.saved(name)}
    onInput=${(event) => set({ [name]: event.target.value })} problem=${problem} ...${rest} />`;
  const cell = (line, n, name, label, rest) => html`<${Field} label=${label} name="lines-${line.key}-${name}" pointer="/lines/${n}/${name}"
    value=${line[name]} onInput=${(event) => edit(n, name, event.target.value)} required problem=${problem} ...${rest} />`;
  const fixed = (minor) => minor ? `Fixed: ${money(minor, base.currency)}. A rate replaces it.` : undefined;
  const savedCustomer = version.saved('customer_id');
  const known = ['/customer_id', '/currency', '/due_date', '/notes', '/discount_rate',
    ...lines.flatMap((_, n) => Object.keys(EMPTY).map((name) => `/lines/${n}/${name}`))];
  return html`<${Refusal} problem=${action.problem} fields=${known} newer=${() => version.load.run(action)} /><${Refusal} problem=${version.load.problem} />
    ${version.newer && html`<section class="card"><h2>The newer version</h2><p>It has these lines. Your own are below.</p><${Lines} invoice=${version.newer} /></section>`}
    <form onSubmit=${submit}>
      <div class="filters">
        <${Field} label="Customer" name="customer_id" as="select" value=${content.customer_id} onChange=${choose} problem=${problem}
          saved=${savedCustomer && (all.find(({ id }) => id === savedCustomer)?.name ?? 'another customer')}>
          ${all.map(({ id, name }) => html`<option value=${id} selected=${id === content.customer_id}>${name}</option>`)}<//>
        ${field('currency', 'Currency', { maxlength: 3, required: true })}
        ${field('due_date', 'Due date', { type: 'date', hint: dueHint(business) })}
        ${field('discount_rate', 'Invoice discount (%)', { inputmode: 'decimal', hint: fixed(base?.discount_amount) })}
      </div>
      <fieldset><legend>Lines</legend>
        ${lines.map((line, n) => html`<div class="filters line" key=${line.key} role="group" aria-label="Line ${n + 1}">
          ${cell(line, n, 'description', 'Description', { class: 'wide' })}
          ${cell(line, n, 'quantity', 'Quantity', { inputmode: 'decimal' })}
          ${cell(line, n, 'unit_price', `Unit price${body.currency && ` (${body.currency})`}`, { inputmode: 'decimal' })}
          ${cell(line, n, 'tax_rate', 'Tax (%)', { inputmode: 'decimal' })}
          ${cell(line, n, 'discount_rate', 'Discount (%)', { inputmode: 'decimal', required: false, hint: fixed(line.discount_amount) })}
          <button type="button" class="quiet" disabled=${lines.length === 1} aria-label="Remove line ${n + 1}"
            onClick=${() => set({ lines: lines.filter((other) => other !== line) })}>Remove</button>
        </div>`)}
        <button type="button" class="quiet" onClick=${add}>Add line</button>
      </fieldset>
      ${field('notes', 'Notes', { as: 'textarea', rows: 3 })}
      <${Totals} preview=${preview} rate=${body.discount_rate} fields=${known} isMarked=${problem?.errors.some(({ pointer }) => known.includes(pointer))} />
      <div class="actions"><button disabled=${action.busy}>Save draft</button></div>
    </form>`;
}

/** The totals, or why there are none. `isMarked`: a field has a message. */
function Totals({ preview: { amounts, problem }, rate, fields, isMarked }) {
  if (!amounts) {
    const other = problem && (problem.errors.find(({ pointer }) => !fields.includes(pointer)) ?? problem).message;
    const incomplete = 'The totals appear when the invoice has a currency, and each line has a quantity, a unit price and a tax.';
    const without = problem ? `No totals: ${other}.` : incomplete;
    return html`<p class="soft" role="status">${isMarked ? 'No totals: correct the marked fields.' : without}</p>`;
  }
  return html`<div role="status" aria-label="Totals"><${Sums} rows=${totalRows({ ...amounts, discount_rate: rate })} /></div>`;
}
