// Tests the pages that mails link to, in a real browser: registration, the reset of a password, and invalid links.
// Usage: mail_pages.mjs BASE MAIL_FOLDER PICTURES
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const kept = createRequire(process.env.TOOLS + '/');
const { chromium } = kept('playwright-core');
const [base, mails, pictures] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
const address = `browser-${Date.now()}@example.com`, sent = [];

async function open(path, options) {
  const page = await (await browser.newContext(options)).newPage(), faults = [];
  // Ignore status 400: Chromium reports it as an error, but a refused password has this status.
  page.on('console', (line) => line.type() === 'error' && !/status of 400/.test(line.text()) && faults.push(line.text()));
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => sent.push({ url: request.url(), referer: request.headers().referer, body: request.postData() }));
  const reply = await page.goto(base + path, { waitUntil: 'networkidle' });
  assert.equal(reply.status(), 200);
  return { page, faults };
}

/** Returns the token from the newest mail to the test user that contains a link to this page. */
async function tokenFor(page) {
  for (let n = 0; n < 300; n++) {
    // The service creates the folder when it sends its first mail. It sends a mail after its reply to the request, so
    // the folder may not exist yet.
    const names = existsSync(mails) ? readdirSync(mails) : [];
    const files = names.filter((name) => name.endsWith('.eml')).map((name) => join(mails, name)).sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
    for (const text of files.map((file) => readFileSync(file, 'utf8').replaceAll('=\r\n', '').replaceAll('=3D', '='))) {
      const link = text.includes(address) && text.match(new RegExp(`/${page}#token=([A-Za-z0-9_-]{43})`));
      if (link) return link[1];
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail('no mail for ' + page);
}

async function post(path, body) {
  const reply = await fetch(base + path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  assert.ok(reply.ok, path + ' ' + reply.status);
}

/** Returns the id of the focused element and whether it is marked as invalid, as a screen reader reads it. */
const focused = (page) => page.evaluate(() => [document.activeElement.id, document.activeElement.getAttribute('aria-invalid')].join(' '));

const seen = (page, text) => page.locator('.done:visible', { hasText: text }).waitFor();

async function register() {
  const start = await open('/register');
  await start.page.getByLabel('Email address').fill(address);
  await start.page.getByRole('button', { name: 'Register' }).click();
  await start.page.getByRole('heading', { name: 'Look at your mail' }).waitFor();
  assert.deepEqual(start.faults, []);
  const token = await tokenFor('confirm');
  const { page, faults } = await open('/confirm#token=' + token);
  assert.equal(page.url(), base + '/confirm', 'the token has left the address bar');
  assert.equal(await page.evaluate(() => history.length), 2, 'and the history has no entry with it');
  // Uses only the keyboard. The first attempt has no name, and the second one has a password that the service refuses.
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('#display_name-error', { hasText: 'Name is required.' }).waitFor();
  assert.equal(await focused(page), 'display_name true');
  await page.keyboard.type('Browser <b>Test</b>');
  await page.keyboard.press('Tab');
  await page.keyboard.type('password1234');
  await page.keyboard.press('Enter');
  await page.locator('#password-error:not(:empty)', { hasNotText: 'is required' }).waitFor();
  assert.equal(await focused(page), 'password true');
  assert.equal(await page.textContent('#display_name-error'), '');
  await page.screenshot({ path: pictures + '/confirm-refused.png' });
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('seven quiet green lanterns');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  assert.equal(await page.getAttribute('#password', 'type'), 'text');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await seen(page, 'Your account is open');
  await page.getByRole('link', { name: 'sign in' }).click();
  await page.getByLabel('Email address').fill(address);
  await page.getByLabel('Password').fill('seven quiet green lanterns');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  assert.deepEqual(faults, []);

  // Opens the same link a second time.
  const again = await open('/confirm#token=' + token);
  await again.page.fill('#display_name', 'Again');
  await again.page.fill('#password', 'eight loud purple kettles');
  await again.page.click('button');
  await again.page.locator('[role=alert]', { hasText: 'This link is invalid, already used, or expired' }).waitFor();
  return token;
}

async function reset() {
  const { page, faults } = await open('/reset');
  await page.fill('#email', 'nothing');
  await page.click('button:visible');
  await page.locator('#email-error:not(:empty)').waitFor();
  await page.fill('#email', address);
  await page.click('button:visible');
  await seen(page, 'we have sent a mail');
  const token = await tokenFor('reset');
  // Opens the link in the same tab, as some mail programs do.
  await page.evaluate((hash) => { location.hash = hash; }, 'token=' + token);
  await page.fill('#new_password', 'eight loud purple kettles');
  await page.click('button:visible');
  await seen(page, 'Your password has been changed');
  assert.equal(page.url(), base + '/reset');
  assert.deepEqual(faults, []);
  await post('/api/v1/auth/login', { email: address, password: 'eight loud purple kettles' });
  return token;
}

try {
  const tokens = [await register(), await reset()];
  for (const { url, referer, body } of sent) {
    // Playwright includes the fragment in the URL of a document. The browser does not send the fragment, so remove it.
    const [network] = url.split('#');
    assert.ok(network.startsWith(base + '/'), 'asks ' + network);
    for (const token of tokens) {
      assert.ok(!network.includes(token) && !referer?.includes(token), 'the token is in an address or a Referer');
      assert.ok(!body?.includes(token) || /\/auth\/(confirm|password-reset\/confirm)$/.test(network), 'the token goes to ' + network);
    }
  }
  for (const path of ['/confirm', '/confirm#token=' + 'A'.repeat(43), '/reset', '/reset#token=' + 'A'.repeat(43)]) {
    for (const [name, width, colorScheme] of [['desktop', 1280, 'light'], ['dark', 1280, 'dark'], ['phone', 360, 'light'], ['dark-phone', 360, 'dark']]) {
      const options = { viewport: { width, height: 740 }, colorScheme, bypassCSP: true };
      const { page, faults } = await open(path, options);
      const where = path.split('#').map((part) => part.slice(0, 8)).join('-').replaceAll('/', '') + ' ' + name;
      await page.screenshot({ path: `${pictures}/${where.replaceAll(' ', '-')}.png` });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${where}: ${overflow} px too wide`);
      assert.deepEqual(faults, [], where);
      // The Content Security Policy would block axe, which the test injects. So this page runs without the policy.
      await page.addScriptTag({ path: kept.resolve('axe-core/axe.min.js') });
      const found = await page.evaluate(async () => (await axe.run()).violations.map((one) => `${one.id} (${one.impact}) ${one.nodes[0].html.slice(0, 200)}`));
      assert.deepEqual(found, [], where);
    }
  }
  console.log('/confirm, /reset: registered, chose a new password, by keyboard and by mouse; no token in an address; nothing that axe minds');
} finally {
  await browser.close();
}
