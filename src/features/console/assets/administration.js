/** Administration: alerts, summary, security events, users. */

import { html, useEffect, useRef, useState } from './preact.js';
import { Events } from './admin_events.js';
import { Summary } from './admin_summary.js';
import { Users, useNames } from './admin_users.js';
import { read, withQuery } from './api.js';
import { time, words } from './format.js';
import { useChanges } from './live.js';
import { Link } from './router.js';
import { Field, HAS_ATTACK_PANEL, Heading, Loaded, Pager, Status, Table, useData, usePages } from './ui.js';

const SECTIONS = ['Alerts', 'Summary', 'Events', 'Users'];

/**
 * Returns the section and the filter in the fragment of the URL: `/admin#alerts`, `/admin#events?kind=authz_fail`. The
 * filter is not a query, because the service refuses pages with a query.
 */
function fragment() {
  const [section, query] = location.hash.slice(1).split('?');
  return { section, filter: Object.fromEntries(new URLSearchParams(query)) };
}

/**
 * Shows a section, and moves the focus to it. Data that arrive later change the position of the section. So the view
 * scrolls to the section again, until the user does something or three seconds have passed.
 */
function useSection(id) {
  useEffect(() => {
    const section = document.getElementById(id);
    if (!section) return;
    section.focus();
    const observer = new ResizeObserver(() => section.scrollIntoView());
    const stop = () => observer.disconnect();
    observer.observe(document.body);
    for (const event of ['wheel', 'touchstart', 'pointerdown', 'keydown']) addEventListener(event, stop, { once: true });
    setTimeout(stop, 3000);
    return stop;
  }, []);
}

export function Administration() {
  const [filter, setState] = useState(() => fragment().filter);
  /** Puts the filter into the URL, so that a reload and a copied link show the same events. */
  const setFilter = (chosen) => {
    const filled = Object.entries(chosen).filter(([, text]) => text);
    history.replaceState(null, '', `#events?${new URLSearchParams(filled)}`);
    setState(chosen);
  };
  useSection(fragment().section);
  const events = useRef();
  /** Shows the events of a filter, and moves the focus to them. */
  const pick = (chosen) => {
    setFilter(chosen);
    events.current.focus();
    events.current.scrollIntoView();
  };
  return html`<${Heading}>Administration<//>
    <nav aria-label="Sections">${SECTIONS.map((name, n) => html`${n > 0 && ' · '}<a href="#${name.toLowerCase()}">${name}</a>`)}</nav>
    <${Alerts} pick=${pick} /><${Summary} pick=${pick} />
    <${Events} filter=${filter} setFilter=${setFilter} place=${events} /><${Users} />`;
}

/**
 * For each kind of alert subject, the filter field that finds the events of the alert. The kind `account` has no field,
 * because such a subject is a keyed hash.
 */
const FILTERS = { user: 'user_id', network: 'address' };

/** The number of open alerts, as a badge in the menu. Only for administrators: the service refuses other users. */
export function AlertBadge() {
  const { data, reload } = useData(() => read(withQuery('admin/alerts', { limit: 100, state: 'open' })), []);
  useChanges('alerts', reload);
  const open = data?.items.length;
  if (!open) return null;
  return html` <span class="badge">${open}${data.next_cursor && '+'}<span class="hidden"> open ${open === 1 ? 'alert' : 'alerts'}</span></span>`;
}

/**
 * Returns the alerts that cleared while the user was looking at the open alerts. If the list has several pages,
 * returns none, because an alert that leaves a page may be on the next page.
 */
function useCleared({ data }, state, pages) {
  const last = useRef({});
  const [cleared, setCleared] = useState([]);
  useEffect(() => {
    if (!data) return;
    const { state: lastState, items } = last.current;
    last.current = { state, items: data.items };
    if (state !== lastState) return setCleared([]);
    if (state !== 'open' || pages.number > 1 || data.next_cursor) return;
    const gone = items.filter(({ id }) => data.items.every((alert) => alert.id !== id));
    setCleared((old) => [...gone, ...old]);
  }, [data]);
  return cleared;
}

function Alerts({ pick }) {
  const [state, setState] = useState('open');
  const pages = usePages([state]);
  const list = useData(() => read(withQuery('admin/alerts', { limit: 10, state, cursor: pages.cursor })), [state, pages.cursor]);
  useChanges('alerts', list.reload);
  const cleared = useCleared(list, state, pages);
  const nameOf = useNames(list.data?.items.map((alert) => alert.subject_kind === 'user' && alert.subject) ?? []);
  const subject = ({ subject_kind: kind, subject: id, members }) => {
    if (!id) return `${members} together`;
    if (!FILTERS[kind]) return html`<span>${words(kind)} <code>${id}</code></span>`;
    return html`<span>${words(kind)} <button type="button" class="link" title="${id}: show the events" onClick=${() => pick({ [FILTERS[kind]]: id })}>${kind === 'user' ? nameOf(id) : id}</button></span>`;
  };
  return html`<section class="card"><h2 id="alerts" tabindex="-1">Alerts</h2>
    <p class="soft">An alert opens when events reach the threshold of a detection rule. It clears by itself after a time
      without further events, for example five minutes.</p>
    <form class="filters" onSubmit=${(event) => event.preventDefault()}>
      <${Field} label="State" name="alert-state" as="select" value=${state} onChange=${(event) => setState(event.target.value)}>
        <option value="open">Open</option><option value="cleared">Cleared</option><option value="">All</option><//>
      <button type="button" class="quiet" onClick=${list.reload}>Reload</button></form>
    <div role="status">${cleared.length > 0 && html`<p>Cleared: ${cleared.map(({ rule }) => words(rule)).join(', ')}.
      <button type="button" class="link" onClick=${() => setState('cleared')}>${cleared.length === 1 ? 'It is' : 'They are'} now under Cleared</button></p>`}</div>
    <${Loaded} of=${list}>${(page) => html`<${Table} caption="Alerts" empty=${html`${state ? `No ${state} alerts.` : 'No alerts.'}${HAS_ATTACK_PANEL && html` To raise one, play <${Link} to="/attacks#id-walk">an attack that raises an alert<//>.`}`} keys=${page.items.map(({ id }) => id)}
      columns=${['Opened', 'Severity', 'Rule', 'Subject', '>Events', 'Last seen', ...(state === 'open' ? [] : ['Cleared'])]}
      rows=${page.items.map((alert) => [time(alert.opened_at), html`<${Status} name=${alert.severity} />`, words(alert.rule), subject(alert),
        alert.count, time(alert.last_seen_at), ...(state === 'open' ? [] : [alert.cleared_at ? time(alert.cleared_at) : 'Not yet'])])} />
      <${Pager} pages=${pages} list=${list} label="Pages of alerts" />`}<//></section>`;
}
