'use strict';

const signIn = document.getElementById('sign-in');
const session = document.getElementById('session');
const signOutButton = document.getElementById('sign-out');
const menu = document.getElementById('menu');

/** The access token of the session that this page has opened. The page does not end the session of a pasted token. */
let own = '';
let timer;
const WARNING_S = 60;

/** Shows who is signed in, or a warning. */
function say(text, isWarning = false) {
  session.textContent = text;
  session.className = isWarning ? 'warning' : '';
  signOutButton.hidden = !own;
}

/** Sends a request without cookies. With them, a login here would replace the session of the web console. */
function send(method, path, headers, body) {
  return fetch(path, { method, headers, body, credentials: 'omit', cache: 'no-store' });
}

function authorization() {
  const token = signIn.elements.token.value.trim();
  return token ? { Authorization: 'Bearer ' + token } : {};
}

/** Ends this page's session. A new sign-in also ends the old session, because a user can have only ten sessions. */
async function signOut() {
  clearTimeout(timer);
  const token = own;
  own = signIn.elements.token.value = '';
  say('Not signed in');
  if (token) await send('POST', '/api/v1/auth/logout', { Authorization: 'Bearer ' + token });
}

/** Warns that the token expires soon, and one minute later that it has expired. */
function warn() {
  say('The token expires in one minute: sign in again', true);
  timer = setTimeout(() => say('The token has expired: sign in again', true), WARNING_S * 1000);
}

signIn.addEventListener('submit', async (event) => {
  event.preventDefault();
  const { email, password, token } = signIn.elements;
  const output = signIn.querySelector('output');
  if (token.value && !password.value) return signIn.hidePopover();
  try {
    const body = JSON.stringify({ email: email.value, password: password.value });
    const reply = await send('POST', '/api/v1/auth/login', { 'Content-Type': 'application/json' }, body);
    const answer = await reply.json();
    output.textContent = reply.ok ? '' : answer.title;
    if (!reply.ok) return;
    await signOut();
    own = token.value = answer.access_token;
    password.value = '';
    say('Signed in as ' + email.value);
    timer = setTimeout(warn, (answer.expires_in - WARNING_S) * 1000);
    signIn.hidePopover();
  } catch (error) {
    output.textContent = String(error);
  }
});

/** In development, offers to sign in as a demo user. */
const demoUsers = document.getElementById('demo-users');
signIn.addEventListener('toggle', async ({ newState }) => {
  if (!demoUsers || newState !== 'open') return;
  const reply = await send('POST', '/dev/demo-users', { 'X-Strongroom-Csrf': '1' });
  if (!reply.ok) return;
  demoUsers.replaceChildren(...(await reply.json()).items.map(({ email, password }) => {
    const button = Object.assign(document.createElement('button'), { type: 'button', className: 'quiet', textContent: 'Sign in as ' + email });
    button.addEventListener('click', () => {
      signIn.elements.email.value = email;
      signIn.elements.password.value = password;
      signIn.requestSubmit();
    });
    return button;
  }));
});

signOutButton.addEventListener('click', () => signOut().catch((error) => say(String(error), true)));
signIn.elements.token.addEventListener('input', ({ target }) => {
  clearTimeout(timer);
  say(target.value ? 'Token pasted' : 'Not signed in');
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

/** Returns the request as a shell command. The token is a variable, so that the shell's history does not contain it. */
function curlOf(form) {
  const quoted = (text) => "'" + text.replaceAll("'", "'\\''") + "'";
  const [method, path, headers, body] = requestOf(form);
  const parts = [`curl -i -X ${method} ${quoted(location.origin + path)}`];
  if (form.parentElement.querySelector('.lock')) parts.push('-H "Authorization: Bearer $TOKEN"');
  for (const [name, value] of Object.entries(headers)) parts.push('-H ' + quoted(name + ': ' + value));
  if (body instanceof FormData) {
    for (const [name, value] of body) {
      parts.push(value.name ? '-F ' + quoted(`${name}=@${JSON.stringify(value.name)}`) : '--form-string ' + quoted(name + '=' + value));
    }
  } else if (body) {
    parts.push('--data-raw ' + quoted(body));
  }
  return parts.join(' \\\n  ');
}

function pre(text, className = '') {
  return Object.assign(document.createElement('pre'), { textContent: text, className });
}

/** Shows a response. Offers a download if the body is neither JSON nor text. */
async function show(out, reply, milliseconds) {
  const lines = [reply.status + ' ' + reply.statusText + ' in ' + milliseconds + ' ms'];
  for (const name of ['content-type', 'etag', 'location', 'retry-after', 'x-request-id']) {
    if (reply.headers.has(name)) lines.push(name + ': ' + reply.headers.get(name));
  }
  const content = pre('');
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
  out.replaceChildren(pre(lines.join('\n'), reply.ok ? 'good' : 'bad'), ...(content.textContent ? [content] : []));
}

for (const form of document.querySelectorAll('form.try')) {
  const out = form.nextElementSibling;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const started = performance.now();
    try {
      const [method, path, headers, body] = requestOf(form);
      const reply = await send(method, path, { ...headers, ...authorization() }, body);
      await show(out, reply, Math.round(performance.now() - started));
      // Fill in the ETag that the next change of this object requires.
      const version = reply.headers.get('etag'), id = form.elements.id?.value;
      // Compare the paths if the object has no id.
      const isSame = (other) => other.elements.id?.value === id && (id !== undefined || other.dataset.path === form.dataset.path);
      for (const other of version ? form.closest('section').querySelectorAll('form') : []) {
        if (other.elements['If-Match'] && isSame(other)) other.elements['If-Match'].value = version;
      }
    } catch (error) {
      out.textContent = String(error);
    }
  });
  form.elements.curl.addEventListener('click', async () => {
    const text = curlOf(form);
    const result = await navigator.clipboard.writeText(text).then(() => 'Copied.', () => 'The browser did not copy it.');
    const hint = text.includes('$TOKEN') ? ' Set TOKEN to an access token first: POST /api/v1/auth/login returns one.' : '';
    out.replaceChildren(result + hint, pre(text));
  });
}

/** The items of the menu. Each has the text that is searched: path, descriptions, fields and problem codes. */
const entries = Array.from(menu.querySelectorAll('li'), (item) => {
  const parts = document.getElementById(item.firstElementChild.hash.slice(1)).querySelectorAll('summary, :scope > p:first-of-type, dt, .errors code');
  return { item, text: Array.from(parts, (part) => part.textContent).join(' ').toLowerCase() };
});

menu.addEventListener('input', ({ target }) => {
  const words = target.value.toLowerCase().split(' ');
  for (const { item, text } of entries) item.hidden = !words.every((word) => text.includes(word));
  for (const group of menu.querySelectorAll('section')) group.hidden = !group.querySelector('li:not([hidden])');
  menu.querySelector('output').textContent = target.value ? menu.querySelectorAll('li:not([hidden])').length + ' found' : '';
});

menu.addEventListener('submit', (event) => {
  event.preventDefault();
  menu.querySelector('li:not([hidden]) a')?.click();
});

menu.addEventListener('click', ({ target }) => target.closest('a') && menu.hidePopover());

/** Opens the operation or the model whose id is in the fragment of the address. */
function open() {
  const target = document.getElementById(location.hash.slice(1));
  if (target?.tagName !== 'DETAILS') return;
  target.open = true;
  target.firstElementChild.focus();
}
addEventListener('hashchange', open);
open();
