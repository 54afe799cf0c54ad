/** Requests to the public API. The console has no other interface to the service. */

import * as session from './session.js';

const BASE = '/api/v1/';

/** A refusal of the API: an RFC 9457 problem document. */
export class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body.title);
    this.status = status;
    this.code = body.code;
    this.errors = body.errors ?? [];
    this.requestId = body.request_id;
    this.challenge = body.challenge;
    this.retryAfter = retryAfter;
  }
}

/** The problem for a request that got no response. */
export function unreachable() {
  const title = navigator.onLine ? 'The service cannot be reached. Try again in a minute' : 'You are offline';
  return new Problem(0, { title, code: 'unreachable' });
}

/** Returns the problem of an error response. The status 0 means that no response has arrived. */
async function problemOf(reply) {
  if (reply.status === 0) return unreachable();
  const body = await reply.json().catch(() => ({ title: `The service returned ${reply.status}`, code: 'unknown' }));
  return new Problem(reply.status, body, Number(reply.headers.get('Retry-After')) || undefined);
}

/** Throws an error response as a problem, and any other error unchanged. */
export async function refused(reply) {
  throw reply instanceof Response ? await problemOf(reply) : reply;
}

/** Waits for a response or its body. If the connection breaks, throws a problem. */
function received(promise) {
  return promise.catch(() => { throw unreachable(); });
}

/** Returns the headers that authenticate a request of `user`. Throws if another user has signed in, in any tab. */
async function authorizationOf(user) {
  const headers = await session.authorization();
  if (session.user?.id === user) return headers;
  throw new Problem(0, { title: 'The signed-in user has changed. Nothing is sent', code: 'user_changed' });
}

/**
 * Sends a request, and returns the response. Throws a [`Problem`]. If the token has expired, renews the token and sends
 * the request once more, unless the signed-in user has changed.
 */
export async function request(method, path, { body, headers } = {}) {
  const user = session.user?.id;
  const json = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const text = body === undefined ? undefined : JSON.stringify(body);
  const send = (authorization) =>
    received(fetch(BASE + path, { method, headers: { ...json, ...headers, ...authorization }, body: text, cache: 'no-store' }));
  const authorization = await authorizationOf(user);
  const reply = await send(authorization);
  if (reply.ok) return reply;
  const problem = await problemOf(reply);
  // A request with a wrong password also returns 401. Do not repeat it: it would count as a second failed login.
  if (problem.code !== 'unauthenticated' || !(await session.renew(authorization).catch(refused))) throw problem;
  const again = await send(await authorizationOf(user));
  if (!again.ok) throw await problemOf(again);
  return again;
}

/** Reads an object, or a page of a list. Adds the `ETag` to an object, because a change must send the `ETag` back. */
export async function read(path) {
  const reply = await request('GET', path);
  const object = await received(reply.json());
  const etag = reply.headers.get('ETag');
  return etag ? { ...object, etag } : object;
}

/** Returns a path with the filled fields of `query`. */
export function withQuery(path, query) {
  const filled = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return filled.length ? `${path}?${new URLSearchParams(filled)}` : path;
}

/** Creates an object. With an idempotency key, a repeated request returns the first response. */
export async function create(path, body, key) {
  const reply = await request('POST', path, { body, headers: key ? { 'Idempotency-Key': key } : {} });
  const etag = reply.headers.get('ETag');
  return { ...(await received(reply.json())), etag };
}

/** Changes an object if its version is still the version in `etag`. */
export async function change(method, path, etag, body) {
  const reply = await request(method, path, { body, headers: etag ? { 'If-Match': etag } : {} });
  if (reply.status === 204) return null;
  return { ...(await received(reply.json())), etag: reply.headers.get('ETag') };
}

/** Saves a file of the API on the user's disk. Reports the received bytes, because an export can take long. */
export async function download(path, name, progress = () => {}) {
  const reply = await request('GET', path);
  const parts = [], reader = reply.body.getReader();
  const next = () => received(reader.read());
  let bytes = 0;
  for (let part = await next(); !part.done; part = await next()) {
    parts.push(part.value);
    bytes += part.value.length;
    progress(bytes);
  }
  const url = URL.createObjectURL(new Blob(parts, { type: reply.headers.get('Content-Type') }));
  Object.assign(document.createElement('a'), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Uploads a form and reports the sent share from 0 to 1, which `fetch` cannot report. */
export async function upload(path, form, progress) {
  const headers = await authorizationOf(session.user?.id);
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open('POST', BASE + path);
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    xhr.onerror = () => reject(unreachable());
    xhr.onload = () => {
      if (xhr.status === 201) return resolve(JSON.parse(xhr.responseText));
      let body = { title: `The service returned ${xhr.status}`, code: 'unknown' };
      try { body = JSON.parse(xhr.responseText); } catch { /* not a problem document */ }
      reject(new Problem(xhr.status, body, Number(xhr.getResponseHeader('Retry-After')) || undefined));
    };
    xhr.send(form);
  });
}
