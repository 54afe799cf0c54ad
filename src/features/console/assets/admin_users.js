/** Users: lock, status and sessions. */

import { html, useEffect, useRef, useState } from './preact.js';
import { read, request, withQuery } from './api.js';
import { time, words } from './format.js';
import * as session from './session.js';
import { Confirm, Field, HAS_ATTACK_PANEL, Loaded, Pager, Refusal, Status, Table, say, useAction, useData, usePages, useTyping } from './ui.js';

/** The maximum number of pages of users that `useNames` reads, the newest users first. */
const NAME_PAGES = 3;

/**
 * Returns a function from a user id to a short text that identifies the user: the address, or else the end of the id.
 * Events and alerts contain only the id, so the hook reads the list of users. It does not read single users, because
 * the service would record a denied access for each deleted user.
 */
export function useNames(ids) {
  const [names, setNames] = useState(new Map());
  const newest = useRef(0);
  const missing = ids.filter((id) => id && !names.has(id)).join();
  useEffect(() => {
    if (!missing) return;
    const mine = (newest.current += 1);
    readNames(missing.split(',')).then((found) => mine === newest.current && setNames((old) => new Map([...old, ...found])), () => {});
  }, [missing]);
  return (id) => names.get(id) ?? shortId(id);
}

async function readNames(ids) {
  const found = new Map(ids.map((id) => [id, shortId(id)]));
  let cursor;
  for (let n = 0; n < NAME_PAGES && cursor !== null; n++) {
    const page = await read(withQuery('admin/users', { limit: 100, cursor }));
    for (const { id, email } of page.items) if (found.has(id)) found.set(id, shortEmail(email));
    cursor = [...found].every(([id, name]) => name !== shortId(id)) ? null : page.next_cursor;
  }
  return found;
}

/** Returns the end of an id. The ids of the demo users differ only there. */
function shortId(id) {
  return `…${id.slice(-6)}`;
}

/** Shortens the id in the address of a throw-away account. */
function shortEmail(email) {
  return email.replace(/[0-9a-f]{8}-[0-9a-f-]{15}[0-9a-f]{6}(?=[0-9a-f]{6}@attacks\.invalid$)/, '…');
}

function isThrowAway({ email }) {
  return email.endsWith('@attacks.invalid');
}

/**
 * Reads a page of users, and leaves out throw-away accounts, because the API has no such filter. Skips pages that
 * contain only throw-away accounts.
 */
async function readUsers(query) {
  const page = await read(withQuery('admin/users', { ...query, limit: 50 }));
  const items = page.items.filter((user) => !isThrowAway(user));
  return items.length || !page.next_cursor ? { ...page, items, hidden: page.items.length - items.length } : readUsers({ ...query, cursor: page.next_cursor });
}

export function Users() {
  const [filter, setFilter] = useState({});
  const [hides, setHides] = useState(HAS_ATTACK_PANEL);
  const pages = usePages([filter, hides]);
  const query = { cursor: pages.cursor, ...filter };
  const list = useData(() => (hides ? readUsers(query) : read(withQuery('admin/users', { ...query, limit: 10 }))), [filter, hides, pages.cursor]);
  const search = useTyping((event) => setFilter((old) => ({ ...old, email: event.target.value.trim() })));
  const act = useAction(async (method, path, text) => {
    await request(method, `admin/users/${path}`);
    say(text);
    await list.reload();
  });
  const actions = ({ id, email: address, status, locked }) => html`<div class="actions">
    ${locked && html`<button type="button" class="quiet" onClick=${() => act.run('POST', `${id}/unlock`, `${address} is unlocked.`)}>Unlock</button>`}
    ${id !== session.user?.id && (status === 'disabled'
      ? html`<button type="button" class="quiet" onClick=${() => act.run('POST', `${id}/enable`, `${address} is enabled.`)}>Enable</button>`
      : html`<${Confirm} label="Disable" title="Disable ${address}?" text="All sessions end, and the user can no longer sign in." busy=${act.busy}
          action=${() => act.run('POST', `${id}/disable`, `${address} is disabled.`)} />`)}
    <${Confirm} label="Revoke sessions" title="Revoke all sessions of ${address}?" text="The user must sign in again on every device." busy=${act.busy}
      action=${() => act.run('DELETE', `${id}/sessions`, `The sessions of ${address} are revoked.`)} /></div>`;
  const select = (label, name, values) => html`<${Field} label=${label} name=${name} as="select" onChange=${(event) => setFilter((old) => ({ ...old, [name]: event.target.value }))}>
    <option value="">All</option>${values.map((value) => html`<option value=${value}>${words(value)}</option>`)}<//>`;
  return html`<section class="card"><h2 id="users" tabindex="-1">Users</h2><${Refusal} problem=${act.problem} />
    <form class="filters" onSubmit=${(event) => event.preventDefault()}>
      <${Field} label="Email address" name="user-email" type="search" hint="Any part of it" onInput=${search} />
      ${select('Role', 'role', ['user', 'admin'])}${select('Status', 'status', ['active', 'disabled'])}</form>
    ${HAS_ATTACK_PANEL && html`<label class="show"><input type="checkbox" checked=${hides} onChange=${(event) => setHides(event.target.checked)} />
      Hide the throw-away accounts of the attack panel</label>`}
    <${Loaded} of=${list}>${(page) => html`<${Table} caption="Users" empty=${page.hidden ? 'Only throw-away accounts match.' : 'No user matches.'} keys=${page.items.map(({ id }) => id)} columns=${['Email', 'Name', 'Role', 'Status', 'Session last used', 'Actions']}
      rows=${page.items.map((user) => [html`<span title=${user.email} class=${isThrowAway(user) ? 'throw-away' : ''}>${shortEmail(user.email)}${user.id === session.user?.id && ' (you)'}</span>`, user.display_name, words(user.role),
        html`<${Status} name=${user.locked ? 'locked' : user.status} />`, user.last_active_at ? time(user.last_active_at) : 'No open session', actions(user)])} />
      <${Pager} pages=${pages} list=${list} label="Pages of users" />`}<//></section>`;
}
