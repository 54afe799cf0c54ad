/**
 * Charts as inline SVG. Each chart also shows its numbers as text: a label, and a table or a list. Positions are
 * attributes of the SVG and colours are classes, because the Content Security Policy forbids inline styles.
 */

import { html } from './preact.js';
import { Table } from './ui.js';

const number = new Intl.NumberFormat('en');

/** Formats a count. */
export function count(value) {
  return number.format(value);
}

export function sum(counts) {
  return counts.reduce((total, value) => total + value, 0);
}

/** The rectangles of one column, stacked from the bottom. A value above zero is at least one unit high. */
function stack(values, x, largest) {
  let top = 100;
  return values.map(({ name, value }) => {
    const height = value && Math.max((98 * value) / largest, 1);
    top -= height;
    return height > 0 && html`<rect class="bar ${name}" x=${x + 0.1} y=${top} width="0.8" height=${height} />`;
  });
}

/**
 * Columns over time, which `labels` name. Each column stacks a value of each series (`{ name, label, counts }`), the
 * first series at the bottom.
 */
export function Columns({ title, unit, series, labels }) {
  const totals = labels.map((_, column) => sum(series.map(({ counts }) => counts[column])));
  const largest = Math.max(...totals, 1);
  const text = (column) => `${labels[column]}: ${series.map(({ label, counts }) => `${count(counts[column])} ${label.toLowerCase()}`).join(', ')}`;
  const summary = `${title}: ${count(sum(totals))} in total, at most ${count(Math.max(...totals))} per ${unit}`;
  const shown = [0, Math.floor(labels.length / 2), labels.length - 1];
  return html`<figure class="chart"><figcaption>${summary}</figcaption>
    <svg class="columns" viewBox="0 0 ${labels.length} 100" preserveAspectRatio="none" role="img" aria-label=${summary}>
      ${[2, 51, 100].map((y) => html`<line class="grid" x1="0" x2=${labels.length} y1=${y} y2=${y} />`)}
      ${labels.map((_, column) => html`<g><title>${text(column)}</title><rect class="hit" x=${column} y="0" width="1" height="100" />
        ${stack(series.map(({ name, counts }) => ({ name, value: counts[column] })), column, largest)}</g>`)}
    </svg>
    <p class="axis">${shown.map((column) => html`<span>${labels[column]}</span>`)}</p>
    <ul class="legend">${series.map(({ name, label, counts }) => html`<li><svg viewBox="0 0 1 1" aria-hidden="true"><rect class="bar ${name}" width="1" height="1" /></svg>
      ${label} <strong>${count(sum(counts))}</strong></li>`)}</ul>
    <details><summary>Show as a table</summary><${Table} caption=${title} empty="" columns=${['Time', ...series.map(({ label }) => `>${label}`)]}
      rows=${labels.map((label, column) => [label, ...series.map(({ counts }) => count(counts[column]))])} /></details></figure>`;
}

/** A small chart for a cell of a table. */
export function Sparkline({ name, counts, labels }) {
  const largest = Math.max(...counts, 1);
  const text = `At most ${count(largest)}: ${labels[counts.indexOf(largest)]}`;
  return html`<svg class="sparkline" viewBox="0 0 ${counts.length} 100" preserveAspectRatio="none" role="img" aria-label=${text}><title>${text}</title>
    ${counts.map((value, column) => stack([{ name, value }], column, largest))}</svg>`;
}

/** A ranking with horizontal bars: `{ label, value }`. */
export function Ranking({ title, empty, items }) {
  const largest = Math.max(...items.map(({ value }) => value), 1);
  return html`<figure class="chart"><figcaption>${title}</figcaption>
    ${items.length ? html`<dl>${items.map(({ label, value }) => html`<div><dt>${label}</dt>
      <dd><svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="bar warning" width=${Math.max((100 * value) / largest, 0.5)} height="8" /></svg>
      ${count(value)}</dd></div>`)}</dl>` : html`<p class="soft">${empty}</p>`}</figure>`;
}
