/** The attack panel: an administrator runs attacks with throw-away accounts, and sees the responses of the service. */

import { html, useEffect, useRef, useState } from '../preact.js';
import { words } from '../format.js';
import { Link } from '../router.js';
import * as session from '../session.js';
import { Heading, Status, Table } from '../ui.js';
import { CARDS as AUTHORIZATION } from './cards_authorization.js';
import { CARDS as BROWSER } from './cards_browser.js';
import { CARDS as FILES } from './cards_files.js';
import { CARDS as INPUT } from './cards_input.js';
import { CARDS as LOGIN } from './cards_login.js';
import { CARDS as TOKENS } from './cards_tokens.js';
import { decode } from './cards_common.js';
import { isExpected, observe, play } from './play.js';

/** The cards by subject. */
const SUBJECTS = [
  ['Access tokens', TOKENS],
  ['Objects, fields and functions of others', AUTHORIZATION],
  ['Passwords and logins', LOGIN],
  ['Input', INPUT],
  ['Files', FILES],
  ['Other sites', BROWSER],
];
const ALL = SUBJECTS.flatMap(([, cards]) => cards);
/** The ids of three short attacks for a user who is new here. The last one raises an alert. */
const FIRST = ['token-without-signature', 'foreign-invoice', 'id-walk'];
/** Returns the id of the heading of a subject. */
const anchor = (subject) => subject.toLowerCase().replaceAll(/\W+/g, '-');
/** The cards that open a new tab. The user runs each of them alone: a browser allows one new tab for each click. */
const ALONE = ALL.filter((card) => card.needs?.includes('page'));
const TOGETHER = ALL.filter((card) => !ALONE.includes(card));
/** How many attacks and comparisons before the last attack are shown with a folded response. */
const SHOWN = 2;
const PURPOSES = { attack: 'Attack', comparison: 'Comparison', preparation: 'Preparation' };

/** The possible results of an attack. */
const OUTCOMES = { refused: 'Refused', neutralised: 'Neutralised', failed: 'Not as expected' };

/** Sentences for recorded reasons whose names alone do not explain the refusal. */
const REASONS = {
  algorithm: 'The algorithm of the token is not the pinned one.',
  signature: 'The signature of the token is not valid.',
  issuer: 'The token does not name the expected issuer.',
  expired: 'The token has expired.',
  abuse_detected: 'A detection rule counted too many denied requests, so the service has ended the session.',
  malformed_id: 'The id is malformed, so the service treats it like an id that does not exist.',
};

/**
 * The result of each card, the id of the running card, and whether another card follows it. Kept until the user signs
 * out or reloads the page.
 */
let state = { results: {}, playing: null, hasNext: false };
/** The id of the card whose button the user has just clicked. When the card starts, the view scrolls to the card. */
let clicked = null;
const watchers = new Set();

function change(more) {
  state = { ...state, ...more };
  for (const watcher of watchers) watcher(state);
}

/** Counts the sign-ins and sign-outs. */
let changes = 0;
/** Set when the user stops a series of cards. The running card still ends. */
let isStopped = false;

session.onChange(() => {
  changes += 1;
  change({ results: {}, playing: null });
});

/**
 * Runs cards one after the other, also while the user is looking at another view. Stops if the user signs out. Each
 * card has its own accounts. So the user can run another card before the events of the last card have arrived.
 */
async function playCards(cards) {
  const mine = changes;
  const isSame = () => mine === changes;
  isStopped = false;
  for (const card of cards) {
    if (!isSame()) return;
    if (isStopped) return change({ playing: null });
    const keep = (result) => isSame() && change({ results: { ...state.results, [card.id]: result } });
    const hasNext = card !== cards.at(-1);
    const answered = () => isSame() && !hasNext && change({ playing: null });
    change({ playing: card.id, hasNext });
    await play(card, (run) => keep({ run })).finally(answered).then((run) => observe(card, run)).catch((error) => keep({ error }));
  }
}

