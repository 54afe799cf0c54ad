/**
 * The login session of the browser. The access token is only in memory, not on disk, and other tabs cannot read it.
 * The refresh token is in a cookie that scripts cannot read (HttpOnly), and only the token routes receive it.
 */

const CSRF = { 'X-Strongroom-Csrf': '1' };
const JSON_BODY = { 'Content-Type': 'application/json' };
/** The token is renewed this long before it expires, so that no request has an expired token. */
const MARGIN_MS = 60_000;
/** The timeout of a request that holds the lock of `withCookie`. It is short, because all tabs wait for this lock. */
const TIMEOUT_MS = 15_000;

/**
 * Whether the browser may have a refresh cookie. Scripts cannot see the cookie, so the service writes into the page
 * whether there may be one. A refresh without a cookie would be refused, and recorded as a security event.
 */
let mayRefresh = document.getElementById('app').dataset.session === 'on';
let token = null;
let expiresAt = 0;
let timer;
/** The refresh that is running, or null. Further calls of `refresh` wait for it and send no second request. */
let running = null;
const listeners = new Set();
const tabs = new BroadcastChannel('strongroom-session');

/** The id of the signed-in user, or null. */
export let user = null;

/** When the access token expires, by the clock of the service: milliseconds since 1970. */
export let validUntil = 0;

/** Calls `listener` when a user signs in or out. Returns a function that removes the listener. */
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
  const { sub, exp } = claims(reply.access_token);
  token = reply.access_token;
  user = { id: sub };
  validUntil = exp * 1000;
  expiresAt = Date.now() + reply.expires_in * 1000;
  mayRefresh = true;
  clearTimeout(timer);
  timer = setTimeout(() => refresh().catch(() => {}), Math.max(reply.expires_in * 1000 - MARGIN_MS, 1000));
  if (user.id !== before) announce();
}

function forget() {
  clearTimeout(timer);
  mayRefresh = false;
  const wasSignedIn = token !== null;
  token = user = null;
  if (wasSignedIn) announce();
}

/**
 * Runs a request that uses or replaces the refresh cookie. All tabs together run only one such request at a time (Web
 * Locks), because a refresh token is valid once. A second use after some seconds ends the session.
 */
function withCookie(work) {
  return navigator.locks.request('strongroom-refresh', work);
}

/** Sends a request. If no response arrives, returns a response with status 0. */
function post(path, headers, body) {
  const options = { method: 'POST', headers, body: body && JSON.stringify(body), cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) };
  return fetch(`/api/v1/${path}`, options).catch(() => Response.error());
}

/**
 * Renews the access token. Returns whether a user is signed in. Throws the response if the service cannot be reached,
 * fails, or refuses the request because of a rate limit: the user may then still be signed in.
 */
export function refresh() {
  return (running ??= withCookie(rotate).finally(() => { running = null; }));
}

async function rotate() {
  // Another tab may have ended the session while this tab waited for the lock.
  if (!mayRefresh) {
    forget();
    return false;
  }
  const reply = await post('auth/refresh', CSRF);
  if (reply.status === 0 || reply.status === 429 || reply.status >= 500) throw reply;
  if (reply.ok) keep(await reply.json());
  else if (reply.status === 401) forget();
  return reply.ok;
}

/**
 * Renews the token if it is still the token in `headers`, which the service has refused. Returns and throws the same as
 * `refresh`.
 */
export async function renew(headers) {
  return token && headers.Authorization !== bearer().Authorization ? true : refresh();
}

/** Continues the session of an earlier visit, if there is one. Throws what `refresh` throws. */
export async function resume() {
  if (mayRefresh) await refresh();
}

/** Signs in. Throws the response if it is an error. */
export async function signIn(credentials) {
  await replaceSession('auth/login', JSON_BODY, credentials);
}

/** Returns the demo users with their passwords. Only in development. */
export async function demoUsers() {
  const reply = await fetch('/dev/demo-users', { method: 'POST', headers: CSRF, cache: 'no-store' });
  return reply.ok ? (await reply.json()).items : [];
}

/** Changes the password. The service replaces the session. Throws the response if it is an error. */
export async function changePassword(body) {
  await replaceSession('me/password', { ...JSON_BODY, ...(await authorization()) }, body);
}

async function replaceSession(path, headers, body) {
  await withCookie(async () => {
    const reply = await post(path, headers, body);
    if (!reply.ok) throw reply;
    keep(await reply.json());
  });
  tabs.postMessage('signed-in');
}

/**
 * Signs out in all tabs. The service ends the session even if the access token has expired. Throws if the service
 * cannot end it.
 */
export async function signOut() {
  await withCookie(async () => {
    const reply = await post('auth/logout', { ...CSRF, ...bearer() });
    if (!reply.ok && reply.status !== 401) throw reply;
  });
  leave();
}

/** Forgets the session in all tabs. The service has already ended it. */
export function leave() {
  forget();
  tabs.postMessage('signed-out');
}

/** Returns the headers that authenticate a request, or none. Renews a token that expires soon. */
export async function authorization() {
  if (token && Date.now() > expiresAt - MARGIN_MS / 2) await refresh().catch(() => {});
  return bearer();
}

function bearer() {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

tabs.onmessage = ({ data }) => {
  if (data === 'signed-out') forget();
  if (data !== 'signed-in') return;
  mayRefresh = true;
  refresh().catch(() => {});
};
