/** The user's account: profile, business, password, sessions, own security history. */

import { html, useEffect, useRef } from './preact.js';
import { change, read, refused, request, withQuery } from './api.js';
import { time, words } from './format.js';
import * as session from './session.js';
import { Confirm, Field, Heading, Loaded, Pager, Refusal, Table, say, useAction, useData, usePages, useVersion, values } from './ui.js';

export function Account() {
  const sessions = useData(() => read('auth/sessions'), []);
  return html`<${Heading}>Account<//>
    <${Card} title="Profile" path="me" method="PATCH" fields=${[
      { label: 'Name', name: 'display_name', required: true, autocomplete: 'name' },
      { label: 'About you', name: 'bio', as: 'textarea', rows: 3 },
    ]} />
    <${Card} title="Business" path="me/business" method="PUT" note="Printed on your invoices. An issued invoice keeps what it was issued with." fields=${[
      { label: 'Name', name: 'name', required: true, autocomplete: 'organization' },
      { label: 'Address', name: 'address', as: 'textarea', rows: 3 },
      { label: 'Country', name: 'country', maxlength: 2, hint: 'Two letters, for example NL' },
      { label: 'VAT id', name: 'vat_id' },
      { label: 'Registration', name: 'registration' },
      { label: 'IBAN', name: 'iban' },
      { label: 'BIC', name: 'bic' },
      { label: 'Time zone', name: 'time_zone', required: true, hint: 'For example Europe/Amsterdam' },
      { label: 'Payment terms (days)', name: 'payment_terms_days', type: 'number', min: 0 },
    ]} />
    <${Password} changed=${sessions.reload} /><${Sessions} list=${sessions} /><${History} />`;
}

/** A card with the form of one object. */
function Card({ title, path, note, ...rest }) {
  const loaded = useData(() => read(path), [path]);
  return html`<section class="card"><h2>${title}</h2>${note && html`<p class="soft">${note}</p>`}
    <${Loaded} of=${loaded}>${(object) => html`
      <${Form} object=${object} title=${title} path=${path} reload=${loaded.reload} ...${rest} />`}<//></section>`;
}

function Form({ object, title, path, method, fields, reload }) {
  const version = useVersion(path, object);
  const form = useRef();
  // After a save, reset the form to the saved values. Neither create the form again nor disable its button, because the
  // user would lose the focus.
  useEffect(() => form.current.reset(), [object.etag]);
  const save = useAction(async () => {
    const body = values(form.current);
    for (const { name, type } of fields) if (type === 'number' && body[name] !== null) body[name] = Number(body[name]);
    await change(method, path, version.etag, body);
    say(`${title} is saved.`);
    await reload();
  });
  const submit = (event) => {
    event.preventDefault();
    save.run();
  };
  return html`<${Refusal} problem=${save.problem} fields=${fields.map(({ name }) => `/${name}`)} newer=${() => version.load.run(save)} />
    <${Refusal} problem=${version.load.problem} />
    <form ref=${form} onSubmit=${submit}>
      <div class="fields">${fields.map((field) =>
        html`<${Field} ...${field} defaultValue=${object[field.name] ?? ''} saved=${version.saved(field.name)} problem=${save.problem} />`)}</div>
      <button aria-disabled=${save.busy ? 'true' : undefined}>Save</button>
    </form>`;
}

/** Calls `changed` after a password change, because the service has then replaced all login sessions. */
function Password({ changed }) {
  const action = useAction(async (form) => {
    const { current_password, new_password } = Object.fromEntries(new FormData(form));
    await session.changePassword({ current_password, new_password }).catch(refused);
    form.reset();
    say('The password is changed, and all other sessions are revoked.');
    await changed();
  });
  const submit = (event) => {
    event.preventDefault();
    action.run(event.target);
  };
  return html`<section class="card"><h2>Password</h2>
    <${Refusal} problem=${action.problem} fields=${['/current_password', '/new_password']} />
    <form onSubmit=${submit}>
      <${Field} label="Current password" name="current_password" type="password" autocomplete="current-password" required problem=${action.problem} />
      <${Field} label="New password" name="new_password" type="password" autocomplete="new-password" required problem=${action.problem}
        hint="12 to 64 characters. Several words are easy to remember and hard to guess." />
      <button disabled=${action.busy}>Change password</button>
    </form></section>`;
}

/** The texts by which a `User-Agent` names browsers and systems. The first match counts: Edge also names Chrome. */
const BROWSERS = { Edg: 'Edge', OPR: 'Opera', Firefox: 'Firefox', Chrome: 'Chrome', Safari: 'Safari' };
const SYSTEMS = { Android: 'Android', iPhone: 'iPhone', iPad: 'iPad', Windows: 'Windows', 'Mac OS X': 'macOS', Linux: 'Linux' };

/** Returns browser and system of a client, or else the text that the client sent. */
function clientName(agent) {
  const find = (names) => names[Object.keys(names).find((text) => agent.includes(text))];
  const browser = find(BROWSERS), system = find(SYSTEMS);
  return browser && system ? `${browser} on ${system}` : agent;
}

function Sessions({ list }) {
  const revoke = useAction(async (id) => {
    await request('DELETE', `auth/sessions/${id}`);
    say('The session is revoked.');
    await list.reload();
  });
  const revokeAll = useAction(async () => {
    await request('DELETE', 'auth/sessions');
    session.leave();
  });
  return html`<section class="card"><h2>Sessions</h2>
    <${Refusal} problem=${revoke.problem ?? revokeAll.problem} />
    <${Loaded} of=${list}>${({ items }) => html`<${Table} caption="Sessions" empty="No sessions." keys=${items.map(({ id }) => id)} columns=${['Client', 'Address', 'Began', 'Last used', 'Actions']}
      rows=${items.map((item) => [html`<span title=${item.client}>${clientName(item.client)}</span>`, item.address, time(item.created_at), time(item.last_used_at), item.current
        ? 'This session'
        : html`<button type="button" class="quiet" disabled=${revoke.busy} onClick=${() => revoke.run(item.id)}>Revoke</button>`])} />`}<//>
    <div class="actions"><${Confirm} label="Revoke all" title="Revoke all sessions?" busy=${revokeAll.busy} action=${() => revokeAll.run()}
      text="You are signed out here too. Devices that you used before are no longer known." /></div>
    <h3>Known devices</h3>
    <p class="soft">A browser in which you have signed in is a known device. If an attacker tries too many passwords, your account is
      locked for a time, but you can still sign in on known devices. The service stores no list of known devices. To forget them all, revoke
      all sessions.</p></section>`;
}

function History() {
  const pages = usePages([]);
  const list = useData(() => read(withQuery('me/security-events', { limit: 10, cursor: pages.cursor })), [pages.cursor]);
  return html`<section class="card"><h2>Security history</h2>
    <${Loaded} of=${list}>${(page) => html`<${Table} caption="Security history" empty="Nothing yet." columns=${['Time', 'Event', 'Address', 'Session']}
      rows=${page.items.map((event) => [time(event.at), words(event.kind.replace('authn_', '')) + (event.reason ? ` (${words(event.reason).toLowerCase()})` : ''),
        event.address ?? '–', event.this_session ? 'This session' : '–'])} /><${Pager} pages=${pages} list=${list} />`}<//></section>`;
}