function useResults() {
  const [shown, setShown] = useState(state);
  useEffect(() => {
    watchers.add(setShown);
    setShown(state);
    return () => watchers.delete(setShown);
  }, []);
  return shown;
}

/** Returns a key of `OUTCOMES`, or nothing if the card has no verdict yet. */
function outcome(card, { run, error } = {}) {
  if (error) return 'failed';
  if (!run?.verdict) return undefined;
  return run.verdict.held ? card.outcome ?? 'refused' : 'failed';
}

/** Returns whether a card is running, or its events are still being read. */
const isOpen = ({ run } = {}) => run !== undefined && !run.done;

/** Plays one card. When it starts, the view scrolls to it. */
function playCard(card) {
  clicked = card.id;
  playCards([card]);
}

/** A button that plays one of the first cards, unless an attack is being played. */
function FirstAttack({ id, playing, children }) {
  const card = ALL.find((one) => one.id === id);
  return html`<button type="button" class="link" disabled=${playing} onClick=${() => playCard(card)}>${children} ${card.title}</button>`;
}

/** Returns how many cards have ended, by result: `12 of 36 attacks played: 11 refused, 1 neutralised.` */
function counts(results) {
  const played = ALL.filter(({ id }) => !isOpen(results[id])).map((card) => outcome(card, results[card.id])).filter(Boolean);
  const skipped = ALL.filter(({ id }) => results[id]?.run?.done && !results[id].run.verdict).length;
  if (played.length + skipped === 0) return '';
  const parts = Object.keys(OUTCOMES).map((name) => [played.filter((one) => one === name).length, OUTCOMES[name].toLowerCase()]);
  return `${played.length} of ${ALL.length} attacks played: ${parts.filter(([count]) => count).map((part) => part.join(' ')).join(', ') || 'none'}.${skipped ? ` ${skipped} can be played in development only.` : ''}`;
}

