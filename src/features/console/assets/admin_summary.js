/** The security summary: events over time, the networks and accounts with the most warnings, the service's health. */

import { html, useEffect, useState } from './preact.js';
import { read, withQuery } from './api.js';
import { Columns, Ranking, Sparkline, count, sum } from './charts.js';
import { duration, words } from './format.js';
import { useChanges } from './live.js';
import { Field, Loaded, Status, Table, useData } from './ui.js';

const PERIODS = { day: ['24 hours', 'hour'], week: ['7 days', '6 hours'], month: ['30 days', 'day'] };
const SEVERITIES = ['critical', 'warning', 'info'];
const RELOAD_MS = 60_000;

/** `pick` sets a filter of the event explorer. */
export function Summary({ pick }) {
  const [period, setPeriod] = useState('day');
  const loaded = useData(() => read(withQuery('admin/security-summary', { period })), [period]);
  useChanges('alerts', loaded.reload);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && loaded.reload(), RELOAD_MS);
    return () => clearInterval(timer);
  }, [period]);
  return html`<section class="card"><h2 id="summary" tabindex="-1">Summary</h2>
    <form class="filters" onSubmit=${(event) => event.preventDefault()}>
      <${Field} label="Period" name="period" as="select" onChange=${(event) => setPeriod(event.target.value)}>
        ${Object.entries(PERIODS).map(([value, [label]]) => html`<option value=${value}>${label}</option>`)}<//>
      <button type="button" class="quiet" onClick=${loaded.reload}>Reload</button></form>
    <${Loaded} of=${loaded}>${(summary) => html`<${Health} summary=${summary} /><${Events} summary=${summary} pick=${pick} />`}<//></section>`;
}

/** Returns a label for each bucket (a time interval of the summary), in local time. */
function bucketLabels({ from, bucket_seconds: seconds }, buckets) {
  const format = seconds < 86_400 ? { weekday: 'short', hour: '2-digit', minute: '2-digit' } : { day: 'numeric', month: 'short' };
  return Array.from({ length: buckets }, (_, n) => new Date(Date.parse(from) + n * seconds * 1000).toLocaleString('en-GB', format));
}

function Events({ summary, pick }) {
  const { kinds, networks, accounts, is_complete: isComplete } = summary;
  if (kinds.length === 0) return html`<p class="empty">No security events in this period.</p>`;
  const labels = bucketLabels(summary, kinds[0].counts.length);
  const [period, unit] = Object.values(PERIODS).find((_, n) => [3600, 21_600, 86_400][n] === summary.bucket_seconds);
  const series = SEVERITIES.map((name) => {
    const all = kinds.filter(({ severity }) => severity === name);
    return { name, label: `${words(name)} events`, counts: labels.map((_, column) => sum(all.map(({ counts }) => counts[column]))) };
  });
  const order = ({ severity, counts }) => SEVERITIES.indexOf(severity) * 1e12 - sum(counts);
  const filter = (label, filters) => html`<button type="button" class="link" title="Show these events" onClick=${() => pick(filters)}>${label}</button>`;
  return html`${!isComplete && html`<p class="soft">The period has more than 100,000 rows. Only the newest are counted.</p>`}
    <${Columns} title="Security events in the last ${period}" unit=${unit} series=${series} labels=${labels} />
    <p class="soft">Only events are counted here. An open alert can be critical although each of its events is a warning.</p>
    <div class="columns-2">
      <${Ranking} title="Networks with the most warnings" empty="No warnings." items=${networks.map(({ network, events }) => ({ label: filter(network, { address: network }), value: events }))} />
      <${Ranking} title="Accounts with the most warnings" empty="No warnings." items=${accounts.map(({ user_id: id, email, events }) => ({ label: filter(email ?? 'Deleted user', { user_id: id }), value: events }))} />
    </div>
    <${Table} caption="Security events by kind" empty="" columns=${['Kind', '>Events', 'Over time', 'Severity']}
      rows=${[...kinds].sort((a, b) => order(a) - order(b)).map(({ kind, severity, counts }) => [filter(kind, { kind }), count(sum(counts)),
        html`<${Sparkline} name=${severity} counts=${counts} labels=${labels} />`, html`<${Status} name=${severity} />`])} />`;
}

/** Returns `critical`, `warning` or `healthy`. */
function state(critical, warning) {
  if (critical) return 'critical';
  return warning ? 'warning' : 'healthy';
}

function Health({ summary: { sealing, outbox, replica } }) {
  const late = outbox.filter((queue) => queue.oldest_seconds > 60), givenUp = outbox.filter((queue) => queue.given_up > 0);
  const rows = [
    ['Sealing', state(sealing.triggers_missing > 0, sealing.oldest_seconds > 15),
      `${sealing.oldest_seconds ? `Oldest event without a seal: ${duration(sealing.oldest_seconds)}` : 'Every event is sealed'}. ${sealing.triggers_missing ? `Triggers missing: ${sealing.triggers_missing}.` : 'All triggers are in place.'}`],
    ['Outbox', state(givenUp.length, late.length), outbox.length === 0 ? 'No message waits.' : outbox.map((queue) =>
      html`<p>${words(queue.queue)}: ${count(queue.waiting)} waiting${queue.waiting > 0 && ` (oldest ${duration(queue.oldest_seconds)})`}, ${count(queue.given_up)} given up</p>`)],
    ['Connection pool', state(false, replica.connections_in_use >= replica.connections_max), `${replica.connections_in_use} of ${replica.connections_max} connections in use`],
    ['Event queue', state(replica.events_lost > 0, replica.events_waiting > 1000), `${count(replica.events_waiting)} waiting, ${count(replica.events_lost)} lost`],
  ];
  return html`<ul class="tiles" aria-label="Health">${rows.map(([name, status, text]) => html`<li><h3>${name} <${Status} name=${status} /></h3><div>${text}</div></li>`)}</ul>
    <p class="soft">Pool and event queue are those of replica <code>${replica.name}</code>.</p>`;
}
