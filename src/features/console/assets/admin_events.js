/** The event explorer. */

import { html, useState } from './preact.js';
import { useNames } from './admin_users.js';
import { read, withQuery } from './api.js';
import { time, words } from './format.js';
import { Copy, Field, Loaded, Pager, Status, Table, useData, usePages } from './ui.js';

/** Returns the instant of a local date and time, as the API expects it. */
function instant(local) {
  return local && new Date(local).toISOString();
}

export function Events({ filter, setFilter, place }) {
  const pages = usePages([filter]);
  const query = { limit: 20, cursor: pages.cursor, ...filter, from: instant(filter.from), to: instant(filter.to) };
  const list = useData(() => read(withQuery('admin/security-events', query)), [filter, pages.cursor]);
  const [typed, setTyped] = useState({ filter, fields: filter });
  // The typed text belongs to the filter for which it was typed. If the filter changes, discard the text.
  const fields = typed.filter === filter ? typed.fields : filter;
  const nameOf = useNames(list.data?.items.map((event) => event.user_id) ?? []);
  const apply = (more) => setFilter({ ...Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, text.trim()])), ...more });
  const submit = (event) => {
    event.preventDefault();
    apply();
  };
  const field = (label, name, rest = { type: 'search' }) => html`<${Field} label=${label} name=${name} value=${fields[name] ?? ''} problem=${list.problem}
    onInput=${(event) => setTyped({ filter, fields: { ...fields, [name]: event.target.value } })} ...${rest} />`;
  const pick = (label, more, title) => html`<button type="button" class="link" title=${title ?? 'Show only these'} onClick=${() => setFilter({ ...filter, ...more })}>${label}</button>`;
  return html`<section class="card"><h2 id="events" tabindex="-1" ref=${place}>Security events</h2>
    <form onSubmit=${submit}><div class="filters">
      ${field('Kind', 'kind', { type: 'search', hint: 'For example authz_fail' })}
      ${field('Severity', 'severity', { as: 'select', onInput: undefined, onChange: (event) => apply({ severity: event.target.value }), children: ['', 'info', 'warning', 'critical'].map((name) => html`<option value=${name}>${name ? words(name) : 'All'}</option>`) })}
      ${field('User id', 'user_id')}${field('Address', 'address')}</div><div class="filters">
      ${field('From', 'from', { type: 'datetime-local' })}${field('Before', 'to', { type: 'datetime-local' })}
      <div class="actions"><button>Apply</button><button type="button" class="quiet" onClick=${() => setFilter({})}>Clear</button>
        <button type="button" class="quiet" onClick=${list.reload}>Reload</button></div></div></form>
    <${Loaded} of=${list}>${(page) => html`<${Table} caption="Security events" empty="No event matches."
      columns=${['Time', 'Severity', 'Event', 'User', 'Address', 'Route', 'Request']}
      rows=${page.items.map((event) => [time(event.at, 'medium'), html`<${Status} name=${event.severity} />`,
        html`<div>${pick(event.kind, { kind: event.kind })}${[event.reason, event.amount && `${event.amount} times`].filter(Boolean).map((text) => html`<br /><span class="soft">${text}</span>`)}</div>`,
        event.user_id ? pick(nameOf(event.user_id), { user_id: event.user_id }, `${event.user_id}: show only the events of this user`) : '–',
        event.address ? pick(event.address, { address: event.address }) : '–',
        event.route ? html`<span>${event.method} ${event.route.split(/(?=\/)/).map((part) => html`<wbr />${part}`)}</span>` : '–',
        event.request_id ? html`<${Copy} text=${event.request_id} label="Copy id" />` : '–'])} />
      <${Pager} pages=${pages} list=${list} label="Pages of events" />`}<//></section>`;
}
