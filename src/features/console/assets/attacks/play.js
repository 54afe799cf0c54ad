/**
 * Runs the cards of the attack panel. Each run has two new throw-away accounts: Ben is the attacker, and Anna is the
 * victim. Each group of cards is a file that exports `CARDS`.
 *
 * @typedef {object} Card
 * @property {string} id A short name, unique in the panel: `foreign-invoice`.
 * @property {string} title What the attacker does.
 * @property {string} threat Its OWASP or CWE id: `API1:2023`, `CWE-347`.
 * @property {string} text What the attack is, in one or two sentences.
 * @property {string} practice The name of the control in the index (docs/practices): `Object-level authorization`.
 * @property {string} code The file with the control: `src/security/authorization/mod.rs`.
 * @property {string} test The attack test: `attacks::authorization::ids::NAME`.
 * @property {string[]} [needs] What the card needs and only development has: `tokens` (bad tokens), `reset` (creating
 *   accounts resets the login counters of this browser's address), `page` (the attacker's page). In production, such a
 *   card cannot be played.
 * @property {Expectation} expect How the last attack must end, and which security event must appear.
 * @property {'neutralised'} [outcome] Set if the service answers the attack without harm. By default, the service must
 *   refuse the attack.
 * @property {(run: Run) => Promise<Verdict|void>} play Sends the requests. Returns a verdict if the response to the
 *   last attack does not show whether the attack failed. The event `expect.event` must appear in this case too.
 * @property {(run: Run) => Promise<Verdict>} [verify] Returns the verdict after the event has appeared.
 *
 * @typedef {object} Expectation
 * @property {number} [status] Missing if the browser hides the response. Then only the event decides.
 * @property {string} [code]
 * @property {string} [event] The kind of the event.
 * @property {string|string[]} [reason] The reason of the event, or a list of reasons, of which one must appear. If
 *   several controls return the same response, the reason shows which of them has refused the request.
 * @property {string} [route] The route of the event.
 * @property {string} [alert] The rule of an alert that must be raised about Ben or Anna.
 *
 * @typedef {{held: boolean, text: string}} Verdict
 *
 * @typedef {object} Account
 * @property {string} id
 * @property {string} email
 * @property {string} password
 * @property {string} token The access token of an open session.
 * @property {string} customer Ids of the account's own objects: a customer, a draft invoice, a text document.
 * @property {string} invoice
 * @property {string} document
 *
 * @typedef {object} Exchange
 * @property {string} by Who sends the request: `Ben`, `Anna, not logged in`.
 * @property {'attack'|'comparison'|'preparation'} purpose A comparison shows the response without the attack.
 *   A preparation creates what the attack needs.
 * @property {string} method `WebSocket` for a socket, whose `status` is 101 while it is open, and later the close code.
 * @property {string} path
 * @property {Record<string, string>} sent The request's headers that the card has set.
 * @property {string} body The request's body as text, shortened for display.
 * @property {number} [status] 0 if the connection closed without a response. Missing if the browser hides the
 *   response.
 * @property {Record<string, string>} headers The response's headers, with names in lower case.
 * @property {any} reply The response's body: an object if it is JSON, else a text. For a socket, its last message.
 * @property {string[]} [received] All messages of a socket.
 */

import { create, read } from '../api.js';
import { pause } from './cards_common.js';

const SHOWN = 1200;
/**
 * The pauses before each read of events and alerts. The last pause repeats. A background task stores events, and alerts
 * follow later. So the panel reads both twice, and again while an expected event or alert is missing.
 */
const PAUSES_MS = [600, 1500, 3000];
const EVENT_TIMEOUT_MS = 60_000;

const shorten = (text) => (text.length > SHOWN ? `${text.slice(0, SHOWN)} … (${text.length.toLocaleString('en')} characters)` : text);

function bodyOf(body) {
  if (body === undefined || typeof body === 'string') return body;
  const isData = body instanceof Blob || body instanceof FormData || body instanceof ArrayBuffer || ArrayBuffer.isView(body);
  return isData ? body : JSON.stringify(body);
}

/** Returns bytes as text. Shows a byte that is no printable ASCII character as a dot. */
function printable(bytes) {
  return String.fromCharCode(...bytes).replaceAll(/[^\n\x20-\x7e]/g, '·');
}

/** Returns a field of a form as text: its value, or the name, type and content of its file. */
async function describeField([name, value]) {
  if (typeof value === 'string') return `${name}: ${value}`;
  const start = new Uint8Array(await value.slice(0, SHOWN).arrayBuffer());
  return `Field "${name}": ${value.name}, ${value.type}, ${value.size} bytes\n\n${printable(start)}${value.size > SHOWN ? ' …' : ''}`;
}

async function describe(body) {
  if (typeof body === 'string') return shorten(body);
  if (body instanceof FormData) return (await Promise.all([...body].map(describeField))).join('\n');
  return body ? `${(body.size ?? body.byteLength).toLocaleString('en')} bytes` : '';
}

