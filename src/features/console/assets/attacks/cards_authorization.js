/** Objects, fields and functions that do not belong to the caller. */

import { allRefused, draft, pause, tellApart } from './cards_common.js';

const BOLA = {
  threat: 'API1:2023 · CWE-639',
  practice: 'Owner-scoped transactions and row-level security (BOLA, IDOR)',
  code: 'src/db/owner_tx.rs',
};
/** The time in which a rule must end a session. It is long, because a busy machine runs background tasks late. */
const SESSION_END_TIMEOUT_MS = 120_000;
const MASS_ASSIGNMENT = {
  threat: 'API3:2023 · CWE-915',
  practice: 'Input validation and mass assignment',
  code: 'src/http/body.rs',
  expect: { status: 400, code: 'invalid_input', event: 'input_validation_fail' },
};

/** Creates an invoice. This shows that the body of the attack is valid except for the part that the attack changes. */
const create = (run, account, purpose = 'comparison') => run.prepare('POST', '/api/v1/invoices', { token: account.token, body: draft(account.customer), purpose });

/** Anna reads a path, which must succeed. Then Ben reads the same path. */
async function readByBoth(run, path) {
  await run.prepare('GET', path, { token: run.anna.token });
  return run.send('GET', path, { token: run.ben.token });
}

/** Requests a ticket, which can authenticate one socket. */
async function ticket(run, account) {
  return (await run.prepare('POST', '/api/v1/live/tickets', { token: account.token, purpose: 'preparation' })).body.ticket;
}

/**
 * Opens a socket and sends one message after each reply. Throws if the socket closes before the last message. The
 * status is the close code, or 101 while the socket is open.
 */
