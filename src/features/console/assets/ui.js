/** Parts that all views share. */

import { html, useEffect, useRef, useState } from './preact.js';
import { Problem, read, unreachable } from './api.js';
import { words } from './format.js';
import { usePath } from './router.js';

export const IS_DEVELOPMENT = document.documentElement.dataset.profile === 'development';
/** Whether the service has the attack panel, which a setting must enable in production. */
export const HAS_ATTACK_PANEL = document.getElementById('app').dataset.attackPanel === 'on';
/** How long the user must pause before a search starts. */
const TYPING_MS = 300;

/**
 * Shows a refusal: its title, the messages of fields, and the id by which an operator finds the request in the log.
 * `newer` is called when the user asks for the version that was saved in the meantime (412).
 */
export function Refusal({ problem, fields = [], newer, focus = true }) {
  const place = useRef();
  useEffect(() => focus && problem && place.current?.focus(), [problem]);
  if (!problem) return null;
  const others = problem.errors.filter((error) => !fields.includes(error.pointer));
  const wait = problem.retryAfter ? ` Try again in ${problem.retryAfter} s.` : '';
  return html`<div class="refusal" role="alert" tabindex="-1" ref=${place}>
    <p><strong>${problem.message}.</strong>${wait}</p>
    ${others.length > 0 && html`<ul>${others.map(({ pointer, message }) => html`<li><code>${pointer || 'body'}</code> ${message}</li>`)}</ul>`}
    ${newer && problem.status === 412 && html`<p>It was changed in another tab or on another device.
      <button type="button" class="quiet" onClick=${newer}>Load the newer version</button></p>`}
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

/**
 * A labelled field. The message of the API's refusal for this field stands below it. `saved` is the value of a newer
 * version, if it differs from the value with which the form started.
 */
export function Field({ label, name, pointer = `/${name}`, problem, hint, saved, as = 'input', children, ...rest }) {
  const error = problem?.errors.find((found) => found.pointer === pointer)?.message;
  const id = `field-${name}`;
  const notes = [['hint', hint], ['saved', saved && `The newer version has: ${saved}`], ['error', error]].filter(([, text]) => text);
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <${as} id=${id} name=${name} aria-invalid=${error ? 'true' : undefined}
      aria-describedby=${notes.map(([kind]) => `${id}-${kind}`).join(' ') || undefined} ...${rest}>${children}<//>
    ${notes.map(([kind, text]) => html`<p class=${kind} id="${id}-${kind}">${text}</p>`)}
  </div>`;
}

/**
 * Returns an error as a problem. An error that no request has caused is a defect of the console, and is written to the
 * browser's log.
 */
export function asProblem(error) {
  if (error instanceof Problem) return error;
  if (['AbortError', 'TimeoutError'].includes(error.name)) return unreachable();
  console.error(error);
  return new Problem(0, { title: error.message, code: 'unknown' });
}

/** Returns an event handler that calls `action` when the user has stopped typing. */
export function useTyping(action) {
  const timer = useRef();
  return (event) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => action(event), TYPING_MS);
  };
}

/** Runs an action, and keeps the problem if the action fails. A call during a running action does nothing. */
export function useAction(action) {
  const [state, setState] = useState({ busy: false, problem: null });
  const running = useRef(false);
  const run = async (...input) => {
    if (running.current) return;
    running.current = true;
    setState({ busy: true, problem: null });
    let problem = null;
    try {
      await action(...input);
    } catch (error) {
      problem = asProblem(error);
    }
    running.current = false;
    setState({ busy: false, problem });
  };
  const clear = () => setState((old) => ({ ...old, problem: null }));
  return { ...state, run, clear };
}

/**
 * Returns `of`, a function from a request's body to its idempotency key. A repeated body keeps its key, so that the
 * service processes the request once. Another body gets another key. Call `used` after a success.
 */
