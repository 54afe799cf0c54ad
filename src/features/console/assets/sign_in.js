/** The views for signing in and for registering. */

import { html, useEffect, useState } from './preact.js';
import { refused, request } from './api.js';
import { solve } from './challenge.js';
import { Link, go } from './router.js';
import * as session from './session.js';
import { Field, HAS_ATTACK_PANEL, Heading, IS_DEVELOPMENT, Refusal, useAction } from './ui.js';

/** Signs in. When login throttling asks for a challenge, solves it and tries once more. */
async function signIn(credentials, progress) {
  try {
    await session.signIn(credentials).catch(refused);
  } catch (problem) {
    if (!problem.challenge || credentials.altcha) throw problem;
    await signIn({ ...credentials, altcha: await solve(problem.challenge, progress) }, progress);
  }
}

export function SignIn({ next = '/' }) {
  const [share, setShare] = useState(null);
  const action = useAction(async (form) => {
    const { email, password } = Object.fromEntries(new FormData(form));
    try {
      await signIn({ email, password }, setShare);
    } finally {
      setShare(null);
    }
    go(next);
  });
  const submit = (event) => {
    event.preventDefault();
    action.run(event.target);
  };
  return html`<section class="card narrow">
    <${Heading}>Sign in<//>
    <${Refusal} problem=${action.problem} fields=${['/email', '/password']} />
    <form onSubmit=${submit}>
      <${Field} label="Email address" name="email" type="email" autocomplete="username" required problem=${action.problem} />
      <${Field} label="Password" name="password" type="password" autocomplete="current-password" required problem=${action.problem} />
      <button disabled=${action.busy}>${action.busy ? 'Signing in …' : 'Sign in'}</button>
      ${share !== null && html`<p role="status">Too many failed sign-ins came from your network. Your browser solves a puzzle to go on:
        <progress max="1" value=${share} aria-label="Puzzle"></progress></p>`}
    </form>
    <p><${Link} to="/register">Register<//> · <a href="/reset">Forgot your password?</a></p>
    <${DemoUsers} />
  </section>`;
}

/** A button for each demo user. Only in development: in production, the service has no such route. */
function DemoUsers() {
  const [users, setUsers] = useState([]);
  const action = useAction(({ email, password }) => signIn({ email, password }));
  useEffect(() => {
    // The administrator comes first, because only the administrator has all views.
    const show = (found) => setUsers([...found].sort((a, b) => b.is_admin - a.is_admin));
    if (IS_DEVELOPMENT) session.demoUsers().then(show, () => {});
  }, []);
  if (users.length === 0) return null;
  const administrator = users.find((user) => user.is_admin);
  return html`<h2>Demo users</h2>
    <p class="soft">Development only.${administrator && ` Only ${administrator.name} has Administration${HAS_ATTACK_PANEL ? ' and Attacks' : ''}.`}</p><${Refusal} problem=${action.problem} />
    <div class="actions">${users.map((user) => html`
      <button type="button" class="quiet" disabled=${action.busy} onClick=${() => action.run(user)}>Sign in as ${user.name}${user.is_admin ? ' (administrator)' : ''}</button>`)}</div>`;
}

export function Register() {
  const [sentTo, setSentTo] = useState(null);
  const action = useAction(async (form) => {
    const { email } = Object.fromEntries(new FormData(form));
    await request('POST', 'auth/register', { body: { email } });
    setSentTo(email);
  });
  const submit = (event) => {
    event.preventDefault();
    action.run(event.target);
  };
  if (sentTo) {
    return html`<section class="card narrow"><${Heading}>Look at your mail<//>
      <p>We sent a mail to ${sentTo}. Open its link to choose a name and a password. The link is valid for 24 hours.</p>
      <p class="soft">The mail also comes if this address has an account already, so this page does not tell who has one.</p>
      ${IS_DEVELOPMENT && html`<p class="soft">In development, mails are files in <code>.strongroom/mail</code>.</p>`}
      <p><${Link} to="/">Sign in<//></p></section>`;
  }
  return html`<section class="card narrow">
    <${Heading}>Register<//>
    <${Refusal} problem=${action.problem} fields=${['/email']} />
    <form onSubmit=${submit}>
      <${Field} label="Email address" name="email" type="email" autocomplete="email" required problem=${action.problem} />
      <button disabled=${action.busy}>Register</button>
    </form>
    <p>You have an account? <${Link} to="/">Sign in<//></p>
  </section>`;
}