async function talk(run, by, purpose, messages) {
  const exchange = { by, purpose, method: 'WebSocket', path: '/api/v1/live', sent: {}, body: '', status: 0, headers: {}, reply: '', received: [] };
  run.record(exchange);
  const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}${exchange.path}`);
  const left = messages.map((message) => JSON.stringify(message));
  await new Promise((resolve, reject) => {
    const next = () => {
      if (left.length === 0) return resolve();
      exchange.body += `${left[0]}\n`;
      socket.send(left.shift());
    };
    socket.onopen = () => {
      exchange.status = 101;
      next();
    };
    socket.onmessage = ({ data }) => {
      exchange.reply = JSON.parse(data);
      exchange.received.push(data);
      next();
    };
    socket.onclose = ({ code, reason }) => {
      Object.assign(exchange, { status: code, reply: reason });
      if (left.length > 0) return reject(new Error(`the socket was closed with ${code} before the attack`));
      resolve();
    };
  });
  socket.onclose = null;
  run.changed();
  return { socket, replies: exchange.received };
}

/** @type {import('./play.js').Card[]} */
export const CARDS = [
  {
    ...BOLA,
    id: 'foreign-invoice',
    title: 'Read an invoice of another user',
    text: 'IDOR in the path: Ben puts the id of Anna\'s invoice into the URL. The response is the same as for an id that does not exist.',
    test: 'attacks::authorization::object_level::ids_in_paths::foreign_object_returns_404_like_missing_one',
    expect: { status: 404, code: 'not_found', event: 'authz_fail' },
    async play(run) {
      const missing = await run.send('GET', `/api/v1/invoices/${crypto.randomUUID()}`, { token: run.ben.token, purpose: 'comparison' });
      return tellApart(missing, await readByBoth(run, `/api/v1/invoices/${run.anna.invoice}`));
    },
  },
  {
    ...BOLA,
    id: 'foreign-customer-in-body',
    title: 'Write an invoice for another user\'s customer',
    text: 'IDOR in the body: Ben creates an invoice for Anna\'s customer, to read the customer\'s name and address in it.',
    test: 'attacks::authorization::object_level::every_id::foreign_id_in_every_field_is_treated_like_missing_one',
    expect: { status: 400, code: 'invalid_input', event: 'input_validation_fail' },
    async play(run) {
      await create(run, run.ben);
      await run.send('POST', '/api/v1/invoices', { token: run.ben.token, body: draft(run.anna.customer) });
    },
  },
  {
    ...BOLA,
    id: 'foreign-owner-in-query',
    title: 'List the invoices of another user',
    text: 'IDOR in the query: Ben filters by Anna\'s customer and gets an empty list. Then Ben names Anna as the owner.',
    test: 'attacks::authorization::object_level::ids_in_queries::list_refuses_owner_parameters_and_repeated_fields',
    expect: { status: 400, code: 'invalid_input', event: 'input_validation_fail' },
    async play(run) {
      const path = `/api/v1/invoices?customer_id=${run.anna.customer}`;
      const annas = await run.prepare('GET', path, { token: run.anna.token });
      if (annas.body.items.length === 0) throw new Error('Anna has no invoice');
      const list = await run.prepare('GET', path, { token: run.ben.token, purpose: 'attack' });
      if (list.body.items.length > 0) return { held: false, text: 'The list contains invoices of Anna' };
      await run.send('GET', `/api/v1/invoices?owner_id=${run.anna.id}`, { token: run.ben.token });
    },
  },
  {
    id: 'foreign-cursor',
    title: 'Continue the list of another user',
    text: 'Stolen cursor: Anna reads a first page of invoices. The cursor of the next page works for Anna. Ben sends it, too.',
    threat: 'API1:2023 · CWE-345 · CWE-639',
    practice: 'Signed keyset cursors, bound to user, list and filter',
    code: 'src/security/authorization/cursors.rs',
    test: 'attacks::authorization::object_level::ids_in_queries::foreign_or_forged_cursor_is_refused',
    expect: { status: 400, code: 'invalid_input', event: 'input_validation_fail' },
    async play(run) {
      await create(run, run.anna, 'preparation');
      const page = await run.prepare('GET', '/api/v1/invoices?limit=1', { token: run.anna.token, purpose: 'preparation' });
      await readByBoth(run, `/api/v1/invoices?limit=1&cursor=${page.body.next_cursor}`);
    },
  },
  {
    id: 'foreign-idempotency-key',
    title: 'Repeat the request of another user',
    text: 'Idempotency key of another user: Ben sends the same request with the same key as Anna, to get the stored response to Anna\'s request. Ben gets a new customer instead, and cannot read Anna\'s.',
    outcome: 'neutralised',
    threat: 'API1:2023 · CWE-639',
    practice: 'Idempotent POST requests (Idempotency-Key)',
    code: 'src/http/idempotency.rs',
    test: 'features::idempotency::idempotency_key_is_bound_to_body_route_and_owner_for_24_hours',
    expect: { status: 404, code: 'not_found', event: 'authz_fail' },
    async play(run) {
      const request = { headers: { 'Idempotency-Key': crypto.randomUUID() }, body: { name: 'Secret customer', default_currency: 'EUR' } };
      const annas = await run.prepare('POST', '/api/v1/customers', { ...request, token: run.anna.token, purpose: 'preparation' });
      const bens = await run.prepare('POST', '/api/v1/customers', { ...request, token: run.ben.token, purpose: 'attack' });
      if (bens.body.id === annas.body.id) return { held: false, text: 'Ben got the response to Anna\'s request' };
      const { status } = await run.send('GET', `/api/v1/customers/${annas.body.id}`, { token: run.ben.token });
      if (status === 404) return { held: true, text: 'Neutralised: Ben has a customer with another id, and Anna\'s customer is 404' };
    },
  },
  {
    ...BOLA,
    id: 'foreign-subscription',
    title: 'Watch an invoice of another user live',
    text: 'IDOR in a WebSocket: Ben subscribes to the changes of Anna\'s invoice. The reply is the same as for an id that does not exist.',
    code: 'src/features/live/client.rs',
    test: 'attacks::websockets::scope::foreign_object_gets_not_found_like_a_missing_one',
    expect: { status: 101, code: 'not_found', event: 'authz_fail' },
    async play(run) {
      const first = { type: 'authenticate', ticket: await ticket(run, run.ben) };
      const subscribe = (id) => ({ type: 'subscribe', object: 'invoice', id });
      const { socket, replies: [, missing, foreign] } = await talk(run, 'Ben', 'attack', [first, subscribe(crypto.randomUUID()), subscribe(run.anna.invoice)]);
      socket.close();
      if (foreign !== missing) return { held: false, text: 'The two replies differ' };
    },
  },
  {
    id: 'replayed-ticket',
    title: 'Use a WebSocket ticket twice',
    text: 'Replayed ticket: a ticket signs in one WebSocket, once. Anna opens a socket with a ticket. Ben has read the ticket, and opens a second socket with it.',
    threat: 'API2:2023 · CWE-294',
    practice: 'One-time tickets authenticate WebSockets',
    code: 'src/security/sessions/tickets/mod.rs',
    test: 'attacks::websockets::tickets::ticket_opens_only_one_socket',
    expect: { status: 4401, event: 'authn_token_reuse', alert: 'reused_tokens' },
    async play(run) {
      const first = { type: 'authenticate', ticket: await ticket(run, run.anna) };
      const annas = await talk(run, 'Anna', 'comparison', [first]);
      if (!annas.replies[0]?.includes('ready')) throw new Error('Anna could not open a socket');
      await talk(run, 'Ben, with Anna\'s ticket', 'attack', [first]);
      annas.socket.close();
    },
  },
  {
    id: 'foreign-ticket',
    title: 'Renew a socket with another user\'s ticket',
    text: 'Session mix-up: Ben renews an open socket with a ticket of Anna, to receive Anna\'s events.',
    threat: 'API2:2023 · CWE-287',
    practice: 'One-time tickets authenticate WebSockets',
    code: 'src/security/sessions/tickets/mod.rs',
    test: 'attacks::websockets::scope::ticket_of_another_session_cannot_renew',
    expect: { status: 4401, event: 'authz_fail' },
    async play(run) {
      const first = { type: 'authenticate', ticket: await ticket(run, run.ben) };
      await talk(run, 'Ben', 'attack', [first, { type: 'renew', ticket: await ticket(run, run.anna) }]);
    },
  },
  {
    ...MASS_ASSIGNMENT,
    id: 'mass-assignment-role',
    title: 'Make yourself an administrator',
    text: 'Mass assignment: Ben adds the field "role" to a change of the profile.',
    test: 'attacks::authorization::mass_assignment::role_cannot_be_set_at_registration_or_update',
    async play(run) {
      const token = run.ben.token, body = { display_name: 'Benjamin' };
      const { headers } = await run.prepare('PATCH', '/api/v1/me', { token, headers: { 'If-Match': '"1"' }, body });
      await run.send('PATCH', '/api/v1/me', { token, headers: { 'If-Match': headers.etag }, body: { ...body, role: 'admin' } });
    },
  },
  {
    ...MASS_ASSIGNMENT,
    id: 'mass-assignment-invoice',
    title: 'Set the fields that the server computes',
    text: 'Mass assignment: Ben adds to a new invoice the owner Anna, then the status "paid", then a total of 0.',
    test: 'attacks::authorization::mass_assignment::server_owned_field_is_refused_in_every_body',
    async play(run) {
      const replies = [];
      await create(run, run.ben);
      for (const field of [{ owner_id: run.anna.id }, { status: 'paid' }, { total: 0 }]) {
        replies.push(await run.send('POST', '/api/v1/invoices', { token: run.ben.token, body: { ...draft(run.ben.customer), ...field } }));
      }
      return allRefused(replies, 400, 'invalid_input');
    },
  },
  {
    id: 'admin-function',
    title: 'Call a function of administrators',
    text: 'Broken function-level authorization: Ben is no administrator, but tries to list all users and to disable Anna.',
    threat: 'API5:2023 · CWE-285',
    practice: 'Function-level authorization: administrators only',
    code: 'src/security/authorization/administrators/mod.rs',
    test: 'attacks::authorization::function_level::walls::admin_functions_return_403_to_all_other_users',
    expect: { status: 403, code: 'forbidden', event: 'authz_fail' },
    async play(run) {
      const list = await run.send('GET', '/api/v1/admin/users', { token: run.ben.token });
      const disable = await run.send('POST', `/api/v1/admin/users/${run.anna.id}/disable`, { token: run.ben.token });
      return allRefused([list, disable], 403, 'forbidden');
    },
  },
  {
    id: 'id-walk',
    title: 'Try ids until the session ends',
    text: 'Id enumeration: Ben requests objects of Anna again and again. After about 30 denied requests, a detection rule ends Ben\'s session and raises an alert.',
    threat: 'API1:2023 · CWE-799',
    practice: 'Detection rules: counting events to find brute force, password spraying and id enumeration',
    code: 'src/security/detection/rules/table.rs',
    test: 'attacks::detection::rules::probing_session_is_ended_and_others_are_not',
    expect: { status: 401, code: 'unauthenticated', event: 'session_ended', alert: 'probing_session' },
    async play(run) {
      const paths = [`invoices/${run.anna.invoice}`, `customers/${run.anna.customer}`, `documents/${run.anna.document}`];
      const start = performance.now(), elapsed = () => performance.now() - start;
      for (let n = 0; elapsed() < SESSION_END_TIMEOUT_MS; n += 1) {
        const { status } = await run.send('GET', `/api/v1/${paths[n % paths.length]}`, { token: run.ben.token });
        if (status === 401) return run.note(`The session ended after ${n} denied requests.`);
        if (status !== 404) return;
        run.showProgress(`${n + 1} denied requests, waiting for the end of the session (${Math.round(elapsed() / 1000)} s)`);
        // A background task counts the denied requests. On a slow machine, the task is late, and further requests would
        // delay it even more. So wait longer after 40 requests.
        await pause(n < 40 ? 25 : 1000);
      }
    },
  },
];
