// Tests the web console in a real browser: an invoice from draft to payment, changes in another tab, another user's
// invoice, a refused document, an administrator. Then axe on every view. Usage: console.mjs BASE SECRETS PICTURES
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const kept = createRequire(process.env.TOOLS + '/');
const { chromium } = kept('playwright-core');
const [base, secrets, pictures] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
const USERS = { anna: 1, ben: 2, root: 3 };
const password = (name) => readFileSync(`${secrets}/demo_password_${USERS[name]}`, 'utf8').trim();

/** Opens a page in a new browser profile. `faults` contains what the browser complains about. */
async function open(path, options) {
  const context = await browser.newContext({ acceptDownloads: true, ...options });
  const page = await context.newPage(), faults = [];
  watch(page, faults);
  await page.goto(base + path);
  return { context, page, faults };
}

function watch(page, faults) {
  // Chromium reports refusals as errors too. A visitor without a session gets 401 from the refresh.
  page.on('console', (line) => line.type() === 'error' && !/status of (400|401|404)/.test(line.text()) && faults.push(line.text()));
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => /^(http|ws)/.test(request.url()) && !request.url().replace(/^ws/, 'http').startsWith(base) && faults.push('asks ' + request.url()));
}

async function signIn(page, name) {
  await page.getByLabel('Email address').fill(`${name}@demo.example`);
  await page.getByLabel('Password').fill(password(name));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

const heading = (page, name) => page.getByRole('heading', { name, level: 1 }).waitFor();

/** Creates, issues and pays an invoice, and returns its path. */
async function story(page) {
  await page.getByRole('link', { name: 'New invoice' }).click();
  await page.getByLabel('Description').fill('Design <b>of</b> a lighthouse');
  await page.getByLabel('Unit price').fill('a lot');
  await page.getByRole('button', { name: 'Save and close' }).click();
  await page.locator('.field', { has: page.getByLabel('Unit price') }).locator('.error').waitFor();
  assert.equal(await page.getByLabel('Unit price').getAttribute('aria-invalid'), 'true');
  await page.getByLabel('Unit price').fill('120.50');
  await page.getByLabel('Quantity').fill('3');
  await page.getByLabel('Tax (%)').fill('21');
  await page.getByRole('button', { name: 'Save and compute totals' }).click();
  await page.getByText('€437.42').waitFor();
  await page.getByRole('button', { name: 'Save and close' }).click();
  await heading(page, 'Draft invoice');
  await page.getByText('Design <b>of</b> a lighthouse').waitFor();
  await page.getByRole('button', { name: 'Issue' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Issue' }).click();
  await heading(page, /^Invoice INV-/);
  await page.getByLabel(/^Amount/).fill('100');
  await page.getByRole('button', { name: 'Record payment' }).click();
  await page.getByText('€337.42').first().waitFor();
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save PDF' }).click();
  assert.match(readFileSync(await (await saved).path(), 'latin1').slice(0, 5), /%PDF-/);
  return new URL(page.url()).pathname;
}

async function documents(page) {
  await page.getByRole('link', { name: 'Documents' }).click();
  await heading(page, 'Documents');
  const upload = (name, text) => page.setInputFiles('input[type=file]', { name, mimeType: 'text/plain', buffer: Buffer.from(text) });
  await upload('page.txt', '<!doctype html><script>alert(1)</script>');
  await page.getByRole('alert').getByText('/file').waitFor();
  await upload('note.txt', 'A plain note.\n');
  await page.getByText('note.txt is uploaded').waitFor();
}

/** A change in one tab appears in another tab without a reload. Signing out in one tab signs out the other, too. */
async function twoTabs(page, context, faults) {
  const other = await context.newPage();
  watch(other, faults);
  await other.goto(base + '/customers');
  await heading(other, 'Customers');
  await other.locator('.dot.live').waitFor();
  await page.getByRole('link', { name: 'Customers' }).click();
  await page.getByRole('button', { name: 'New customer' }).click();
  const name = `Live ${Date.now()}`;
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Currency').fill('EUR');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await other.getByText(name).first().waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await heading(page, 'Sign in');
  await heading(other, 'Sign in');
  await other.close();
}

async function walk() {
  const { context, page, faults } = await open('/', { viewport: { width: 1280, height: 900 } });
  await signIn(page, 'anna');
  await heading(page, 'Invoices');
  const invoice = await story(page);
  await page.reload();
  await heading(page, /^Invoice INV-/);
  const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
  assert.deepEqual(kept, [0, 0, ''], 'scripts can read no stored token');
  await documents(page);
  await twoTabs(page, context, faults);
  await signIn(page, 'ben');
  await page.goto(base + invoice);
  await page.getByText('Resource not found').first().waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await signIn(page, 'root');
  await page.getByRole('link', { name: 'Administration' }).click();
  await page.getByText('authz_fail').first().waitFor();
  await page.screenshot({ path: `${pictures}/administration.png`, fullPage: true });
  assert.deepEqual(faults, []);
  await context.close();
}

/** Opens every view, in both colour schemes, on a desktop and on a phone. */
async function judge(name, views) {
  for (const [size, width, colorScheme] of [['desktop', 1440, 'light'], ['dark', 1440, 'dark'], ['phone', 360, 'light'], ['dark-phone', 360, 'dark']]) {
    // The test injects axe, so this page runs without the content security policy.
    const { context, page, faults } = await open('/', { viewport: { width, height: 800 }, colorScheme, bypassCSP: true });
    if (name) await signIn(page, name);
    for (const path of views) {
      await page.goto(base + path);
      await page.locator('h1').waitFor();
      await page.getByText('Loading …').first().waitFor({ state: 'detached' });
      const where = `${path} ${size}`;
      await page.screenshot({ path: `${pictures}/console${path.replaceAll('/', '-')}-${size}.png`, fullPage: true });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${where}: ${overflow} px too wide`);
      await page.addScriptTag({ path: kept.resolve('axe-core/axe.min.js') });
      const found = await page.evaluate(async () => (await axe.run()).violations.map((one) => `${one.id} (${one.impact}) ${one.nodes[0].html.slice(0, 200)}`));
      assert.deepEqual(found, [], where);
    }
    assert.deepEqual(faults, [], size);
    await context.close();
  }
}

try {
  await walk();
  await judge(null, ['/', '/register']);
  await judge('anna', ['/invoices', '/invoices/new', '/invoices/10000000-0000-4000-8000-000000000006', '/customers', '/documents', '/account']);
  await judge('root', ['/admin']);
  console.log('console: issued and paid an invoice, saw live changes, was refused another user\'s invoice; nothing that axe minds');
} finally {
  await browser.close();
}
