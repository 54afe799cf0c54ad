/** Real URLs for each view: reload, back and links work. */

import { html, useEffect, useState } from './preact.js';

const listeners = new Set();

function changed() {
  for (const listener of listeners) listener();
}

addEventListener('popstate', changed);

/** Opens a view. */
export function go(path) {
  if (path !== location.pathname) history.pushState(null, '', path);
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
