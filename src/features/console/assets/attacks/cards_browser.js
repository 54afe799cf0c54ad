/** Attacks through a browser: requests from other sites, and a secret in a URL. */

import { read } from '../api.js';

const OTHER_ORIGIN = {
  threat: 'API8:2023 · CWE-942',
  practice: 'CORS: an exact list of allowed origins',
  code: 'src/security/browser/cors.rs',
  test: 'attacks::browser::cors::unlisted_origin_is_refused_before_the_handler_runs',
  needs: ['page'],
};

/** @type {import('./play.js').Card[]} */
export const CARDS = [
  {
    id: 'csrf-refresh',
    title: 'Renew a session from another site',
    text: 'Cross-site request forgery (CSRF): a form of another site can send a request with the victim\'s cookie, but it cannot set a custom header. Without this header the service refuses the request before it reads the cookie.',
    threat: 'API8:2023 · CWE-352',
    practice: 'Protection against cross-site request forgery (CSRF) on cookie routes',
    code: 'src/security/browser/csrf.rs',
    test: 'attacks::browser::csrf::cookie_without_listed_origin_and_csrf_header_is_refused',
    expect: { status: 403, code: 'cross_site_request', event: 'authz_fail' },
    async play(run) {
      await run.send('POST', '/api/v1/auth/refresh', { by: 'a form of another site' });
    },
  },
  {
    id: 'ticket-in-url',
    title: 'Put a secret into a URL',
    text: 'Secret in a URL: browsers, proxies and logs store URLs. So the service refuses a ticket in the URL of a WebSocket, even a valid one.',
    threat: 'API2:2023 · CWE-598',
    practice: 'One-time tickets authenticate WebSockets',
    code: 'src/security/sessions/tickets/mod.rs',
    test: 'attacks::websockets::tickets::ticket_in_the_url_is_refused',
    expect: { status: 400, code: 'invalid_input', event: 'input_validation_fail' },
    async play(run) {
      const { body } = await run.prepare('POST', '/api/v1/live/tickets', { token: run.ben.token, purpose: 'preparation' });
      await run.send('GET', `/api/v1/live?ticket=${body.ticket}`, { by: 'Ben' });
    },
  },
  {
    ...OTHER_ORIGIN,
    id: 'cors-read',
    title: 'Read the API from another site',
    text: 'A page of another origin, here another port, requests invoices. Before the request, the browser asks the service whether it allows the origin (preflight). The service refuses. The page opens in a new tab.',
    expect: { event: 'malicious_cors', route: '/api/v1/invoices' },
    play: async (run) => run.visit('cors', {
      method: 'OPTIONS', path: '/api/v1/invoices', sent: { 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'authorization' },
      reply: 'The page sees a network error without a cause.',
    }),
  },
  {
    ...OTHER_ORIGIN,
    id: 'csrf-logout',
    title: 'Sign out a user from another site',
    text: 'Cross-site request forgery: a page of another origin sends a request that carries your own cookie. The service refuses it, and you stay signed in. The page opens in a new tab.',
    threat: 'API8:2023 · CWE-352',
    expect: { event: 'malicious_cors', route: '/api/v1/auth/logout' },
    play: async (run) => run.visit('csrf', {
      method: 'POST', path: '/api/v1/auth/logout', sent: { Cookie: '(yours: the browser adds it)' },
      reply: 'The page sees a network error without a cause.',
    }),
    async verify() {
      const isSignedIn = await read('me').then(() => true, () => false);
      return { held: isSignedIn, text: isSignedIn ? 'Refused: you are still signed in' : 'You are signed out' };
    },
  },
];
