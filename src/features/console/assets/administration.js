/** Administration: summary, alerts, security events, users. */

import { html, useRef, useState } from './preact.js';
import { Events } from './admin_events.js';
import { Summary } from './admin_summary.js';
import { Users } from './admin_users.js';
import { read, withQuery } from './api.js';
import { time, words } from './format.js';
import { useChanges } from './live.js';
import { Field, Heading, Loaded, Pager, Status, Table, useData, usePages } from './ui.js';

export function Administration() {
  const [filter, setFilter] = useState({});
  const events = useRef();
  /** Shows the events of a filter, and moves the focus to them. */
  const pick = (chosen) => {
    setFilter(chosen);
    events.current.focus();
    events.current.scrollIntoView();
  };
  return html`<${Heading}>Administration<//><${Summary} pick=${pick} /><${Alerts} pick=${pick} />
    <${Events} filter=${filter} setFilter=${setFilter} place=${events} /><${Users} />`;
}

/**
 * The filter field that finds the events of an alert, by the kind of the alert's subject. There is no field for an
 * account, because its subject is a keyed hash.
 */
const FILTERS = { user: 'user_id', network: 'address' };

function Alerts({ pick }) {
  const [state, setState] = useState('open');
  const pages = usePages([state]);
  const list = useData(() => read(withQuery('admin/alerts', { limit: 10, state, cursor: pages.cursor })), [state, pages.cursor]);
  useChanges('alerts', list.reload);
  const subject = ({ subject_kind: kind, subject: id, members }) => {
    if (!id) return `${members} together`;
    const code = html`<code>${id}</code>`;
    return html`<span>${words(kind)} ${FILTERS[kind] ? html`<button type="button" class="link" title="Show the events" onClick=${() => pick({ [FILTERS[kind]]: id })}>${code}</button>` : code}</span>`;
  };
  return html`<section class="card"><h2>Alerts</h2>
    <form class="filters" onSubmit=${(event) => event.preventDefault()}>
      <${Field} label="State" name="alert-state" as="select" onChange=${(event) => setState(event.target.value)}>
        <option value="open">Open</option><option value="cleared">Cleared</option><option value="">All</option><//>
      <button type="button" class="quiet" onClick=${list.reload}>Reload</button></form>
    <${Loaded} of=${list}>${(page) => html`<${Table} caption="Alerts" empty="No alerts." keys=${page.items.map(({ id }) => id)} columns=${['Opened', 'Severity', 'Rule', 'Subject', '>Events', 'Last seen', 'Cleared']}
      rows=${page.items.map((alert) => [time(alert.opened_at), html`<${Status} name=${alert.severity} />`, words(alert.rule),
        subject(alert), alert.count, time(alert.last_seen_at), time(alert.cleared_at)])} />
      <${Pager} pages=${pages} list=${list} label="Pages of alerts" />`}<//></section>`;
}
