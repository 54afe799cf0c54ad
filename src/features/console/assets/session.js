/**
 * The session of the browser. The access token is in memory only: other tabs cannot read it, and it is not on the disk.
 * The refresh token is in a cookie that scripts cannot read (HttpOnly), and only the token routes receive it.
 */

const CSRF = { 'X-Strongroom-Csrf': '1' };
/** The token is renewed this long before it expires, so that no request fails because of it. */
const MARGIN_MS = 60_000;

let token = null;
let expiresAt = 0;
let timer;
const listeners = new Set();
const tabs = new BroadcastChannel('strongroom-session');

/** The id of the signed-in user, or null. */
export let user = null;

/** Calls `listener` when a user signs in or out. Returns a function that stops this. */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function announce() {
  for (const listener of listeners) listener();
}

function claims(jwt) {
  const bytes = Uint8Array.from(atob(jwt.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

function keep(reply) {
  const before = user?.id;
  token = reply.access_token;
  user = { id: claims(token).sub };
  expiresAt = Date.now() + reply.expires_in * 1000;
  clearTimeout(timer);
  timer = setTimeout(() => refresh().catch(() => {}), Math.max(reply.expires_in * 1000 - MARGIN_MS, 1000));
  if (user.id !== before) announce();
}

function forget() {
  clearTimeout(timer);
  const wasSignedIn = token !== null;
  token = user = null;
  if (wasSignedIn) announce();
}

/**
 * Renews the access token. A refresh token is valid once, and a second use after some seconds ends the session. So only
 * one tab at a time uses the cookie (Web Locks). Returns whether a user is signed in.
 */
export async function refresh() {
  return navigator.locks.request('strongroom-refresh', async () => {
    const reply = await fetch('/api/v1/auth/refresh', { method: 'POST', headers: CSRF, cache: 'no-store' });
    const body = await reply.json();
    if (reply.ok) keep(body);
    else if (reply.status === 401) forget();
    return reply.ok;
  });
}

/** Signs in. Throws the response if it is an error. */
export async function signIn(credentials) {
  const reply = await fetch('/api/v1/auth/login', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(credentials),
    cache: 'no-store',
  });
  if (!reply.ok) throw reply;
  keep(await reply.json());
  tabs.postMessage('signed-in');
}

/** Takes the token of a password change, which replaces the session. */
export function replace(reply) {
  keep(reply);
}

/**
 * Signs out in all tabs. The service ends the session even if the access token has expired. Throws if the service
 * cannot end it.
 */
export async function signOut() {
  const headers = token ? { ...CSRF, Authorization: `Bearer ${token}` } : CSRF;
  const reply = await fetch('/api/v1/auth/logout', { method: 'POST', headers, cache: 'no-store' });
  if (!reply.ok && reply.status !== 401) throw reply;
  forget();
  tabs.postMessage('signed-out');
}

/** Returns the headers that authenticate a request, or none. Renews a token that expires soon. */
export async function authorization() {
  if (token && Date.now() > expiresAt - MARGIN_MS / 2) await refresh().catch(() => {});
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** The session has ended: another device revoked it, or the service did. */
export function ended() {
  forget();
}

tabs.onmessage = ({ data }) => {
  if (data === 'signed-out') forget();
  if (data === 'signed-in') refresh().catch(() => {});
};
