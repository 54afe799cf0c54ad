// Tests the pages that mails link to, in a real browser: registration, the reset of a password, and invalid links.
// If the console is on, it shows these pages. Otherwise they are separate pages. The test runs the same steps on both.
// Usage: mail_pages.mjs BASE MAIL_FOLDER PICTURES
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { OPTIONS, SIZES, chromium, judge } from './browser.mjs';

const [base, mails, pictures] = process.argv.slice(2);
const browser = await chromium.launch(OPTIONS);
const hasConsole = (await fetch(base + '/')).ok;
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

const seen = (page, text) => page.getByText(text).locator('visible=true').first().waitFor();
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
const field = (page, label) => page.getByLabel(label, { exact: true });

/** Finds the error message at the field with this name. */
const error = (page, name) => page.locator(`[id$="${name}-error"]:not(:empty)`);

/** Fails unless the field has the focus, and a screen reader reads that it is invalid. */
async function expectInvalid(page, label) {
  assert.ok(await field(page, label).evaluate((one) => one === document.activeElement), label);
  assert.equal(await field(page, label).getAttribute('aria-invalid'), 'true', label);
}

async function start() {
  if (!hasConsole) return post('/api/v1/auth/register', { email: address });
  const { page, faults } = await open('/register');
  await field(page, 'Email address').fill(address);
  await press(page, 'Register');
  await page.getByRole('heading', { name: 'Look at your mail' }).waitFor();
  assert.deepEqual(faults, []);
}

async function register() {
  await start();
  const token = await tokenFor('confirm');
  const { page, faults } = await open('/confirm#token=' + token);
  assert.equal(page.url(), base + '/confirm', 'the token has left the address bar');
  assert.equal(await page.evaluate(() => history.length), 2, 'and the history has no entry with it');
  // Uses only the keyboard. The first attempt has no name, and the second one has a password that the service refuses.
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  if (!hasConsole) {
    await error(page, 'display_name').filter({ hasText: 'Name is required.' }).waitFor();
    await expectInvalid(page, 'Name');
  }
  await page.keyboard.type('Browser <b>Test</b>');
  await page.keyboard.press('Tab');
  await page.keyboard.type('password1234');
  await page.keyboard.press('Enter');
  await error(page, 'password').filter({ hasNotText: 'is required' }).waitFor();
  // In the console, the summary of the refusal gets the focus. expectInvalid() expects the focus in the field.
  if (hasConsole) await field(page, 'Password').focus();
  await expectInvalid(page, 'Password');
  assert.equal(await error(page, 'display_name').count(), 0);
  await page.screenshot({ path: `${pictures}/${hasConsole ? 'console-' : ''}confirm-refused.png` });
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('seven quiet green lanterns');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  assert.equal(await field(page, 'Password').getAttribute('type'), 'text');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await seen(page, 'Your account is open');
  if (hasConsole) {
    await page.getByRole('link', { name: 'sign in' }).click();
    await field(page, 'Email address').fill(address);
    await field(page, 'Password').fill('seven quiet green lanterns');
    await press(page, 'Sign in');
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
  }
  assert.deepEqual(faults, []);

  // Opens the same link a second time.
  const again = await open('/confirm#token=' + token);
  await field(again.page, 'Name').fill('Again');
  await field(again.page, 'Password').fill('eight loud purple kettles');
  await press(again.page, 'Open account');
  await again.page.locator('[role=alert]', { hasText: 'This link is invalid, already used, or expired' }).waitFor();
  return token;
}

async function reset() {
  const { page, faults } = await open('/reset');
  await field(page, 'Email address').fill('nothing@nowhere');
  await press(page, 'Send link');
  await error(page, 'email').waitFor();
  await field(page, 'Email address').fill(address);
  await press(page, 'Send link');
  await seen(page, 'we have sent a mail');
  const token = await tokenFor('reset');
  // Opens the link in the same tab, as some mail programs do.
  await page.evaluate((hash) => { location.hash = hash; }, 'token=' + token);
  await field(page, 'New password').fill('eight loud purple kettles');
  await press(page, 'Change password');
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
    for (const [name, width, colorScheme] of SIZES) {
      const options = { viewport: { width, height: 740 }, colorScheme, bypassCSP: true };
      const { page, faults } = await open(path, options);
      const where = path.split('#').map((part) => part.slice(0, 8)).join('-').replaceAll('/', '') + ' ' + name;
      await page.screenshot({ path: `${pictures}/${hasConsole ? 'console-' : ''}${where.replaceAll(' ', '-')}.png` });
      assert.deepEqual(faults, [], where);
      await judge(page, where);
    }
  }
  console.log(`/confirm, /reset ${hasConsole ? 'in' : 'without'} the console: registered, chose a new password, by keyboard and by mouse; no token in an address; nothing that axe minds`);
} finally {
  await browser.close();
}
