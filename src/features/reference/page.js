'use strict';

const signIn = document.getElementById('sign-in');

async function send(method, path, headers, body) {
  const token = signIn.elements.token.value.trim();
  if (token) headers.Authorization = 'Bearer ' + token;
  return fetch(path, { method, headers, body, credentials: 'same-origin', cache: 'no-store' });
}

signIn.addEventListener('submit', async (event) => {
  event.preventDefault();
  const { email, password, token } = signIn.elements;
  const output = signIn.querySelector('output');
  try {
    token.value = '';
    const body = JSON.stringify({ email: email.value, password: password.value });
    const reply = await send('POST', '/api/v1/auth/login', { 'Content-Type': 'application/json' }, body);
    const answer = await reply.json();
    token.value = answer.access_token || '';
    output.textContent = reply.ok ? 'Signed in as ' + email.value : answer.title;
    if (reply.ok) password.value = '';
  } catch (error) {
    output.textContent = String(error);
  }
});

/** Builds the request that a form describes. Omits empty fields. */
function requestOf(form) {
  let path = form.dataset.path, body;
  const headers = {}, query = new URLSearchParams();
  for (const field of form.elements) {
    const { name, value } = field;
    const file = field.files && field.files[0];
    if (!value) continue;
    switch (field.dataset.in) {
      case 'path': path = path.replace('{' + name + '}', encodeURIComponent(value)); break;
      case 'query': query.append(name, value); break;
      case 'header': headers[name] = value; break;
      case 'form': (body ||= new FormData()).append(name, file || value); break;
      case 'body': body = value; headers['Content-Type'] = 'application/json';
    }
  }
  return [form.dataset.method.toUpperCase(), query.size ? path + '?' + query : path, headers, body];
}

/** Shows a response. Offers a download if the body is neither JSON nor text. */
async function show(out, reply, milliseconds) {
  const lines = [reply.status + ' ' + reply.statusText + ' in ' + milliseconds + ' ms'];
  for (const name of ['content-type', 'etag', 'location', 'retry-after', 'x-request-id']) {
    if (reply.headers.has(name)) lines.push(name + ': ' + reply.headers.get(name));
  }
  const status = document.createElement('pre'), content = document.createElement('pre');
  status.className = reply.ok ? 'good' : 'bad';
  status.textContent = lines.join('\n');
  const bytes = await reply.blob();
  if (bytes.type.includes('json')) {
    content.textContent = JSON.stringify(JSON.parse(await bytes.text()), null, 2);
  } else if (bytes.type.startsWith('text/')) {
    content.textContent = (await bytes.text()).slice(0, 100000);
  } else if (bytes.size) {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(bytes);
    link.download = '';
    link.textContent = 'Save ' + bytes.size + ' bytes';
    content.append(link);
  }
  out.replaceChildren(status, ...(content.textContent ? [content] : []));
}

for (const form of document.querySelectorAll('form.try')) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const out = form.nextElementSibling, started = performance.now();
    try {
      const reply = await send(...requestOf(form));
      await show(out, reply, Math.round(performance.now() - started));
      // Fill in the ETag that the next change of this object requires.
      const version = reply.headers.get('etag'), id = form.elements.id?.value;
      for (const other of version ? form.closest('section').querySelectorAll('form') : []) {
        if (other.elements['If-Match'] && other.elements.id?.value === id) other.elements['If-Match'].value = version;
      }
    } catch (error) {
      out.textContent = String(error);
    }
  });
}

function open() {
  const target = document.getElementById(location.hash.slice(1));
  if (target && target.tagName === 'DETAILS') target.open = true;
}
addEventListener('hashchange', open);
open();
