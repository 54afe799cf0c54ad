/** The views that mails link to: confirm a registration, reset a password. They need no login session. */

import { html, useEffect, useState } from './preact.js';
import { Problem, request } from './api.js';
import { Field, Heading, Refusal, useAction } from './ui.js';

/**
 * Returns the token of the link, which is in the fragment: browsers send it neither to a server nor in `Referer`.
 * Removes the token from the address bar and from the history.
 */
function takeToken(old = null) {
  const found = new URLSearchParams(location.hash.slice(1)).get('token');
  if (location.hash) history.replaceState(null, '', location.pathname);
  return found || old;
}

/**
 * Returns the token, or null. If the user opens a second mail link in the same tab, only the fragment changes and the
 * page is not loaded again. So this hook listens for `hashchange`.
 */
function useToken() {
  const [token, setToken] = useState(takeToken);
  useEffect(() => {
    const listener = () => setToken(takeToken);
    addEventListener('hashchange', listener);
    return () => removeEventListener('hashchange', listener);
  }, []);
  return token;
}

/** Says what to do if the token is refused. */
function explain(problem) {
  if (!problem.errors.some(({ pointer }) => pointer === '/token')) throw problem;
  const title = 'This link is invalid, already used, or expired. Request a new one';
  throw new Problem(problem.status, { title, code: problem.code, request_id: problem.requestId });
}

/** A form for an endpoint. `children` draws the fields. `done`: heading and content after a success. */
function Form({ title, to, token, fields, button, done: [doneTitle, doneContent], children }) {
  const [isDone, setDone] = useState(false);
  const action = useAction(async (form) => {
    const body = Object.fromEntries(new FormData(form));
    await request('POST', to, { body: token ? { ...body, token } : body }).catch(explain);
    setDone(true);
  });
  const submit = (event) => {
    event.preventDefault();
    action.run(event.target);
  };
  if (isDone) return html`<${Heading}>${doneTitle}<//>${doneContent}`;
  return html`<${Heading}>${title}<//>
    <${Refusal} problem=${action.problem} fields=${fields} />
    <form onSubmit=${submit}>${children(action.problem)}<button disabled=${action.busy}>${button}</button></form>`;
}

function NewPassword({ label, name, problem }) {
  const [isShown, setShown] = useState(false);
  return html`<${Field} label=${label} name=${name} type=${isShown ? 'text' : 'password'} autocomplete="new-password" required problem=${problem}
      hint="12 to 64 characters of any kind. Several words are easy to remember and hard to guess." />
    <label class="show"><input type="checkbox" onChange=${(event) => setShown(event.target.checked)} /> Show the password</label>`;
}

export function Confirm() {
  const token = useToken();
  return html`<section class="card narrow">${token
    ? html`<${Form} key=${token} title="Confirm your address" to="auth/confirm" token=${token} fields=${['/display_name', '/password']} button="Open account"
        done=${['Your account is open', html`<p>You can now <a href="/">sign in</a> with your email address and this password.</p>`]}>
        ${(problem) => html`<p>Choose a name and a password to open your account.</p>
          <${Field} label="Name" name="display_name" autocomplete="name" maxlength="100" required problem=${problem} hint="The name on your account and your invoices." />
          <${NewPassword} label="Password" name="password" problem=${problem} />`}<//>`
    : html`<${Heading}>Confirm your address<//>
        <p>Open the link in your mail. It is valid for 24 hours. If it has expired, <a href="/register">register again</a>.</p>`}</section>`;
}

export function Reset() {
  const token = useToken();
  return html`<section class="card narrow">${token
    ? html`<${Form} key=${token} title="Choose a new password" to="auth/password-reset/confirm" token=${token} fields=${['/new_password']} button="Change password"
        done=${['Your password has been changed', html`<p>All sessions have been ended. You can now <a href="/">sign in</a>.</p>`]}>
        ${(problem) => html`<${NewPassword} label="New password" name="new_password" problem=${problem} />`}<//>
        <p><a href="/reset">Request a new link</a></p>`
    : html`<${Form} title="Choose a new password" to="auth/password-reset" fields=${['/email']} button="Send link"
        done=${['Look at your mail', html`<p>If an account with this address exists, we have sent a mail. Its link is valid for 30 minutes.</p>`]}>
        ${(problem) => html`<p>We will send you a link by mail.</p>
          <${Field} label="Email address" name="email" type="email" autocomplete="username" required problem=${problem} />`}<//>
        <p><a href="/">Sign in</a></p>`}</section>`;
}
