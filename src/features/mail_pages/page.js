'use strict';

let token;

/** Reads the token from the link and removes it from the address bar and the history. */
function begin() {
  token = new URLSearchParams(location.hash.slice(1)).get('token') || token;
  if (location.hash) history.replaceState(null, '', location.pathname);
  for (const part of document.querySelectorAll('[data-when]')) part.hidden = part.dataset.when !== (token ? 'token' : 'no-token');
}

/** Shows each error at its field. Shows an error without a field above the form. Focuses the first invalid field. */
function showFaults(form, faults) {
  for (const { pointer, message } of faults) {
    const field = form.elements[pointer.slice(1)];
    const place = field ? document.getElementById(field.id + '-error') : form.querySelector('[role=alert]');
    place.textContent = (field ? field.labels[0].textContent + ' ' : '') + message + '.';
    if (field) field.ariaInvalid = 'true';
  }
  form.querySelector('[aria-invalid=true]')?.focus();
}

function clear(form) {
  for (const place of form.querySelectorAll('.error')) place.textContent = '';
  for (const field of form.querySelectorAll('[aria-invalid]')) field.removeAttribute('aria-invalid');
}

/** Returns the errors of a problem document. Each error has the pointer of its field and a message. */
async function faultsOf(reply) {
  const problem = await reply.json();
  const invalidLink = 'This link is invalid, already used, or expired. Request a new one';
  const wait = reply.headers.get('Retry-After');
  const title = problem.title + (wait ? '. Try again in ' + Math.ceil(wait / 60) + ' min' : '');
  const faults = problem.errors || [{ pointer: '', message: title }];
  return faults.map((fault) => (fault.pointer === '/token' ? { pointer: '', message: invalidLink } : fault));
}

async function submit(event) {
  event.preventDefault();
  const form = event.target, button = form.querySelector('button'), fields = new FormData(form);
  clear(form);
  const missing = [...fields].filter(([, value]) => !value.trim()).map(([name]) => ({ pointer: '/' + name, message: 'is required' }));
  if (missing.length) return showFaults(form, missing);
  if (form.dataset.when === 'token') fields.set('token', token);
  button.disabled = true;
  try {
    const reply = await fetch(form.dataset.to, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(Object.fromEntries(fields)),
      credentials: 'same-origin',
      cache: 'no-store',
    });
    if (!reply.ok) return showFaults(form, await faultsOf(reply));
    form.reset();
    form.hidden = true;
    form.nextElementSibling.hidden = false;
    form.nextElementSibling.focus();
  } catch {
    showFaults(form, [{ pointer: '', message: 'The service cannot be reached. Try again in a minute' }]);
  } finally {
    button.disabled = false;
  }
}

for (const form of document.forms) form.addEventListener('submit', submit);
for (const box of document.querySelectorAll('[data-shows]')) {
  box.addEventListener('change', () => { document.getElementById(box.dataset.shows).type = box.checked ? 'text' : 'password'; });
}
addEventListener('hashchange', begin);
begin();
