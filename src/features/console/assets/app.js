/** The page of the console: its header, and the view of the current path. */

import { html, render, useEffect, useState } from './preact.js';
import { Account } from './account.js';
import { Administration, AlertBadge } from './administration.js';
import { read } from './api.js';
import { Customers } from './customers.js';
import { DocumentsView } from './documents.js';
import { Editor } from './editor.js';
import { Invoice } from './invoice.js';
import { Invoices } from './invoices.js';
import { useLiveState } from './live.js';
import { Confirm, Reset } from './mail_links.js';
import { Link, go, mayLeave, usePath } from './router.js';
import * as session from './session.js';
import { Register, SignIn } from './sign_in.js';
import { HAS_ATTACK_PANEL, Heading, IS_DEVELOPMENT, Toasts, say } from './ui.js';

const ID = '([0-9a-f-]{36})';
const root = document.getElementById('app');

/** The views that need a signed-in user: path, label in the menu, component. */
const VIEWS = [
  [/^\/(?:invoices)?$/, Invoices, '/invoices', 'Invoices'],
  [/^\/invoices\/new$/, Editor],
  [new RegExp(`^/invoices/${ID}$`), Invoice],
  [new RegExp(`^/invoices/${ID}/edit$`), Editor],
  [/^\/customers$/, Customers, '/customers', 'Customers'],
  [/^\/documents$/, DocumentsView, '/documents', 'Documents'],
  [/^\/account$/, Account, '/account', 'Account'],
  [/^\/admin$/, Administration, '/admin', 'Administration'],
  ...(HAS_ATTACK_PANEL ? [[/^\/attacks$/, AttackPanel, '/attacks', 'Attacks']] : []),
];
/** The views that only administrators see in the menu. */
const FOR_ADMINISTRATORS = ['/admin', '/attacks'];

function useSession() {
  const [state, setState] = useState({ phase: 'loading', me: null, isAdmin: false });
  const load = async () => {
    const user = session.user?.id;
    if (!user) return setState({ phase: 'ready', me: null, isAdmin: false });
    const me = await read('me').catch(() => ({ display_name: 'You' }));
    // Here the role only determines the menu. The service checks the role at each request.
    if (session.user?.id === user) setState({ phase: 'ready', me, isAdmin: me.role === 'admin' });
  };
  /** Continues the login session of an earlier visit, if there is one. The listener `load` then reads the user. */
  const start = async () => {
    setState((old) => ({ ...old, phase: 'loading' }));
    const phase = await session.resume().then(() => 'ready', () => 'unreachable');
    if (!session.user) setState({ phase, me: null, isAdmin: false });
  };
  useEffect(() => {
    const stop = session.onChange(load);
    start();
    return stop;
  }, []);
  return { ...state, start };
}

/** The view if the service cannot be reached. It has no sign-in form, because the session may still be valid. */
function Unreachable({ start }) {
  return html`<${Heading}>The service cannot be reached<//>
    <p>You may still be signed in. Try again in a minute.</p><p><button type="button" onClick=${start}>Try again</button></p>`;
}

function Online() {
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const listener = () => setOnline(navigator.onLine);
    for (const event of ['online', 'offline']) addEventListener(event, listener);
    return () => { for (const event of ['online', 'offline']) removeEventListener(event, listener); };
  }, []);
  return !online && html`<p class="banner" role="alert">You are offline. Changes cannot be saved.</p>`;
}

/** The attack panel. Its script is loaded only when a user opens the panel, because few users open it. */
function AttackPanel({ me }) {
  const [Attacks, setAttacks] = useState(null);
  useEffect(() => { import('./attacks/attacks.js').then((module) => setAttacks(() => module.Attacks)); }, []);
  return Attacks ? html`<${Attacks} me=${me} />` : html`<p class="soft" role="status">Loading …</p>`;
}

function Live() {
  const state = useLiveState();
  const texts = { live: 'Live: changes appear at once', connecting: 'Connecting …', off: 'Not live: reload to see changes' };
  return html`<span class="dot ${state}" title=${texts[state]}><span class="hidden">${texts[state]}</span></span>`;
}

function App() {
  const path = usePath();
  const { phase, me, isAdmin, start } = useSession();
  return html`<a class="skip" href="#main">Skip to content</a>
    <header><${Link} to="/" class="brand">Strongroom<//>
      ${me && html`<nav aria-label="Views">${VIEWS.filter(([, , to, label]) => label && (!FOR_ADMINISTRATORS.includes(to) || isAdmin)).map(([pattern, , to, label]) =>
        html`<${Link} to=${to} aria-current=${pattern.test(path) || path.startsWith(`${to}/`) ? 'page' : undefined}>${label}${to === '/admin' && html`<${AlertBadge} />`}<//>`)}${IS_DEVELOPMENT && html`<a href="/docs">API</a>`}</nav>`}
      <div class="actions">${me && html`<${Live} /><span class="soft who" title=${me.display_name}>${me.display_name}</span>
        <button type="button" class="quiet" onClick=${() => mayLeave() && session.signOut().then(() => go('/'), () => say('You are still signed in: the service cannot be reached. Try again.'))}>Sign out</button>`}</div>
    </header>
    <${Online} />
    <main id="main">${phase === 'ready' && html`<${View} path=${path} me=${me} />`}
      ${phase === 'loading' && html`<p class="soft" role="status">Loading …</p>`}
      ${phase === 'unreachable' && html`<${Unreachable} start=${start} />`}</main>
    <${Toasts} />`;
}

function View({ path, me }) {
  if (path === '/register') return html`<${Register} />`;
  for (const [pattern, Component] of VIEWS) {
    const found = pattern.exec(path);
    if (found) return me ? html`<${Component} id=${found[1]} me=${me} key=${`${session.user?.id} ${path}`} />` : html`<${SignIn} next=${path} />`;
  }
  return html`<${Heading}>Not found<//><p>There is no such page. <${Link} to="/">Go to your invoices<//></p>`;
}

/**
 * A view that a mail links to. Its links to other views load a new page, because the page of a mail link does not state
 * whether the browser may have a login session.
 */
function MailLink({ View: Shown }) {
  return html`<a class="skip" href="#main">Skip to content</a>
    <header><a href="/" class="brand">Strongroom</a></header>
    <${Online} />
    <main id="main"><${Shown} /></main>`;
}

// Remove the text that the page shows until this script is loaded.
root.replaceChildren();
const linked = { '/confirm': Confirm, '/reset': Reset }[location.pathname];
render(linked ? html`<${MailLink} View=${linked} />` : html`<${App} />`, root);
