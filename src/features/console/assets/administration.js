/** Administration: alerts, security events, users. */

import { html, useState } from './preact.js';
import { read, request, withQuery } from './api.js';
import { time, words } from './format.js';
import { Confirm, Field, Heading, Loaded, Pager, Refusal, Status, Table, say, useAction, useData, usePages } from './ui.js';

export function Administration() {
  return html`<${Heading}>Administration<//><${Alerts} /><${Users} /><${Events} />`;
}

function Alerts() {
  const [state, setState] = useState('open');
  const pages = usePages([state]);
  const list = useData(() => read(withQuery('admin/alerts', { limit: 10, state, cursor: pages.cursor })), [state, pages.cursor]);
  return html`<section class="card"><h2>Alerts</h2>
    <form class="filters" onSubmit=${(event) => event.preventDefault()}>
      <${Field} label="State" name="alert-state" as="select" onChange=${(event) => setState(event.target.value)}>
        <option value="open">Open</option><option value="cleared">Cleared</option><option value="">All</option><//>
      <button type="button" class="quiet" onClick=${list.reload}>Reload</button></form>
    <${Loaded} of=${list}>${(page) => html`<${Table} caption="Alerts" empty="No alerts." columns=${['Opened', 'Severity', 'Rule', 'Subject', '>Events', 'Last seen']}
      rows=${page.items.map((alert) => [time(alert.opened_at), html`<${Status} name=${alert.severity} />`, words(alert.rule),
        html`${words(alert.subject_kind)} <code>${alert.subject}</code>`, alert.count, time(alert.last_seen_at)])} />
      <${Pager} pages=${pages} page=${page} />`}<//></section>`;
}

function Users() {
  const [email, setEmail] = useState('');
  const pages = usePages([email]);
  const list = useData(() => read(withQuery('admin/users', { limit: 10, email, cursor: pages.cursor })), [email, pages.cursor]);
  const act = useAction(async (method, path, text) => {
    await request(method, `admin/users/${path}`);
    say(text);
    await list.reload();
  });
  const actions = ({ id, email: address, status, locked }) => html`<div class="actions" key=${id}>
    ${locked && html`<button type="button" class="quiet" onClick=${() => act.run('POST', `${id}/unlock`, `${address} is unlocked.`)}>Unlock</button>`}
    ${status === 'disabled'
      ? html`<button type="button" class="quiet" onClick=${() => act.run('POST', `${id}/enable`, `${address} is enabled.`)}>Enable</button>`
      : html`<${Confirm} label="Disable" title="Disable ${address}?" text="All sessions end, and the user can no longer sign in." busy=${act.busy}
          action=${() => act.run('POST', `${id}/disable`, `${address} is disabled.`)} />`}
    <${Confirm} label="Revoke sessions" title="Revoke all sessions of ${address}?" text="The user must sign in again on every device." busy=${act.busy}
      action=${() => act.run('DELETE', `${id}/sessions`, `The sessions of ${address} are revoked.`)} /></div>`;
  return html`<section class="card"><h2>Users</h2><${Refusal} problem=${act.problem} />
    <form class="filters" onSubmit=${(event) => event.preventDefault()}>
      <${Field} label="Email address" name="user-email" type="search" onChange=${(event) => setEmail(event.target.value)} /></form>
    <${Loaded} of=${list}>${(page) => html`<${Table} caption="Users" empty="No user has this address." columns=${['Email', 'Name', 'Role', 'Status', 'Last active', 'Actions']}
      rows=${page.items.map((user) => [user.email, user.display_name, words(user.role),
        html`<${Status} name=${user.locked ? 'locked' : user.status} />`, time(user.last_active_at), actions(user)])} />
      <${Pager} pages=${pages} page=${page} />`}<//></section>`;
}

function Events() {
  const [filter, setFilter] = useState({});
  const pages = usePages([filter]);
  const list = useData(() => read(withQuery('admin/security-events', { limit: 20, cursor: pages.cursor, ...filter })), [filter, pages.cursor]);
  const set = (event) => setFilter({ ...filter, [event.target.name]: event.target.value.trim() });
  return html`<section class="card"><h2>Security events</h2>
    <form class="filters" onSubmit=${(event) => event.preventDefault()}>
      <${Field} label="Kind" name="kind" type="search" onChange=${set} hint="For example authz_denied" problem=${list.problem} pointer="/kind" />
      <${Field} label="Severity" name="severity" as="select" onChange=${set}>
        <option value="">All</option>${['info', 'warning', 'critical'].map((name) => html`<option value=${name}>${words(name)}</option>`)}<//>
      <${Field} label="User id" name="user_id" type="search" onChange=${set} problem=${list.problem} pointer="/user_id" />
      <${Field} label="Address" name="address" type="search" onChange=${set} problem=${list.problem} pointer="/address" />
      <button type="button" class="quiet" onClick=${list.reload}>Reload</button></form>
    <${Loaded} of=${list}>${(page) => html`<${Table} caption="Security events" empty="No event matches."
      columns=${['Time', 'Severity', 'Event', 'Reason', 'User', 'Address', 'Route']}
      rows=${page.items.map((event) => [time(event.at), html`<${Status} name=${event.severity} />`, event.kind, event.reason || '–',
        event.user_id ? html`<code title=${event.user_id}>${event.user_id.slice(0, 8)}</code>` : '–', event.address ?? '–',
        event.route ? `${event.method} ${event.route}` : '–'])} />
      <${Pager} pages=${pages} page=${page} />`}<//></section>`;
}