export function Attacks({ me }) {
  const { results, playing, hasNext } = useResults();
  const waits = Object.values(results).some(isOpen);
  const raised = new Set(Object.values(results).flatMap(({ run }) => run?.alerts?.map(({ id }) => id) ?? [])).size;
  useEffect(() => { if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView(); }, []);
  if (me.role !== 'admin') return html`<${Heading}>Attacks<//><p>Only administrators can play attacks and see their events. Sign out, then sign in as an administrator.</p>`;
  return html`<${Heading}>Attacks<//>
    <p class="intro">Each card plays an attack from this browser against this service: Ben attacks Anna. Both are new throw-away users.
      You see what Ben sends, how the service stops it, and which security event it leaves.</p>
    <p>New here? Play these three: ${FIRST.map((id, n) => html`${n > 0 && ' · '}<${FirstAttack} id=${id} playing=${playing}>${n + 1}.<//>`)}. The third raises an alert.</p>
    <nav aria-label="Groups of attacks">Groups: ${SUBJECTS.map(([subject, cards], n) => html`${n > 0 && ' · '}<a href="#${anchor(subject)}">${subject}</a> (${cards.length})`)}</nav>
    <div class="actions"><button type="button" disabled=${playing || waits} onClick=${() => playCards(TOGETHER)}>Play ${TOGETHER.length} attacks (one to two minutes)</button>
      ${playing && hasNext && html`<button type="button" class="quiet" onClick=${() => { isStopped = true; }}>Stop after this attack</button>`}
      <span role="status">${counts(results)}${raised > 0 && html` <${Link} to="/admin#alerts">${raised} ${raised === 1 ? 'alert' : 'alerts'} in Administration<//>.`}</span>
      <span class="soft">${playing ? `Playing: ${ALL.find(({ id }) => id === playing).title}` : waits && 'Reading the last security events …'}</span></div>
    <p class="soft">The other ${ALL.length - TOGETHER.length} attacks open a new tab. Play them <a href="#${ALONE[0].id}">one by one</a>. If you reload the page, the results are lost.</p>
    ${SUBJECTS.map(([subject, cards]) => html`<h2 id=${anchor(subject)}>${subject}</h2><div class="attacks">${cards.map((card) =>
      html`<${Card} key=${card.id} card=${card} ...${results[card.id]} playing=${playing} onPlay=${() => playCard(card)} />`)}</div>`)}`;
}

function Card({ card, run, error, playing, onPlay }) {
  const isMine = playing === card.id, ended = outcome(card, { run });
  const blocked = playing && !isMine ? 'Another attack is playing.' : undefined;
  const next = FIRST.includes(card.id) && FIRST[FIRST.indexOf(card.id) + 1];
  const article = useRef();
  // A new run makes the card wide and moves it. So scroll to the top of the card, which then stays in place.
  useEffect(() => {
    if (clicked !== card.id || !run) return;
    clicked = null;
    const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    article.current.scrollIntoView({ behavior: isCalm ? 'auto' : 'smooth' });
  }, [run]);
  return html`<article id=${card.id} ref=${article} class="card attack ${run ? 'played' : ''}" aria-labelledby="title-${card.id}">
    <div class="head"><h3 id="title-${card.id}">${card.title}</h3><span class="soft">${card.threat}</span></div>
    <p>${card.text}</p><p class="soft"><strong>Control:</strong> ${card.practice}</p>
    <div class="actions"><button type="button" disabled=${playing || isOpen({ run })} title=${blocked} aria-describedby="title-${card.id}" onClick=${onPlay}>${isMine ? 'Playing …' : 'Play'}</button>
      <div role="status">${ended && html`<span class="verdict ${run.verdict.held ? 'held' : 'broken'}">${OUTCOMES[ended]}</span> ${why(card, run)}`}${run?.done && !run.verdict && 'This attack can be played in development only.'}${error && `The accounts could not be created: ${error.message}.`}</div>
      ${run?.progress && !run.done && html`<span class="soft progress">${run.progress}</span>`}
      ${ended && next && html`<${FirstAttack} id=${next} playing=${playing}>Next:<//>`}
      ${card.id === FIRST.at(-1) && run?.alerts?.length > 0 && html`<${ToAdministration} card=${card.id} to="alerts">Next: See the alert in Administration<//>`}</div>
    ${run && html`<${Result} id=${card.id} title=${card.title} run=${run} />`}
    <details class="proof"><summary>Code and attack test</summary>
      <dl><dt>Code</dt><dd><code>${card.code}</code></dd><dt>Test</dt><dd><code>${card.test}</code></dd>
        <dt>All controls</dt><dd><code>docs/practices/README.md</code></dd></dl></details>
  </article>`;
}

/**
 * Returns why an attack ended like this, in one sentence: from the response, or from the recorded event. A response
 * often hides the reason from the attacker, so the sentence changes when the event arrives.
 */
function why(card, { verdict, attack, events }) {
  const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
  const own = sentence(verdict.text.replace(/^(Refused|Neutralised): /, ''));
  if (!verdict.held || card.outcome) return own;
  const { title, errors, code } = attack?.reply ?? {};
  if (errors?.length) return sentence(`${errors[0].pointer ? `The field ${errors[0].pointer.slice(1)} ` : ''}${errors[0].message}`);
  const event = events?.find((one) => isExpected(card, one));
  if (event?.object_class === 'foreign') return 'The object belongs to another user, so the service treats it like one that does not exist.';
  const shown = title ? sentence(title) : code ? sentence(words(code)) : own;
  return REASONS[event?.reason] ?? (event?.reason ? `${shown} Recorded reason: ${words(event.reason).toLowerCase()}.` : shown);
}

function Verdict({ verdict: { held, text } }) {
  return html`<span class="verdict ${held ? 'held' : 'broken'}">${text}</span>`;
}

/** A link to a section of Administration. Puts the card's id into the URL, so that going back shows the card. */
function ToAdministration({ card, to, title, children }) {
  return html`<span onClickCapture=${() => history.replaceState(null, '', `#${card}`)}><${Link} to="/admin#${to}" title=${title}>${children}<//></span>`;
}

