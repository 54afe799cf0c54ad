/** The event explorer. */

import { html, useState } from './preact.js';
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
  const field = (label, name, rest = { type: 'search' }) => html`<${Field} label=${label} name=${name} value=${fields[name] ?? ''} problem=${list.problem}
    onInput=${(event) => setTyped({ filter, fields: { ...fields, [name]: event.target.value } })}
    onChange=${(event) => setFilter({ ...filter, [name]: event.target.value.trim() })} ...${rest} />`;
  const pick = (label, more) => html`<button type="button" class="link" title="Show only these" onClick=${() => setFilter({ ...filter, ...more })}>${label}</button>`;
  return html`<section class="card"><h2 id="events" tabindex="-1" ref=${place}>Security events</h2>
    <form class="filters" onSubmit=${(event) => event.preventDefault()}>
      ${field('Kind', 'kind', { type: 'search', hint: 'For example authz_fail' })}
      ${field('Severity', 'severity', { as: 'select', children: ['', 'info', 'warning', 'critical'].map((name) => html`<option value=${name}>${name ? words(name) : 'All'}</option>`) })}
      ${field('User id', 'user_id')}${field('Address', 'address')}
      ${field('From', 'from', { type: 'datetime-local' })}${field('Before', 'to', { type: 'datetime-local' })}
      <button type="button" class="quiet" onClick=${() => setFilter({})}>Clear</button>
      <button type="button" class="quiet" onClick=${list.reload}>Reload</button></form>
    <${Loaded} of=${list}>${(page) => html`<${Table} caption="Security events" empty="No event matches."
      columns=${['Time', 'Severity', 'Event', 'User', 'Address', 'Route', 'Request']}
      rows=${page.items.map((event) => [time(event.at), html`<${Status} name=${event.severity} />`,
        html`<div>${pick(event.kind, { kind: event.kind })}${[event.reason, event.amount && `${event.amount} times`].filter(Boolean).map((text) => html`<br /><span class="soft">${text}</span>`)}</div>`,
        event.user_id ? pick(html`<code>${event.user_id.slice(0, 8)}</code>`, { user_id: event.user_id }) : '–',
        event.address ? pick(event.address, { address: event.address }) : '–',
        event.route ? `${event.method ?? ''} ${event.route}` : '–',
        event.request_id ? html`<${Copy} text=${event.request_id} label="Copy id" />` : '–'])} />
      <${Pager} pages=${pages} list=${list} label="Pages of events" />`}<//></section>`;
}
