/** The list of invoices, with filters and a chart of totals by status. */

import { html, useRef, useState } from './preact.js';
import { download, read, withQuery } from './api.js';
import { day, isOverdue, money, words } from './format.js';
import { useChanges } from './live.js';
import { Link } from './router.js';
import { Field, HAS_ATTACK_PANEL, Heading, Loaded, Pager, Refusal, Status, Table, useAction, useData, usePages, useTyping } from './ui.js';

const STATUSES = ['draft', 'issued', 'partially_paid', 'paid', 'credited', 'void'];
export const UNKNOWN = 'Unknown customer';
const SORTS = {
  '-created_at': 'Newest first',
  created_at: 'Oldest first',
  '-total': 'Largest total',
  due_date: 'Due first',
};

/** Reads the newest 1,000 customers, and also the older customers whose ids are in `ids`. */
export async function customers(ids = []) {
  const all = [];
  for (let cursor; cursor !== null && all.length < 1000;) {
    const page = await read(withQuery('customers', { limit: 100, cursor }));
    all.push(...page.items);
    cursor = page.next_cursor;
  }
  return [...all, ...(await older(all, ids))];
}

/**
 * Reads the customers in `ids` that are not in `known`. A customer that cannot be read gets the name "unknown", so that
 * the names of the others are still shown. The next call tries to read this customer again.
 */
function older(known, ids) {
  const missing = new Set(ids);
  for (const { id, isUnknown } of known) if (!isUnknown) missing.delete(id);
  return Promise.all([...missing].map((id) => read(`customers/${id}`).catch(() => ({ id, name: UNKNOWN, isUnknown: true }))));
}

/**
 * Returns the names of the customers of these invoices, or null if `invoices` is null. The next page reuses the names
 * that were read before.
 */
export function useCustomerNames(invoices) {
  const known = useRef(null);
  useChanges('customers', () => { known.current = null; });
  return useData(async () => {
    if (!invoices) return null;
    const ids = invoices.map((invoice) => invoice.customer_id);
    known.current = known.current ? [...known.current, ...(await older(known.current, ids))] : await customers(ids);
    return new Map(known.current.map(({ id, name }) => [id, name]));
  }, [invoices]);
}

export function Invoices({ me }) {
  const [filter, setFilter] = useState({ sort: '-created_at' });
  const pages = usePages([filter]);
  const list = useData(() => read(withQuery('invoices', { limit: 20, cursor: pages.cursor, ...filter })), [filter, pages.cursor]);
  const names = useCustomerNames(list.data?.items);
  const business = useData(() => read('me/business'), []);
  const totals = useData(() => read('invoices/totals'), []);
  useChanges('invoices', list.reload);
  useChanges('invoices', totals.reload);
  const set = ({ target: { name, value } }) => setFilter((old) => ({ ...old, [name]: value.trim() }));
  const search = useTyping(set);
  const empty = filter.search || filter.status ? 'No invoice matches. Change the search or the status.' : html`No invoices yet. Create the first one.${me.role === 'admin' && html` You are an administrator: open <${Link} to="/admin">Administration<//>${HAS_ATTACK_PANEL && html` or <${Link} to="/attacks">Attacks<//>`}.`}`;
  return html`<${Heading}>Invoices<//>
    <div class="actions">
      <${Link} to="/invoices/new" class="button">New invoice<//>
      <${Export} filter=${filter} />
    </div>
    <${Loaded} of=${totals}>${(found) => html`<${Chart} totals=${found} />`}<//>
    <form class="filters" onSubmit=${(event) => event.preventDefault()}>
      <${Field} label="Search" name="search" type="search" onInput=${search} hint="Number or customer" />
      <${Field} label="Status" name="status" as="select" onChange=${set}>
        <option value="">All</option>${STATUSES.map((status) => html`<option value=${status}>${words(status)}</option>`)}<//>
      <${Field} label="Order" name="sort" as="select" onChange=${set}>
        ${Object.entries(SORTS).map(([value, label]) => html`<option value=${value}>${label}</option>`)}<//>
    </form>
    <${Loaded} of=${list}>${(page) => html`
      <${Table} caption="Invoices" empty=${empty}
        keys=${page.items.map(({ id }) => id)} columns=${['Number', 'Customer', 'Status', 'Issued on', 'Due on', '>Total', '>Amount due']}
        rows=${page.items.map((invoice) => [
          html`<${Link} to="/invoices/${invoice.id}">${invoice.number ?? 'Draft'}<//>`,
          names.data?.get(invoice.customer_id) ?? (names.problem ? UNKNOWN : '…'),
          html`<span><${Status} name=${invoice.status} />${isOverdue(invoice, business.data) && html` <${Status} name="overdue" />`}</span>`,
          day(invoice.issue_date),
          day(invoice.due_date),
          money(invoice.total, invoice.currency),
          invoice.status === 'draft' || invoice.status === 'void' ? '–' : money(invoice.total - invoice.paid - invoice.credited, invoice.currency),
        ])} />
      <${Pager} pages=${pages} list=${list} />`}<//>`;
}

/** Saves the invoices of the chosen status as CSV. The export has no search. */
function Export({ filter }) {
  const [received, setReceived] = useState(null);
  const action = useAction(async () => {
    await download(withQuery('invoices/export', { status: filter.status }), 'invoices.csv', setReceived);
    setReceived(null);
  });
  return html`<button type="button" class="quiet" disabled=${action.busy} onClick=${() => action.run()}>
      ${action.busy ? `Exporting … ${Math.round((received ?? 0) / 1024)} KiB` : `Export CSV${filter.search ? ' (without the search)' : ''}`}</button>
    <${Refusal} problem=${action.problem} />`;
}

/** Bars of all totals, by status and currency. Each bar is relative to the largest total of its currency. */
function Chart({ totals }) {
  const { items, invoices } = totals;
  if (items.length === 0) return null;
  const scale = new Set(items.map(({ currency }) => currency)).size > 1 ? '. A full bar is the largest total of its currency' : '';
  const largest = (of) => Math.max(1, ...items.map(({ currency, total }) => (currency === of ? total : 0)));
  return html`<figure class="chart"><figcaption>Totals by status, of ${invoices === 10_000 ? 'your newest 10,000 invoices' : 'all your invoices'}${scale}</figcaption>
    <dl>${items.map(({ status, currency, total, invoices: count }) => html`<div><dt>${words(status)} <span class="soft">${count}</span></dt>
      <dd><svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="bar ${status}" width=${Math.max((100 * total) / largest(currency), 0.5)} height="8" /></svg>
      <span class="sum">${money(total, currency)}</span></dd></div>`)}</dl></figure>`;
}
