/** Bodies that are too large or malformed, and input that the service does not expect. */

import { tellApart } from './cards_common.js';

const INVALID = { status: 400, code: 'invalid_input', event: 'input_validation_fail' };
const BODY = {
  practice: 'Input validation and mass assignment',
  code: 'src/http/body.rs',
};
const MIB = 2 ** 20;

/** @type {import('./play.js').Card[]} */
export const CARDS = [
  {
    id: 'huge-body',
    title: 'Send a body of 200 MB',
    text: 'Resource exhaustion: Ben sends an invoice of 200 MB, and the service refuses it before it reads the body. Some browsers show only the closed connection.',
    threat: 'API4:2023 · CWE-770',
    practice: 'Request body limits: size and time per route',
    code: 'src/security/limits/body_limits.rs',
    test: 'attacks::limits::body_limits::oversized_content_length_is_refused_before_the_body_is_read',
    expect: { status: 413, code: 'payload_too_large', event: 'input_validation_fail' },
    async play(run) {
      const part = new Blob([new Uint8Array(MIB)]);
      const body = new Blob(Array(200).fill(part), { type: 'application/json' });
      const { status } = await run.send('POST', '/api/v1/invoices', { token: run.ben.token, body });
      if (status === 0) return { held: true, text: 'The service closed the connection before the end of the body' };
    },
  },
  {
    id: 'deep-json',
    title: 'Send deeply nested JSON',
    text: 'Stack exhaustion: 5,000 nested arrays crash a recursive parser that has no limit. The service expects an object, so it stops at the first bracket.',
    threat: 'API4:2023 · CWE-674',
    ...BODY,
    test: 'attacks::authorization::mass_assignment::body_that_is_not_an_object_is_refused',
    expect: INVALID,
    async play(run) {
      await run.send('POST', '/api/v1/customers', { token: run.ben.token, body: '['.repeat(5000) + ']'.repeat(5000) });
    },
  },
  {
    id: 'unknown-field',
    title: 'Send a field that does not exist',
    text: 'Unknown field: Ben sends a field that the API does not have. The service refuses the body and names the field. So a client notices a misspelt field, too.',
    threat: 'API3:2023 · CWE-20',
    ...BODY,
    test: 'attacks::authorization::mass_assignment::server_owned_field_is_refused_in_every_body',
    expect: INVALID,
    async play(run) {
      const token = run.ben.token, body = { name: 'Acme', default_currency: 'EUR' };
      await run.prepare('POST', '/api/v1/customers', { token, body });
      await run.send('POST', '/api/v1/customers', { token, body: { ...body, is_vip: true } });
    },
  },
  {
    id: 'duplicate-key',
    title: 'Send a field twice',
    text: 'Parser differential: the body contains "name" twice. A gateway may check the first one, and the service behind it store the last.',
    threat: 'API3:2023 · CWE-436',
    ...BODY,
    test: 'attacks::authorization::mass_assignment::duplicate_key_is_refused_in_every_body',
    expect: INVALID,
    async play(run) {
      const token = run.ben.token;
      await run.prepare('POST', '/api/v1/customers', { token, body: '{"name": "Harmless", "default_currency": "EUR"}' });
      await run.send('POST', '/api/v1/customers', { token, body: '{"name": "Harmless", "default_currency": "EUR", "name": "Evil"}' });
    },
  },
  {
    id: 'sql-injection',
    title: 'Put SQL into an id',
    text: 'SQL injection: Ben puts a condition that is always true into the id of an invoice. Any text that is no UUID is treated like an id that does not exist, and never reaches the database.',
    threat: 'CWE-89',
    practice: 'Owner-scoped transactions and row-level security (BOLA, IDOR)',
    code: 'src/db/owner_tx.rs',
    test: 'attacks::authorization::object_level::ids_in_paths::foreign_object_returns_404_like_missing_one',
    expect: { status: 404, code: 'not_found', event: 'authz_fail', reason: 'malformed_id' },
    async play(run) {
      const read = (id, purpose) => run.send('GET', `/api/v1/invoices/${encodeURIComponent(id)}`, { token: run.ben.token, purpose });
      return tellApart(await read(crypto.randomUUID(), 'comparison'), await read("' or '1'='1", 'attack'));
    },
  },
  {
    id: 'ssrf',
    title: 'Add a URL for the service to call',
    text: 'Server-side request forgery (SSRF): Ben adds the URL of a cloud\'s metadata service to the profile. The service refuses the unknown field. No request of this API accepts a URL: only the operator configures the addresses that the service calls.',
    threat: 'API7:2023 · CWE-918',
    ...BODY,
    test: 'attacks::authorization::mass_assignment::server_owned_field_is_refused_in_every_body',
    expect: INVALID,
    async play(run) {
      const token = run.ben.token, body = { display_name: 'Benjamin' };
      const { headers } = await run.prepare('PATCH', '/api/v1/me', { token, headers: { 'If-Match': '"1"' }, body });
      await run.send('PATCH', '/api/v1/me', { token, headers: { 'If-Match': headers.etag }, body: { ...body, webhook_url: 'http://169.254.169.254/latest/meta-data/' } });
      run.note('Not played here: the outbound client (src/security/communication/outbound/mod.rs). With such an address in STRONGROOM_ALERTS_WEBHOOK_URL, the service refuses to start. A public name that resolves to an internal address is not called.');
    },
  },
];
