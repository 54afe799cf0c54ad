/** Parts that all views share. */

import { html, useEffect, useRef, useState } from './preact.js';
import { Problem, unreachable } from './api.js';
import { words } from './format.js';

/** Shows a refusal: its title, messages of fields, and the request id, by which an operator finds it in the log. */
export function Refusal({ problem, fields = [] }) {
  const place = useRef();
  useEffect(() => problem && place.current?.focus(), [problem]);
  if (!problem) return null;
  const others = problem.errors.filter((error) => !fields.includes(error.pointer));
  const wait = problem.retryAfter ? ` Try again in ${problem.retryAfter} s.` : '';
  return html`<div class="refusal" role="alert" tabindex="-1" ref=${place}>
    <p><strong>${problem.message}.</strong>${wait}</p>
    ${others.length > 0 && html`<ul>${others.map(({ pointer, message }) => html`<li><code>${pointer || 'body'}</code> ${message}</li>`)}</ul>`}
    ${problem.requestId && html`<p class="soft">Request <code>${problem.requestId}</code> <${Copy} text=${problem.requestId} /></p>`}
  </div>`;
}

export function Copy({ text, label = 'Copy' }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return html`<button type="button" class="quiet" onClick=${copy}>${copied ? 'Copied' : label}</button>`;
}

/** A labelled field. The message of the API's refusal for this field stands below it. */
export function Field({ label, name, pointer = `/${name}`, problem, hint, as = 'input', children, ...rest }) {
  const error = problem?.errors.find((found) => found.pointer === pointer)?.message;
  const id = `field-${name}`;
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ') || undefined;
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <${as} id=${id} name=${name} aria-invalid=${error ? 'true' : undefined} aria-describedby=${described} ...${rest}>${children}<//>
    ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}
    ${error && html`<p class="error" id="${id}-error">${error}</p>`}
  </div>`;
}

/** Returns an error as a problem: a broken connection is no problem document. */
function asProblem(error) {
  return error instanceof Problem ? error : unreachable();
}

/** Runs an action once at a time, and keeps its refusal. */
export function useAction(action) {
  const [state, setState] = useState({ busy: false, problem: null });
  const run = async (...input) => {
    setState({ busy: true, problem: null });
    try {
      const result = await action(...input);
      setState({ busy: false, problem: null });
      return result;
    } catch (problem) {
      setState({ busy: false, problem: asProblem(problem) });
    }
  };
  return { ...state, run };
}

/** Loads data, and loads them again with `reload`. An older answer never replaces a newer one. */
export function useData(load, inputs) {
  const [state, setState] = useState({ data: null, problem: null });
  const run = useRef(0);
  const reload = async () => {
    const mine = (run.current += 1);
    try {
      const data = await load();
      if (mine === run.current) setState({ data, problem: null });
    } catch (problem) {
      if (mine === run.current) setState((old) => ({ data: old.data, problem: asProblem(problem) }));
    }
  };
  useEffect(() => {
    reload();
    return () => { run.current += 1; };
  }, inputs);
  return { ...state, reload };
}

/** Shows the three states of loaded data: loading, refused, loaded. */
export function Loaded({ of, children }) {
  if (of.data) return html`<${Refusal} problem=${of.problem} />${children(of.data)}`;
  if (of.problem) return html`<${Refusal} problem=${of.problem} /><p><button onClick=${of.reload}>Try again</button></p>`;
  return html`<p class="soft" role="status">Loading …</p>`;
}

export function Status({ name }) {
  return html`<span class="status ${name}">${words(name)}</span>`;
}

/** A table with a caption for screen readers. `columns`: heads, where a leading `>` aligns right. */
export function Table({ caption, columns, rows, empty }) {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  const side = (column) => (column.startsWith('>') ? 'right' : '');
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}><table>
    <caption class="hidden">${caption}</caption>
    <thead><tr>${columns.map((column) => html`<th scope="col" class=${side(column)}>${column.replace(/^>/, '')}</th>`)}</tr></thead>
    <tbody>${rows.map((cells) => html`<tr>${cells.map((cell, n) => html`<td class=${side(columns[n])}>${cell}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

/** Asks before an action that cannot be undone. The native dialog keeps the focus inside and closes with Escape. */
export function Confirm({ label, title, text, action, busy, danger = true }) {
  const dialog = useRef();
  const confirm = () => {
    dialog.current.close();
    action();
  };
  return html`<button type="button" class=${danger ? 'danger' : ''} disabled=${busy} onClick=${() => dialog.current.showModal()}>${label}</button>
    <dialog ref=${dialog} aria-label=${title}>
      <h2>${title}</h2><p>${text}</p>
      <div class="actions"><button type="button" class=${danger ? 'danger' : ''} onClick=${confirm}>${label}</button>
      <button type="button" class="quiet" onClick=${() => dialog.current.close()}>Cancel</button></div>
    </dialog>`;
}

/** Pages of a list: the cursors of the pages so far, and the current one. */
export function usePages(inputs) {
  const [cursors, setCursors] = useState([null]);
  useEffect(() => setCursors([null]), inputs);
  return {
    cursor: cursors[cursors.length - 1],
    number: cursors.length,
    next: (cursor) => setCursors([...cursors, cursor]),
    back: () => setCursors(cursors.slice(0, -1)),
  };
}

export function Pager({ pages, page }) {
  if (pages.number === 1 && !page.next_cursor) return null;
  return html`<nav class="actions" aria-label="Pages">
    <button type="button" class="quiet" disabled=${pages.number === 1} onClick=${pages.back}>Newer</button>
    <span class="soft">Page ${pages.number}</span>
    <button type="button" class="quiet" disabled=${!page.next_cursor} onClick=${() => pages.next(page.next_cursor)}>Older</button>
  </nav>`;
}

const toasts = new Set();

/** Says what has happened, also to screen readers. */
export function say(text) {
  for (const listener of toasts) listener(text);
}

export function Toasts() {
  const [text, setText] = useState('');
  useEffect(() => {
    let timer;
    const listener = (next) => {
      setText(next);
      clearTimeout(timer);
      timer = setTimeout(() => setText(''), 5000);
    };
    toasts.add(listener);
    return () => toasts.delete(listener);
  }, []);
  return html`<div class="toast ${text ? 'shown' : ''}" role="status">${text}</div>`;
}

/** Sets the title of the page and moves the focus to its heading, as a full page load does. */
export function Heading({ children }) {
  const heading = useRef();
  useEffect(() => {
    document.title = `${children} · Strongroom`;
    heading.current.focus();
  }, [children]);
  return html`<h1 tabindex="-1" ref=${heading}>${children}</h1>`;
}

/** Returns the values of a form. Empty fields become null. */
export function values(form) {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim() === '' ? null : value.trim()]));
}