/** A run of a card: its accounts, requests and results. The card's `play` calls the methods. */
export class Run {
  /**
   * @param accounts The reply of `POST admin/attack-accounts`.
   * @param changed A function that is called after each change, to draw the run again.
   */
  constructor(accounts, changed) {
    /** @type {Account} The attacker. */
    this.ben = accounts.attacker;
    /** @type {Account} The victim. */
    this.anna = accounts.victim;
    const { expired_token: expired, token_without_issuer: missing_issuer } = accounts;
    /** Bad tokens that only the holder of the signing key can make: `{expired, missing_issuer}`. Null in production. */
    this.tokens = expired && { expired, missing_issuer };
    /** The URL of the attacker's page. Null in production. */
    this.page = accounts.attacker_page;
    this.startedAt = accounts.created_at;
    /** @type {Exchange[]} */
    this.exchanges = [];
    this.notes = [];
    this.histograms = [];
    this.changed = changed;
  }

  /**
   * Sends a request and records the exchange. Sends no cookie, so that the login session of the
   * console does not change.
   *
   * - `path`: from the root, `/api/v1/invoices`.
   * - `token`: sent as `Authorization: Bearer`. - `headers`: further headers.
   * - `body`: an object is sent as JSON. A string is sent as it is, as JSON if `headers` has no `Content-Type`. A
   *   `Blob` or `FormData` is sent as it is.
   * - `purpose` of the exchange. - `by`: who sends the request, if the token does not show it.
   *
   * @returns {Promise<{status: number, headers: Record<string, string>, body: any}>}
   */
  async send(method, path, { token, headers = {}, body, purpose = 'attack', by = this.sender(token) } = {}) {
    const content = bodyOf(body);
    const sent = { ...headers };
    if (token) sent.Authorization = `Bearer ${token}`;
    if (typeof content === 'string' && !Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')) sent['Content-Type'] = 'application/json';
    const exchange = { by, purpose, method, path, sent, body: await describe(content), status: 0, headers: {}, reply: '' };
    this.record(exchange);
    try {
      const response = await fetch(path, { method, headers: sent, body: content, credentials: 'omit', cache: 'no-store', redirect: 'manual' });
      exchange.status = response.status;
      exchange.headers = Object.fromEntries(response.headers);
      const text = await response.text();
      exchange.reply = text;
      if (/json/.test(exchange.headers['content-type'])) exchange.reply = JSON.parse(text);
    } catch {
      exchange.reply = exchange.status ? 'The response was cut off.' : 'The service closed the connection.';
    }
    this.changed();
    return { status: exchange.status, headers: exchange.headers, body: exchange.reply };
  }

  /** Returns who sends a request with this token. */
  sender(token) {
    if (token === this.anna.token) return 'Anna';
    if (token === this.ben.token) return 'Ben';
    return token ? 'Ben, with a forged token' : 'Ben, not logged in';
  }

  /** The last exchange that is an attack. The verdict is about it. */
  get attack() {
    return this.exchanges.findLast(({ purpose }) => purpose === 'attack');
  }

  /** Sends a request that must succeed before the attack. Throws if it fails: the attack would prove nothing. */
  async prepare(method, path, options) {
    const reply = await this.send(method, path, { purpose: 'comparison', ...options });
    if (reply.status < 200 || reply.status > 299) throw new Error(`${method} ${path} returned ${reply.status}`);
    return reply;
  }

  /**
   * Opens the attacker's page, which sends the request `attack` (`cors` or `csrf`). The browser hides the response from
   * the console. `exchange`: the method, path and headers of the request, and in `reply` what the page sees. The page
   * closes its own tab. The console cannot close it, because the console's opener policy (COOP) separates the pages.
   */
  visit(attack, exchange) {
    if (!open(`${this.page}#${attack}`)) throw new Error('your browser has blocked the new tab');
    const sent = { Origin: new URL(this.page).origin, ...exchange.sent };
    this.record({ by: 'the page of another origin', purpose: 'attack', body: '', headers: {}, ...exchange, sent });
    this.note('The new tab closes after five seconds. If it stays open, close it.');
  }

  /** Adds an exchange that `send` cannot make, for example of a WebSocket. Call `changed()` when it changes. */
  record(exchange) {
    this.exchanges.push(exchange);
    this.changed();
  }

  /** Adds a sentence to the result, unless the result already contains it. */
  note(text) {
    if (!this.notes.includes(text)) this.notes.push(text);
    this.changed();
  }

  /** Shows what the card is doing or waiting for. */
  showProgress(text) {
    this.progress = text;
    this.changed();
  }

  /** Draws the distribution of durations: `series` is `[{label, values}]` with values in milliseconds. */
  histogram(title, series) {
    this.histograms.push({ title, series });
    this.changed();
  }
}

/** Describes how the service has refused an attack. */
function refusal({ method, status, reply }) {
  if (method !== 'WebSocket') return `Refused: ${status} ${reply.code}`;
  return status === 101 ? `Message refused: ${reply.code}` : `Connection closed: ${status} (not signed in)`;
}

/**
 * Returns the verdict on the last attack: `held` is true if the response has the expected status and code. If the
 * browser hides the response, `held` is also true, because only the event decides (`observe`).
 */
function judge(card, run) {
  const last = run.attack;
  const { status, code } = card.expect;
  if (status === undefined) return { held: true, text: 'Refused: the security event shows it' };
  const got = last && `${last.status || 'no response'} ${last.reply?.code ?? ''}`.trim();
  const held = last !== undefined && last.status === status && (code === undefined || last.reply?.code === code);
  return { held, text: held ? refusal(last) : `Expected ${status} ${code ?? ''}, got ${got ?? 'nothing'}` };
}

/** Returns whether this is the event that the card expects. */
export function isExpected({ expect }, event) {
  return event.kind === expect.event
    && (expect.reason === undefined || [expect.reason].flat().includes(event.reason))
    && (expect.route === undefined || event.route === expect.route);
}

/**
 * Reads the events and open alerts of a run. An event belongs to the run if it names a request or an account of the
 * run. Events of the attacker's page are found by kind and route. An alert belongs to the run if it was raised or seen
 * again since the start, unless it is about a user of another run.
 */
async function traces(card, run) {
  const isOfPage = (event) => card.needs?.includes('page') && isExpected(card, event);
  const users = [run.ben.id, run.anna.id];
  const ids = new Set(run.exchanges.map((exchange) => exchange.headers['x-request-id']).filter(Boolean));
  const [events, alerts] = await Promise.all([
    read(`admin/security-events?limit=100&from=${encodeURIComponent(run.startedAt)}`),
    read('admin/alerts?limit=100&state=open'),
  ]);
  const isOfRun = (event) => ids.has(event.request_id) || users.includes(event.user_id) || isOfPage(event);
  run.events = events.items.filter((event) => isOfRun(event) && event.reason !== 'attack_panel');
  const isOfOther = ({ subject, subject_kind: kind }) => subject && kind === 'user' && !users.includes(subject);
  run.alerts = alerts.items.filter((alert) => Date.parse(alert.last_seen_at) >= Date.parse(run.startedAt) && !isOfOther(alert));
}

/** Names the expected event and alert that have not appeared, or returns an empty text. */
function missing(card, run) {
  const { event, reason, alert } = card.expect;
  const names = [];
  if (event && !run.events?.some((one) => isExpected(card, one))) {
    names.push(`the event ${event}${reason ? ` (${[reason].flat().join(' or ')})` : ''}`);
  }
  // A rule with ten open alerts raises one combined alert for all further users, which has no subject.
  const users = [run.ben.id, run.anna.id, ''];
  if (alert && !run.alerts?.some(({ rule, subject }) => rule === alert && users.includes(subject))) names.push(`the alert ${alert}`);
  return names.join(' and ');
}

/**
 * Runs a card with new accounts. Calls `update(run)` after each change, to draw the run again. Returns the run when the
 * service has answered all requests. `run.verdict` then contains the verdict, unless only the security event can show
 * it. The next card can then start. `observe` ends the run.
 */
export async function play(card, update) {
  const run = new Run(await create('admin/attack-accounts'), () => update(run));
  if (card.needs && !run.tokens) return run;
  try {
    run.answer = (await card.play(run)) ?? judge(card, run);
  } catch (error) {
    run.answer = { held: false, text: `The attack could not be played: ${error.message}` };
  }
  if (card.expect.status !== undefined) run.verdict = run.answer;
  update(run);
  // The attack has filled the login counters of this address. The creation of accounts resets them.
  if (card.needs?.includes('reset')) await create('admin/attack-accounts').catch(() => {});
  return run;
}

/**
 * Reads the security events and alerts of a run. At the end, `run.verdict` contains the final verdict, and `run.done`
 * is true. If the expected event or alert does not appear in time, the attack has not ended as expected.
 */
export async function observe(card, run) {
  const verdict = run.answer;
  const start = performance.now(), elapsed = () => performance.now() - start;
  const isLate = () => verdict.held && missing(card, run) && elapsed() < EVENT_TIMEOUT_MS;
  for (let turn = 0; verdict && (turn < 2 || isLate()); turn += 1) {
    run.showProgress(`Reading ${missing(card, run) || 'security events'} (${Math.round(elapsed() / 1000)} s)`);
    await pause(PAUSES_MS[Math.min(turn, PAUSES_MS.length - 1)]);
    await traces(card, run).catch((error) => run.note(`The security events could not be read: ${error.message}.`));
  }
  run.verdict = verdict;
  if (verdict && missing(card, run)) {
    const text = `Not recorded: ${missing(card, run)}`;
    run.verdict = { held: false, text: verdict.held ? text : `${verdict.text}. ${text}` };
  } else if (verdict?.held && card.verify) {
    run.verdict = await card.verify(run);
  }
  run.done = true;
  run.changed();
}
