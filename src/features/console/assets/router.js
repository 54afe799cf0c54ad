/** Each view has its own URL, so links, the back button and reloading the page work. */

import { html, useEffect, useState } from './preact.js';

const listeners = new Set();

function changed() {
  for (const listener of listeners) listener();
}

/** The path of the shown view. At `popstate`, `location` already has the next path, so the old path is stored here. */
let shown = location.pathname;
/** Whether the shown view has input that is not saved. */
let unsaved = false;

/** Asks the user before input is lost. Returns whether the view may close. */
export function mayLeave() {
  if (unsaved && !confirm('Your changes are not saved. Leave this page and lose them?')) return false;
  unsaved = false;
  return true;
}

addEventListener('popstate', () => {
  if (location.pathname !== shown && !mayLeave()) return history.pushState(null, '', shown);
  shown = location.pathname;
  changed();
});

function askBrowser(event) {
  if (unsaved) event.preventDefault();
}

/**
 * While `isUnsaved` is true, the console asks before the user leaves the view: by a link, by the back button, or by
 * reloading or closing the page. Returns a function to call when the input is saved.
 */
export function useUnsaved(isUnsaved) {
  useEffect(() => {
    if (!isUnsaved) return undefined;
    unsaved = true;
    addEventListener('beforeunload', askBrowser);
    return () => {
      unsaved = false;
      removeEventListener('beforeunload', askBrowser);
    };
  }, [isUnsaved]);
  return () => { unsaved = false; };
}

/** Opens a view, unless the user wants to keep unsaved input. */
export function go(path) {
  if (path !== location.pathname) {
    if (!mayLeave()) return;
    history.pushState(null, '', path);
  }
  shown = location.pathname;
  changed();
  scrollTo(0, 0);
}

/** Returns the current path, and draws again when it changes. */
export function usePath() {
  const now = () => location.pathname;
  const [here, setHere] = useState(now());
  useEffect(() => {
    const listener = () => setHere(now());
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
  return here;
}

/** A link to a view. A click with a modifier key opens a new tab, as with every link. */
export function Link({ to, children, ...rest }) {
  const open = (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
  };
  return html`<a href=${to} onClick=${open} ...${rest}>${children}</a>`;
}
