/** Live events: a WebSocket that says which objects have changed, in other tabs or by other replicas. */

import { useEffect, useState } from './preact.js';
import { create } from './api.js';
import * as session from './session.js';

const OBJECTS = ['invoices', 'customers', 'documents'];
const RETRY_MS = [1000, 2000, 5000, 15_000, 60_000];

let socket = null;
let tries = 0;
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

async function open() {
  if (socket || !session.user) return;
  setState('connecting');
  let first;
  try {
    first = await ticket();
  } catch {
    return retry();
  }
  socket = new WebSocket(`${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/api/v1/live`);
  const send = (message) => socket?.send(JSON.stringify(message));
  socket.onopen = () => send({ type: 'authenticate', ticket: first });
  socket.onclose = () => {
    socket = null;
    retry();
  };
  socket.onmessage = async ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === 'ready') {
      OBJECTS.forEach((object) => send({ type: 'subscribe', object }));
      if (tries > 0) changed();
      tries = 0;
      setState('live');
    }
    if (message.type === 'event') changed(`${message.object}s`);
    if (message.type === 'resync') changed();
    if (message.type === 'renew_soon') send({ type: 'renew', ticket: await ticket() });
  };
}

function retry() {
  setState('off');
  if (!session.user) return;
  setTimeout(open, RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]);
  tries += 1;
}

session.onChange(() => (session.user ? open() : socket?.close()));

/** Calls `watcher` when one of the user's objects of this kind has changed. */
export function useChanges(kind, watcher) {
  useEffect(() => {
    const entry = [kind, watcher];
    watchers.add(entry);
    return () => watchers.delete(entry);
  });
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
