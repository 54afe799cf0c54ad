/** Forged and expired access tokens. */

import { allRefused, base64url, decode, sign, tellApart } from './cards_common.js';

/** What all cards of this group have in common. */
const COMMON = {
  threat: 'API2:2023 · CWE-347',
  practice: 'Access tokens: short-lived JWTs with a pinned algorithm and strict claims',
  code: 'src/security/sessions/access_tokens/mod.rs',
  test: 'attacks::sessions::access_tokens::forged_tokens_get_identical_refusal',
  expect: { status: 401, code: 'unauthenticated', event: 'authn_token_invalid' },
};

/** Reads the profile with Anna's token, which must succeed. Then sends `token` to the same path. */
async function use(run, token, options) {
  await run.prepare('GET', '/api/v1/me', { token: run.anna.token });
  return run.send('GET', '/api/v1/me', { token, ...options });
}

/** Returns the expectation with the event's reason, which shows which check has refused the token. */
const because = (reason) => ({ ...COMMON.expect, reason });

/**
 * Returns the header and the claims of a forged token. They come from Anna's own token, so a service that does not
 * check the signature would accept the forged token.
 */
function forge(run, more) {
  const [header, claims] = decode(run.anna.token);
  return [{ ...header, ...more }, claims];
}

/** @type {import('./play.js').Card[]} */
export const CARDS = [
  {
    ...COMMON,
    id: 'token-without-signature',
    title: 'Send a token without a signature',
    text: 'Algorithm "none": Ben sends all claims of Anna\'s token, but sets the algorithm to "none" and removes the signature.',
    expect: because('algorithm'),
    async play(run) {
      const [header, claims] = forge(run, { alg: 'none' });
      await use(run, `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}.`);
    },
  },
  {
    ...COMMON,
    id: 'token-with-wrong-key',
    title: 'Sign a token with a guessed key',
    text: 'Forged signature: Ben sends all claims of Anna\'s token, and signs them in this browser with the key "secret".',
    expect: because('signature'),
    async play(run) {
      await use(run, await sign(...forge(run), 'secret'));
    },
  },
  {
    ...COMMON,
    id: 'token-key-confusion',
    title: 'Sign a token with a public key',
    text: 'Key confusion (RS/HS): Ben signs the token with a value that everyone knows: the service\'s public key, or, if the service uses HS256 and has none, the key id in each token.',
    code: 'src/security/sessions/access_tokens/keys.rs',
    practice: 'Keys of access tokens: at most two keys, which come from the configuration only',
    threat: 'API2:2023 · CWE-347 · CWE-321',
    // Two reasons are right: a service with EdDSA refuses the algorithm HS256 before it verifies the signature.
    expect: because(['signature', 'algorithm']),
    async play(run) {
      const [header, claims] = forge(run, { alg: 'HS256' });
      const keys = await run.send('GET', '/.well-known/jwks.json', { purpose: 'preparation' });
      const replies = [];
      for (const secret of [...(keys.body.keys ?? []).map((key) => key.x), header.kid]) replies.push(await use(run, await sign(header, claims, secret)));
      return allRefused(replies, 401, 'unauthenticated');
    },
  },
  {
    ...COMMON,
    id: 'token-without-issuer',
    title: 'Send a token without an issuer',
    text: 'Missing issuer: the signature is valid, but the claim "iss" is missing. Many JWT libraries accept this. Only the holder of the signing key can make such a token, so the service has made it for this card.',
    needs: ['tokens'],
    expect: because('issuer'),
    async play(run) {
      await use(run, run.tokens.missing_issuer, { by: 'Ben, with a token without issuer' });
    },
  },
  {
    ...COMMON,
    id: 'token-expired',
    title: 'Send an expired token',
    text: 'Expired token: the signature is valid, but the token has expired. The refusal is the same as for a forged token. Only the event names the reason.',
    threat: 'API2:2023 · CWE-613',
    test: 'attacks::sessions::access_tokens::expired_access_token_is_rejected',
    needs: ['tokens'],
    expect: because('expired'),
    async play(run) {
      const forged = await use(run, await sign(...forge(run), 'secret'), { purpose: 'comparison' });
      return tellApart(forged, await run.send('GET', '/api/v1/me', { token: run.tokens.expired, by: 'Ben, with an expired token' }));
    },
  },
];
