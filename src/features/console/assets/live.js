/** Live events: the service names changed objects over a WebSocket, and the views then read these objects again. */

import { useEffect, useState } from './preact.js';
import { create } from './api.js';
import * as session from './session.js';

/** What every user subscribes to. Views for administrators add `alerts`, which the service refuses to other users. */
const OBJECTS = ['invoices', 'customers', 'documents'];
const RETRY_MS = [1000, 2000, 5000, 15_000, 60_000];

/** The number of the newest attempt to connect. Messages and errors of older attempts are ignored. */
let current = 0;
let socket = null;
/** The kinds of objects to which `socket` has subscribed. */
let subscribed = new Set();
let timer;
let failures = 0;
let state = 'off';
const watchers = new Set();
const stateWatchers = new Set();

function setState(next) {
  state = next;
  for (const watcher of stateWatchers) watcher(next);
}

function changed(object) {
  for (const [kind, watcher] of watchers) if (!object || kind === object) watcher();
}

async function ticket() {
  return (await create('live/tickets')).ticket;
}

async function connect() {
  const attempt = (current += 1);
  clearTimeout(timer);
  socket?.close();
  socket = null;
  if (!session.user) return setState('off');
  setState('connecting');
  try {
    const first = await ticket();
    if (attempt === current) open(attempt, first);
  } catch {
    retry(attempt);
  }
}

function open(attempt, first) {
  const mine = new WebSocket(`${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/api/v1/live`);
  socket = mine;
  const send = (message) => mine.send(JSON.stringify(message));
  mine.onopen = () => send({ type: 'authenticate', ticket: first });
  mine.onclose = () => retry(attempt);
  mine.onmessage = ({ data }) => attempt === current && receive(JSON.parse(data), mine, send);
}

function receive(message, from, send) {
  if (message.type === 'ready') {
    subscribed = new Set([...OBJECTS, ...[...watchers].map(([kind]) => kind)]);
    subscribed.forEach((object) => send({ type: 'subscribe', object }));
    failures = 0;
    setState('live');
  }
  // Read the objects again, because they may have changed between the last read and the subscription.
  if (message.type === 'subscribed') changed(message.object);
  if (message.type === 'event') changed(`${message.object}s`);
  if (message.type === 'resync') changed();
  if (message.type === 'renew_soon') renew(Date.parse(message.until), send).catch(() => from.close());
}

/**
 * Keeps the socket authenticated with a new ticket, at most until the access token that requested the ticket expires.
 * So first get a new access token if the current one expires at `until` or earlier.
 */
async function renew(until, send) {
  if (session.validUntil <= until) await session.refresh();
  send({ type: 'renew', ticket: await ticket() });
}

function retry(attempt) {
  if (attempt !== current) return;
  setState('off');
  timer = setTimeout(connect, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
  failures += 1;
}

session.onChange(connect);
addEventListener('online', connect);

/** Calls `watcher` when one of the user's objects of this kind has changed. The kind `alerts` means all alerts. */
export function useChanges(kind, watcher) {
  useEffect(() => {
    const entry = [kind, watcher];
    watchers.add(entry);
    return () => watchers.delete(entry);
  });
  useEffect(() => {
    if (state !== 'live' || subscribed.has(kind)) return;
    subscribed.add(kind);
    socket.send(JSON.stringify({ type: 'subscribe', object: kind }));
  }, [kind]);
}

/** Returns `live`, `connecting` or `off`. */
export function useLiveState() {
  const [shown, setShown] = useState(state);
  useEffect(() => {
    stateWatchers.add(setShown);
    return () => stateWatchers.delete(setShown);
  }, []);
  return shown;
}