export function useKey() {
  const last = useRef({});
  const of = (body) => {
    const text = JSON.stringify(body);
    if (last.current.text !== text) last.current = { text, key: crypto.randomUUID() };
    return last.current.key;
  };
  return { of, used: () => { last.current = {}; } };
}

/**
 * The version of an object that a form changes. After a 412, `load` reads the newer version. The form keeps what the
 * user typed. `saved` returns the value of a field in the newer version if it differs, so that the user can decide.
 */
export function useVersion(path, original) {
  const [found, setFound] = useState(null);
  const newer = found?.original === original ? found.object : null;
  const load = useAction(async (...refused) => {
    setFound({ original, object: await read(path) });
    for (const action of refused) action.clear();
    say('The newer version is loaded. What you typed is still here: check it, and save again.');
  });
  const saved = (name) => newer && newer[name] !== original[name] && (newer[name] ?? 'nothing');
  return { etag: (newer ?? original)?.etag, newer, load, saved };
}

/**
 * Loads data for the newest `inputs`. `reload` loads the data again. An older response never replaces a newer response.
 * `isStale`: the data belong to earlier inputs, because the data of the new inputs have not arrived yet.
 */
export function useData(load, inputs) {
  const [state, setState] = useState({ data: null, problem: null, inputs });
  const run = useRef(0);
  const newest = useRef();
  newest.current = { load, inputs };
  const reload = async () => {
    const mine = (run.current += 1), wanted = newest.current;
    try {
      const data = await wanted.load();
      if (mine === run.current) setState({ data, problem: null, inputs: wanted.inputs });
    } catch (problem) {
      if (mine === run.current) setState((old) => ({ ...old, problem: asProblem(problem) }));
    }
  };
  useEffect(() => {
    reload();
    return () => { run.current += 1; };
  }, inputs);
  return { ...state, reload, isStale: inputs.some((input, n) => input !== state.inputs[n]) };
}

/**
 * Shows the states of loaded data: loading, refused, loaded. If a reload fails, the older data stay. A refusal does not
 * take the focus here, because the user may be typing somewhere else.
 */
export function Loaded({ of, children }) {
  if (!of.data && !of.problem) return html`<p class="soft" role="status">Loading …</p>`;
  return html`${of.problem && html`<${Refusal} problem=${of.problem} focus=${false} />
      <p><button type="button" class="quiet" onClick=${of.reload}>Try again</button></p>`}
    ${of.data && children(of.data)}`;
}

export function Status({ name }) {
  return html`<span class="status ${name}">${words(name)}</span>`;
}

/**
 * A table with a caption for screen readers. `columns`: heads, where a leading `>` aligns right. On a phone, each row
 * is a list of its cells with their heads, but keeps the roles of a table. `keys`: the ids of the rows' objects. With
 * keys, a row keeps its focus and its open dialog when other rows come or go.
 */