/** Returns the filter that finds an event in the event explorer. */
function filterFor({ kind, user_id: user, address }) {
  return new URLSearchParams(user ? { kind, user_id: user } : { kind, address });
}

/** Returns the reason of an event, and whether its object is missing or belongs to another user. */
function reasonOf({ reason, object_class: owner }) {
  const object = { foreign: 'object of another user', missing: 'no such object' }[owner];
  return [reason && words(reason), object].filter(Boolean).join(': ') || '–';
}

/** Returns what an alert is about: Ben, Anna, a network, or several subjects together. */
function subjectOf({ subject, subject_kind: kind, members }, run) {
  const name = { [run.ben.id]: 'Ben', [run.anna.id]: 'Anna' }[subject];
  if (!subject) return `about ${members} subjects together`;
  return `about ${name ?? (kind === 'network' ? `the network ${subject}` : `this ${kind}`)}`;
}

function Result({ id, title, run }) {
  const last = run.attack;
  const shown = run.exchanges.filter((one) => one !== last && one.purpose !== 'preparation').slice(-SHOWN);
  const others = run.exchanges.filter((one) => one !== last && !shown.includes(one));
  return html`<div class="result">
    ${run.alerts?.length > 0 && html`<h4>Alerts from this attack</h4><ul class="alerts">${run.alerts.map((alert) => html`<li><${Status} name=${alert.severity} /> <${ToAdministration} card=${id} to="alerts" title="Show in Administration">${words(alert.rule)}<//> ${subjectOf(alert, run)}: ${alert.count} ${alert.count === 1 ? 'event' : 'events'}</li>`)}</ul>`}
    ${last && html`<h4>Attack by ${last.by} ${run.verdict && html`<${Verdict} verdict=${run.verdict} />`}</h4><${Exchange} exchange=${last} />`}
    ${run.notes.map((note) => html`<p>${note}</p>`)}
    ${run.histograms.map((one) => html`<${Histogram} ...${one} />`)}
    ${shown.map((one) => html`<details class="before"><summary>${PURPOSES[one.purpose]} by ${one.by}: <code>${one.method} ${one.path}</code> <${Answer} exchange=${one} /></summary><${Exchange} exchange=${one} /></details>`)}
    ${others.length > 0 && html`<details><summary>${others.length} other ${others.length === 1 ? 'request' : 'requests'}</summary><ol>${others.map((one) =>
      html`<li>${PURPOSES[one.purpose]} by ${one.by}: <code>${one.method} ${one.path}</code> ${one.status || 'closed'} ${one.reply?.code}</li>`)}</ol></details>`}
    ${run.events && html`<h4>What the service recorded</h4>
      <${Table} caption="Security events: ${title}" columns=${['Event', 'Reason', 'Severity', 'User', '>Times']} empty=${run.done ? 'No security event.' : 'No event yet.'}
        rows=${grouped(run).map(([event, user, times]) => [html`<${ToAdministration} card=${id} to=${`events?${filterFor(event)}`} title="Show in Administration"><code>${event.kind}</code><//>`,
          reasonOf(event), html`<${Status} name=${event.severity} />`, user, times])} />`}
    ${run.done && run.events?.length > 0 && run.alerts.length === 0 && html`<p class="soft">No alert: the events are below the thresholds of the detection rules.</p>`}
  </div>`;
}

