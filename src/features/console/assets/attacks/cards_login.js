/** Attacks on passwords. Each failed login counts for the account, and for this browser's address and network. */

import { create } from '../api.js';
import { solve } from '../challenge.js';
import { comparable } from './cards_common.js';

const LOGIN = '/api/v1/auth/login';
const WRONG = 'correct horse battery 8';
const THROTTLING = {
  threat: 'API2:2023 · CWE-307',
  practice: 'Login throttling: brute force, credential stuffing and password spraying',
  code: 'src/security/authentication/login_throttling/mod.rs',
  needs: ['reset'],
  expect: { status: 429, code: 'too_many_requests', event: 'authn_login_fail_max' },
};

const login = (run, email, password, more = {}) => run.send('POST', LOGIN, { ...more, body: { email, password, ...more.body } });
const unknown = () => `nobody-${crypto.randomUUID()}@attacks.invalid`;

/** Tries a wrong password. Throws if the status is not 401, for example because the client has reached a limit. */
async function guess(run, email, password, more) {
  const { status } = await login(run, email, password, more);
  if (status !== 401) throw new Error(`a wrong password returned ${status}, not 401`);
}

/** @type {import('./play.js').Card[]} */
export const CARDS = [
  {
    id: 'long-password',
    title: 'Log in with a password of 10,000 characters',
    text: 'Denial of service by hashing: a long password costs the service much work. It is refused before any hash is computed, and is not counted as a failed login.',
    threat: 'API2:2023 · CWE-400',
    practice: 'Password policy and hashing: argon2id with the same work for every check, no common passwords',
    code: 'src/security/authentication/passwords/mod.rs',
    test: 'attacks::authentication::passwords::too_long_password_is_rejected_without_hashing_on_every_route',
    expect: { status: 400, code: 'invalid_input', event: 'input_validation_fail' },
    async play(run) {
      await login(run, run.anna.email, 'x'.repeat(10_000));
    },
  },
  {
    id: 'user-enumeration',
    title: 'Find out who has an account',
    text: 'User enumeration: Ben tries a wrong password 20 times with known and 20 times with unknown addresses. The responses are equal, and each attempt computes one hash, so the times overlap in the picture.',
    threat: 'API2:2023 · CWE-204 · CWE-208',
    practice: 'Password verification in uniform time with one error, to prevent user enumeration',
    code: 'src/security/authentication/credentials.rs',
    test: 'attacks::authentication::credentials::failed_login_is_indistinguishable_for_every_cause',
    needs: ['reset'],
    expect: { status: 401, code: 'invalid_credentials', event: 'authn_login_fail' },
    async play(run) {
      const times = { known: [], unknown: [] }, responses = new Set();
      const attempt = async (kind, email) => {
        const start = performance.now();
        responses.add(comparable(await login(run, email, WRONG)));
        times[kind].push(performance.now() - start);
      };
      // The limits are 5 failures for an account at this address, and 20 for the address. So the second half needs new
      // accounts, whose creation also resets the counter of the address.
      for (const half of [0, 1]) {
        const { attacker, victim } = half ? await create('admin/attack-accounts') : { attacker: run.ben, victim: run.anna };
        const others = [unknown(), unknown()];
        for (let n = 0; n < 10; n += 1) {
          await attempt('known', [attacker, victim][n % 2].email);
          await attempt('unknown', others[n % 2]);
        }
      }
      run.histogram('Duration of a failed login', [{ label: 'known address', values: times.known }, { label: 'unknown address', values: times.unknown }]);
      if (responses.size > 1) return { held: false, text: `The responses differ in ${responses.size} ways` };
    },
  },
  {
    ...THROTTLING,
    id: 'brute-force',
    title: 'Guess the password of one account',
    text: 'Brute force: Ben guesses Anna\'s password. After five failures from this address, even the correct password must wait.',
    test: 'attacks::authentication::login_throttling::networks::sixth_guess_from_one_address_returns_429_before_hashing',
    async play(run) {
      for (let n = 1; n <= 5; n += 1) await guess(run, run.anna.email, `${WRONG}${n}`);
      await login(run, run.anna.email, run.anna.password);
    },
  },
  {
    ...THROTTLING,
    id: 'password-spraying',
    title: 'Try one password on many accounts',
    text: 'Password spraying: Ben tries one password on 20 accounts. Now each login from this address needs a solved challenge (proof of work). Anna, at the same address, solves one in this page and logs in. Ben replays the solution.',
    practice: 'Proof-of-work challenge (ALTCHA version 1) for logins beyond the limit of an address or network',
    code: 'src/security/authentication/login_challenge.rs',
    test: 'attacks::authentication::login_challenge::solved_challenge_signs_in_at_a_full_address',
    async play(run) {
      for (let n = 1; n <= 20; n += 1) await guess(run, unknown(), WRONG);
      const anna = { by: 'Anna, not logged in', purpose: 'comparison' };
      const refused = await login(run, run.anna.email, run.anna.password, anna);
      if (!refused.body.challenge) return { held: false, text: 'The service asks for no challenge' };
      const start = performance.now(), altcha = await solve(refused.body.challenge);
      run.note(`This browser solved the challenge in ${((performance.now() - start) / 1000).toFixed(1)} s.`);
      const solved = await login(run, run.anna.email, run.anna.password, { ...anna, body: { altcha } });
      if (solved.status !== 200) return { held: false, text: 'The solution was not accepted' };
      await login(run, run.anna.email, run.anna.password, { body: { altcha } });
    },
  },
  {
    ...THROTTLING,
    id: 'forged-forwarded-for',
    title: 'Pretend to come from many addresses',
    text: 'Forged X-Forwarded-For: each of five guesses claims another client address, to escape the limit. Then even the correct password must wait. The service reads this header only from a trusted proxy.',
    threat: 'API8:2023 · CWE-290 · CWE-348',
    practice: 'The client\'s address behind proxies: forged X-Forwarded-For headers',
    code: 'src/http/client_ip.rs',
    test: 'attacks::limits::rate_limits::forwarding_headers_of_an_unlisted_peer_are_ignored',
    expect: { ...THROTTLING.expect, event: 'malicious_forwarding_header' },
    async play(run) {
      const claim = (n) => ({ headers: { 'X-Forwarded-For': `203.0.113.${n}` } });
      for (let n = 1; n <= 5; n += 1) await guess(run, run.anna.email, `${WRONG}${n}`, claim(n));
      await login(run, run.anna.email, run.anna.password, claim(6));
    },
  },
];