export function Table({ caption, columns, rows, keys = [], empty }) {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  const side = (column) => (column.startsWith('>') ? 'right' : '');
  const heads = columns.map((column) => column.replace(/^>/, ''));
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}><table role="table">
    <caption class="hidden">${caption}</caption>
    <thead role="rowgroup"><tr role="row">${heads.map((head, n) => html`<th scope="col" role="columnheader" class=${side(columns[n])}>${head}</th>`)}</tr></thead>
    <tbody role="rowgroup">${rows.map((cells, row) => html`<tr role="row" key=${keys[row]}>${cells.map((cell, n) =>
      html`<td role="cell" data-head=${heads[n]} class=${side(columns[n])}>${cell}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

/** Amounts with their labels, one below the other. `rows`: pairs of label and text; an empty row is left out. */
export function Sums({ rows }) {
  return html`<dl class="sums">${rows.filter(Boolean).map(([label, text]) => html`<div><dt>${label}</dt><dd>${text}</dd></div>`)}</dl>`;
}

/**
 * Asks before an action that cannot be undone. The native dialog keeps the focus inside and closes with Escape. Cancel
 * has the focus first, so that Enter does nothing that cannot be undone. With `ready`, the button belongs to a form:
 * the dialog opens only if the form is valid and `ready` returns true.
 */
export function Confirm({ label, title, text, action, busy, danger = true, ready }) {
  const dialog = useRef(), cancel = useRef();
  const ask = (event) => {
    event.preventDefault();
    const { form } = event.target;
    if (ready && !(form.reportValidity() && ready(form))) return;
    dialog.current.showModal();
    cancel.current.focus();
  };
  const confirm = () => {
    dialog.current.close();
    action();
  };
  return html`<button type=${ready ? 'submit' : 'button'} class=${danger ? 'danger' : ''} disabled=${busy} onClick=${ask}>${label}</button>
    <dialog ref=${dialog} aria-label=${title}>
      <h2>${title}</h2><p>${text}</p>
      <div class="actions"><button type="button" class=${danger ? 'danger' : ''} onClick=${confirm}>${label}</button>
      <button type="button" class="quiet" ref=${cancel} onClick=${() => dialog.current.close()}>Cancel</button></div>
    </dialog>`;
}

/** Pages of a list: the cursors of the pages so far, and the current one. Other `inputs` start with the first page. */
export function usePages(inputs) {
  const list = JSON.stringify(inputs);
  const [state, setState] = useState({ list, cursors: [null] });
  const cursors = state.list === list ? state.cursors : [null];
  return {
    cursor: cursors[cursors.length - 1],
    number: cursors.length,
    next: (cursor) => setState({ list, cursors: [...cursors, cursor] }),
    back: () => setState({ list, cursors: cursors.slice(0, -1) }),
  };
}

/**
 * The buttons of `pages`. While the data are stale, their cursor belongs to another list. "Next page" then does
 * nothing, but is not disabled, because a disabled button would lose the focus.
 */
export function Pager({ pages, list: { data, isStale }, label = 'Pages' }) {
  if (pages.number === 1 && !data.next_cursor) return null;
  return html`<nav class="actions" aria-label=${label}>
    <button type="button" class="quiet" disabled=${pages.number === 1} onClick=${pages.back}>Previous page</button>
    <span class="soft">Page ${pages.number}</span>
    <button type="button" class="quiet" disabled=${!data.next_cursor} aria-disabled=${isStale ? 'true' : undefined}
      onClick=${() => isStale || pages.next(data.next_cursor)}>Next page</button>
  </nav>`;
}

const toasts = new Set();

/**
 * Shows a message for five seconds, or until the user opens another view. Screen readers read it aloud. An action that
 * opens a view must call `go` before `say`.
 */
export function say(text) {
  for (const listener of toasts) listener({ text, path: location.pathname });
}

export function Toasts() {
  const [toast, setToast] = useState({});
  const path = usePath();
  useEffect(() => {
    let timer;
    const listener = (next) => {
      setToast(next);
      clearTimeout(timer);
      timer = setTimeout(() => setToast({}), 5000);
    };
    toasts.add(listener);
    return () => toasts.delete(listener);
  }, []);
  const text = toast.path === path ? toast.text : '';
  return html`<div class="toast ${text ? 'shown' : ''}" role="status">${text}</div>`;
}

/**
 * Sets the title of the page and moves the focus to its heading, as a full page load does. `number`, such as the
 * number of an invoice, ends the heading and is not broken across two lines.
 */
export function Heading({ children, number }) {
  const heading = useRef();
  useEffect(() => {
    document.title = `${children}${number ? ` ${number}` : ''} · Strongroom`;
    heading.current.focus();
  }, [children, number]);
  return html`<h1 tabindex="-1" ref=${heading}>${children}${number && html` <span class="number">${number}</span>`}</h1>`;
}

/** Returns the values of a form. Empty fields become null. */
export function values(form) {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim() === '' ? null : value.trim()]));
}