/** Returns the different events of a run, the oldest first, each with its user and its number of occurrences. */
function grouped(run) {
  const groups = new Map(), names = { [run.ben.id]: 'Ben', [run.anna.id]: 'Anna' };
  for (const event of [...run.events].reverse()) {
    const user = names[event.user_id] ?? '–', key = `${event.kind} ${reasonOf(event)} ${user}`;
    groups.set(key, [event, user, (groups.get(key)?.[2] ?? 0) + (event.amount ?? 1)]);
  }
  return [...groups.values()];
}

const lines = (headers) => Object.entries(headers).map(([name, value]) => `${name}: ${value}`);

/** Returns the headers of a request, with a shortened access token. If the token is forged, adds its decoded parts. */
function linesOf({ sent, by }) {
  const token = sent.Authorization?.replace('Bearer ', '') ?? '';
  if (token.length < 40) return lines(sent);
  const shortened = lines({ ...sent, Authorization: `Bearer ${token.slice(0, 16)} … ${token.slice(-8)}` });
  if (['Anna', 'Ben'].includes(by)) return shortened;
  const [header, claims] = decode(token).map((part) => JSON.stringify(part));
  return [...shortened, '', `Header of the token: ${header}`, `Claims: ${claims}`];
}

/** Returns what the service has sent, as text. */
function responseOf({ status, reply, received }) {
  if (status === undefined) return ['The browser hides the response from other origins.', '', reply];
  if (!received) return [status ? `Status ${status}` : 'No response', '', typeof reply === 'string' ? reply : JSON.stringify(reply, null, 2)];
  if (status === 0) return ['No response'];
  const opened = ['Status 101: the connection is now a WebSocket.', 'It has no rights before it sends a valid ticket.', ''];
  return [...opened, ...received, ...(status === 101 ? [] : [`Connection closed: ${status}, like HTTP 401 (${reply})`])];
}

/** The status of a request. Marks a denied attack, because only the last attack of a card has a verdict. */
function Answer({ exchange: { purpose, status } }) {
  if (purpose === 'attack' && status >= 400) return html`<span class="verdict held">Denied: ${status}</span>`;
  return status || 'closed';
}

/** A request and its response, side by side. The many headers of the response come last and folded. */
function Exchange({ exchange }) {
  const { method, path, body, headers } = exchange;
  const request = [`${method} ${path}`, ...linesOf(exchange), '', body.trim()].join('\n').trim();
  const count = Object.keys(headers).length;
  return html`<div class="exchange">
    <figure><figcaption>Request</figcaption><pre tabindex="0" role="group" aria-label="Request">${request}</pre></figure>
    <figure><figcaption>Response</figcaption><pre tabindex="0" role="group" aria-label="Response">${responseOf(exchange).join('\n').trim()}</pre>
      ${count > 0 && html`<details><summary>${count} headers</summary><pre tabindex="0" role="group" aria-label="Headers of the response">${lines(headers).join('\n')}</pre></details>`}</figure>
  </div>`;
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** The distribution of durations. Each of the `series` is one row of bars, on the same axis. */
function Histogram({ title, series }) {
  const BINS = 24;
  const all = series.flatMap(({ values }) => values);
  const low = Math.min(...all), width = (Math.max(...all) - low) / BINS || 1;
  return html`<figure class="histogram"><figcaption>${title}: ${low.toFixed()} to ${Math.max(...all).toFixed()} ms</figcaption>
    ${series.map(({ label, values }) => {
      const counts = Array.from({ length: BINS }, (_, bin) => values.filter((value) => Math.min(BINS - 1, Math.floor((value - low) / width)) === bin).length);
      const text = `${label}: median ${median(values).toFixed()} ms of ${values.length}`;
      return html`<div><span>${text}</span><svg viewBox="0 0 ${BINS} 10" preserveAspectRatio="none" role="img" aria-label=${text}>
        ${counts.map((count, bin) => count > 0 && html`<rect x=${bin + 0.05} y=${10 - (10 * count) / Math.max(...counts)} width="0.9" height=${(10 * count) / Math.max(...counts)} />`)}</svg></div>`;
    })}</figure>`;
}
