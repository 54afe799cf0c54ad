// Tests the web console in a real browser: an invoice from draft to payment, changes in another tab, another user's
// invoice, a refused document, and an administrator who sees an alert. Then it tests failures, and axe checks every view.
// Usage: console.mjs BASE SECRETS PICTURES
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { OPTIONS, SIZES, chromium, judge } from './browser.mjs';

const [base, secrets, pictures] = process.argv.slice(2);
const browser = await chromium.launch(OPTIONS);
const USERS = { anna: 1, ben: 2, root: 3 };
const password = (name) => readFileSync(`${secrets}/demo_password_${USERS[name]}`, 'utf8').trim();

/** Opens a page in a new browser profile. `faults` contains the errors that the browser reports. */
async function open(path, options) {
  const context = await browser.newContext({ acceptDownloads: true, ...options });
  const page = await context.newPage(), faults = [];
  watch(page, faults);
  await page.goto(base + path);
  return { context, page, faults };
}

function watch(page, faults) {
  // Ignore the refusals that the test causes, because Chromium reports each refusal as an error.
  // 401 is expected at a sign-out: the service closes the live socket, and the page may request a ticket for a new
  // socket before it knows that the session has ended.
  page.on('console', (line) => line.type() === 'error' && !/status of (400|401|404|412)/.test(line.text()) && faults.push(`${line.text()} ${line.location().url}`));
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => /^(http|ws)/.test(request.url()) && !request.url().replace(/^ws/, 'http').startsWith(base) && faults.push('asks ' + request.url()));
}

async function signIn(page, name) {
  await page.getByLabel('Email address').fill(`${name}@demo.example`);
  await page.getByLabel('Password').fill(password(name));
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

/** Returns a function that sends a request as this user, and returns the reply's body with its `ETag`. */
async function client(name) {
  const send = async (method, path, body, headers) => {
    const reply = await fetch(`${base}/api/v1/${path}`, { method, headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) });
    assert.ok(reply.ok, `${path} ${reply.status}`);
    return { etag: reply.headers.get('ETag'), ...(await reply.json()) };
  };
  const { access_token: token } = await send('POST', 'auth/login', { email: `${name}@demo.example`, password: password(name) });
  return (method, path, body, headers) => send(method, path, body, { Authorization: `Bearer ${token}`, ...headers });
}

const heading = (page, name) => page.getByRole('heading', { name, level: 1 }).waitFor();

/** Before a link, Back or a page reload loses input, the console asks the user. This user answers that they stay. */
async function leaveAndStay(page) {
  const asked = [];
  const stay = (question) => asked.push(question.type()) && question.dismiss();
  page.on('dialog', stay);
  await page.getByRole('link', { name: 'Customers' }).click();
  await page.evaluate(() => history.back());
  await page.waitForFunction(() => location.pathname === '/invoices/new');
  const reload = page.waitForEvent('dialog');
  await page.evaluate(() => location.reload());
  await reload;
  page.off('dialog', stay);
  assert.deepEqual(asked, ['confirm', 'confirm', 'beforeunload']);
  assert.equal(await page.getByLabel('Quantity').inputValue(), '3');
}

/** Creates, issues and pays an invoice, and returns its path. */
async function story(page) {
  await page.getByRole('link', { name: 'New invoice' }).click();
  const customer = await page.getByLabel('Customer').locator('option:checked').textContent();
  await page.getByLabel('Description').fill('Design <b>of</b> a lighthouse');
  await page.getByText('The totals appear when').waitFor();
  await page.getByText('If empty, 14 days after the issue date').waitFor();
  await page.getByLabel('Unit price').fill('a lot');
  await page.getByText('No totals: correct the marked fields.').waitFor();
  await page.getByRole('button', { name: 'Save draft' }).click();
  await page.locator('.field', { has: page.getByLabel('Unit price') }).locator('.error').waitFor();
  assert.equal(await page.getByLabel('Unit price').getAttribute('aria-invalid'), 'true');
  const errors = page.getByRole('group', { name: 'Line 1' }).locator('.error');
  await page.getByLabel('Unit price').fill('1,234.50');
  await errors.filter({ hasText: 'no comma for thousands' }).waitFor();
  await page.getByLabel('Unit price').fill('120,50');
  await page.getByRole('button', { name: 'Save draft' }).click();
  await errors.filter({ hasText: 'Use a point: 120.50' }).waitFor();
  assert.ok(await page.getByLabel('Unit price').evaluate((field) => field === document.activeElement));
  await page.getByLabel('Unit price').fill('120.50');
  await page.getByLabel('Quantity').fill('3');
  await page.getByLabel('Tax (%)').fill('900');
  await errors.waitFor();
  assert.equal(await page.getByLabel('Tax (%)').getAttribute('aria-invalid'), 'true', 'the service has refused the tax');
  await page.getByText('No totals: correct the marked fields.').waitFor();
  await page.getByLabel('Tax (%)').fill('21');
  await page.getByText('€437.42').waitFor();
  await page.getByRole('button', { name: 'Add line' }).click();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'field-lines-1-description');
  await page.getByRole('button', { name: 'Remove line 2' }).click();
  await leaveAndStay(page);
  assert.ok(page.url().endsWith('/invoices/new'), 'the service computes the totals of a draft that is not saved');
  await page.getByRole('button', { name: 'Save draft' }).click();
  await heading(page, 'Draft invoice');
  await page.getByText('The draft is saved.').waitFor();
  await page.getByText('Design <b>of</b> a lighthouse').waitFor();
  await page.getByRole('button', { name: 'Issue' }).click();
  await page.getByRole('dialog').getByText(`${customer}, €437.42, due 14 days after the issue date.`).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Issue' }).click();
  await heading(page, /^Invoice INV-/);
  const facts = await page.locator('.facts dd').allTextContents();
  assert.equal(facts[0], customer);
  assert.ok(facts.slice(1).every((day) => /^\d+\s\w+\s\d{4}$/.test(day)), facts.join());
  assert.equal(await page.locator('main > .actions > button').last().textContent(), 'Void', 'the button that cannot be undone is last');
  await page.getByRole('button', { name: 'Void' }).click();
  const voiding = page.getByRole('dialog', { name: /^Void INV-/ });
  await voiding.getByText(`${customer}, €437.42.`).waitFor();
  await voiding.getByText('This cannot be undone.').waitFor();
  await voiding.getByRole('button', { name: 'Cancel' }).click();
  await page.getByLabel(/^Amount/).fill('100,5');
  await page.keyboard.press('Enter');
  await page.getByText('Use a point: 100.5').waitFor();
  await page.getByLabel(/^Amount/).fill('100');
  await page.keyboard.press('Enter');
  const question = page.getByRole('dialog', { name: /^Record €100.00 for INV-/ });
  await question.getByText('The amount due is €437.42.').waitFor();
  await question.getByRole('button', { name: 'Record payment' }).click();
  await page.getByText('€337.42').first().waitFor();
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download PDF' }).click();
  assert.match(readFileSync(await (await saved).path(), 'latin1').slice(0, 5), /%PDF-/);
  return new URL(page.url()).pathname;
}

async function documents(page) {
  await page.getByRole('link', { name: 'Documents' }).click();
  await heading(page, 'Documents');
  const upload = (name, text) => page.setInputFiles('input[type=file]', { name, mimeType: 'text/plain', buffer: Buffer.from(text) });
  await upload('page.txt', '<!doctype html><script>alert(1)</script>');
  await page.getByRole('alert').getByText('/file').waitFor();
  const choices = page.getByLabel('Attach new files to');
  await choices.locator('option', { hasText: /^\s*INV-\S+, [^…]+, €437.42\s*$/ }).waitFor({ state: 'attached' });
  await choices.selectOption({ index: 1 });
  await upload('note.txt', 'A plain note.\n');
  await page.getByText(/^note.txt is uploaded and attached to INV-\S+\d\.$/).waitFor();
  const row = page.getByRole('row', { name: 'note.txt' }).first();
  await row.getByRole('link', { name: /^INV-/ }).waitFor();
  await row.getByRole('button', { name: 'Move note.txt' }).click();
  await page.getByText('Drop files here').waitFor({ state: 'hidden' });
  await page.getByLabel('Invoice', { exact: true }).selectOption('No invoice');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await row.getByRole('link').waitFor({ state: 'detached' });
  await row.getByRole('button', { name: 'Attach note.txt' }).waitFor();
}

/** A change in one tab appears in another tab without a page reload. A sign-out affects both tabs. */
async function twoTabs(page, context, faults) {
  const other = await context.newPage();
  watch(other, faults);
  await other.goto(base + '/customers');
  await heading(other, 'Customers');
  await other.locator('.dot.live').waitFor();
  await page.getByRole('link', { name: 'Customers' }).click();
  await page.getByRole('button', { name: 'New customer' }).click();
  assert.equal(await page.locator('.toast.shown').count(), 0, 'a message ends with its view');
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

/**
 * Ben requests Anna's invoice many times. The administrator sees the requests in the charts. An alert appears without a
 * page reload. If the alert clears, the view says so.
 */
async function administration(page, invoice) {
  await page.getByText('Only Root Demo has Administration and Attacks.').waitFor();
  await page.getByRole('button', { name: '(administrator)' }).click();
  await page.getByText('You are an administrator: open Administration or Attacks.').getByRole('link', { name: 'Administration' }).click();
  await page.getByRole('img', { name: /^Security events in the last 24 hours: [1-9]/ }).waitFor();
  const section = (name) => page.locator('section', { has: page.getByRole('heading', { name, exact: true }) });
  const [summary, alerts, events, users] = ['Summary', 'Alerts', 'Security events', 'Users'].map(section);
  await summary.getByText(/^Critical events \d+$/).waitFor();
  await summary.getByRole('button', { name: 'authz_fail' }).click();
  // The old rows stay on the page until the new list has loaded.
  await events.getByText('authn_login_success').first().waitFor({ state: 'detached' });
  await events.getByText('not_found').first().waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Security events');
  assert.match(await events.locator('td[data-head=Time]').first().textContent(), /\d:\d\d:\d\d$/, 'events have seconds');
  await events.getByLabel('Kind').fill('session_created');
  await events.getByRole('button', { name: 'Apply' }).click();
  await events.getByText('not_found').first().waitFor({ state: 'detached' });
  await events.getByRole('button', { name: 'anna@demo.example' }).first().click();
  const user = await events.getByLabel('User id').inputValue();
  assert.match(user, /^[0-9a-f-]{36}$/, 'the field has the full id');
  assert.ok(page.url().endsWith(`#events?kind=session_created&user_id=${user}`), 'the URL has the filter');
  await summary.getByLabel('Period').selectOption('month');
  await summary.getByText('Show as a table').click();
  await summary.locator('details tbody tr').nth(29).waitFor();
  assert.equal(await summary.locator('details tbody tr').count(), 30);
  await page.locator('.dot.live').waitFor();
  const ben = await client('ben');
  for (let n = 0; n < 12; n++) await assert.rejects(ben('GET', `${invoice.slice(1)}`), /404/);
  await alerts.getByText('Access denials').first().waitFor();
  await page.getByRole('link', { name: /^Administration [1-9]\d* open alerts?$/ }).waitFor();
  await page.route('**/admin/alerts?*state=open', (route) => route.fulfill({ json: { items: [], next_cursor: null } }));
  await alerts.getByRole('button', { name: 'Reload' }).click();
  await alerts.getByRole('status').getByText('Cleared: Access denials').waitFor();
  await page.unrouteAll();
  await alerts.getByRole('button', { name: 'It is now under Cleared' }).click();
  await alerts.getByText('No cleared alerts.').or(alerts.getByRole('columnheader', { name: 'Cleared' })).waitFor();
  await (await client('root'))('POST', 'admin/attack-accounts');
  const throwAway = users.getByText('@attacks.invalid').first();
  await users.getByLabel('Email address').pressSequentially('ben');
  await users.getByRole('cell', { name: 'anna@demo.example' }).waitFor({ state: 'detached' });
  assert.equal(await throwAway.count(), 0, 'throw-away accounts are hidden');
  await users.getByRole('checkbox').uncheck();
  await throwAway.waitFor();
  await users.getByRole('checkbox').check();
  await throwAway.waitFor({ state: 'detached' });
  const row = users.getByRole('row', { name: /ben@demo.example/ });
  await row.getByRole('button', { name: 'Disable' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
  await row.getByText('Disabled').waitFor();
  await row.getByText('No open session').waitFor();
  await row.getByRole('button', { name: 'Enable' }).click();
  await row.getByText('Active', { exact: true }).waitFor();
}

/** The user revokes a session of another client. Its access token is then refused. */
async function revokeSessions(page) {
  const other = await client('anna');
  await page.getByRole('link', { name: 'Account' }).click();
  const sessions = page.locator('section', { has: page.getByRole('heading', { name: 'Sessions', exact: true }) });
  await sessions.getByRole('heading', { name: 'Known devices' }).waitFor();
  const buttons = sessions.getByRole('button', { name: 'Revoke', exact: true });
  await buttons.first().waitFor();
  for (let left = await buttons.count(); left > 0; left -= 1) {
    await buttons.first().click();
    await buttons.nth(left - 1).waitFor({ state: 'detached' });
  }
  await page.getByText('The session is revoked.').waitFor();
  await assert.rejects(other('GET', 'me'), /401/);
}

/** If a link on another site opens the page, the browser sends no cookie. The user must still be signed in. */
async function linkedFromOtherSite(context) {
  const page = await context.newPage();
  await page.goto(base.replace('127.0.0.1', 'localhost') + '/docs');
  await page.evaluate((address) => { location.href = address; }, base + '/');
  await heading(page, 'Invoices');
  await page.close();
}

async function walk() {
  const { context, page, faults } = await open('/', { viewport: { width: 1280, height: 900 } });
  await page.getByRole('button', { name: 'Sign in as Anna Demo' }).click();
  await heading(page, 'Invoices');
  // The demo data contain one overdue invoice. The list and the page of this invoice show that it is overdue.
  await page.getByRole('row', { name: 'Overdue' }).getByRole('link').click();
  await page.getByText('Overdue', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'All invoices' }).click();
  await page.getByText('A full bar is the largest total of its currency').waitFor();
  await page.getByLabel('Search').fill('no such invoice');
  await page.getByText('No invoice matches.').waitFor();
  const invoice = await story(page);
  await page.reload();
  await heading(page, /^Invoice INV-/);
  const stored = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
  assert.deepEqual(stored, [0, 0, ''], 'scripts can read no stored token');
  await linkedFromOtherSite(page.context());
  await documents(page);
  await revokeSessions(page);
  await twoTabs(page, context, faults);
  await signIn(page, 'ben');
  await page.goto(base + invoice);
  await page.getByText('Resource not found').first().waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await administration(page, invoice);
  await page.screenshot({ path: `${pictures}/administration.png`, fullPage: true });
  assert.deepEqual(faults, []);
  await context.close();
}

/**
 * Two people with one account change the same customer. The second sees the saved change, and keeps their own input.
 */
async function conflict(page, anna) {
  const { id } = await anna('POST', 'customers', { name: `Both ${Date.now()}`, email: 'old@example.com', default_currency: 'EUR' });
  await page.goto(base + '/customers');
  await page.getByRole('button', { name: 'Edit Both' }).first().click();
  await page.getByLabel('Name').fill('Typed by the second');
  const { etag } = await anna('PATCH', `customers/${id}`, { email: 'new@example.com' }, { 'If-Match': '"1"' });
  assert.equal(etag, '"2"');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('button', { name: 'Load the newer version' }).click();
  await page.getByText('The newer version has: new@example.com').waitFor();
  assert.equal(await page.getByLabel('Name').inputValue(), 'Typed by the second');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('The customer is saved.').waitFor();
}

/**
 * Two users change the same draft. The second user sees the saved discount rate of a line, and keeps their own input.
 * The discount amount of another line is not lost.
 */
async function lineDiscounts(page, anna, customer_id) {
  const line = { description: 'Reduced', quantity: '1', unit_price: '100', tax_rate: '0' };
  const body = (discount_rate) => ({ customer_id, currency: 'EUR', lines: [{ ...line, discount_rate }, { ...line, discount_amount: 500 }] });
  const { id } = await anna('POST', 'invoices', body('10'));
  await page.goto(`${base}/invoices/${id}/edit`);
  const discount = page.getByRole('group', { name: 'Line 1' }).getByLabel('Discount (%)');
  await discount.waitFor();
  assert.equal(await discount.inputValue(), '10');
  await page.getByText('Fixed: €5.00').waitFor();
  await anna('PUT', `invoices/${id}`, body('25'), { 'If-Match': '"1"' });
  await page.getByLabel('Notes').fill('Typed by the second');
  await page.getByRole('button', { name: 'Save draft' }).click();
  await page.getByRole('button', { name: 'Load the newer version' }).click();
  await page.getByRole('region', { name: 'Lines' }).getByText('€25.00').waitFor();
  assert.equal(await discount.inputValue(), '10');
  await discount.fill('20');
  await page.getByRole('button', { name: 'Save draft' }).click();
  await heading(page, 'Draft invoice');
  const { lines, notes } = await anna('GET', `invoices/${id}`);
  assert.deepEqual([notes, ...lines.map((one) => [one.discount_rate, one.discount_amount])], ['Typed by the second', ['20', null], [null, 500]]);
}

/** The page of an invoice lists its credit notes. */
async function creditNotes(page, anna, customer_id) {
  const lines = [{ description: 'Torn posters', quantity: '1', unit_price: '100', tax_rate: '0' }];
  const { id, etag } = await anna('POST', 'invoices', { customer_id, currency: 'EUR', lines });
  await anna('POST', `invoices/${id}/issue`, {}, { 'If-Match': etag });
  const { number } = await anna('POST', `invoices/${id}/credit-notes`, { lines: [{ line: 1, amount: 2500 }] });
  await page.goto(`${base}/invoices/${id}`);
  const row = page.getByRole('region', { name: 'Credit notes' }).getByRole('row', { name: number });
  await row.getByText('€25.00').waitFor();
  const saved = page.waitForEvent('download');
  await row.getByRole('button', { name: 'Download PDF' }).click();
  assert.equal((await saved).suggestedFilename(), `${number}.pdf`);
}

/** A new invoice needs a customer. The form of the first customer leads back to the invoice. */
async function firstCustomer(page) {
  await page.route('**/api/v1/customers?*', (route) => route.fulfill({ json: { items: [], next_cursor: null } }));
  await page.goto(base + '/invoices/new');
  await page.getByRole('link', { name: 'Create one' }).click();
  await page.waitForFunction(() => document.activeElement.id === 'field-name');
  const name = `First ${Date.now()}`;
  await page.keyboard.type(name);
  await page.unrouteAll();
  await page.keyboard.press('Enter');
  await heading(page, 'New invoice');
  await page.getByText('The customer is saved.').waitFor();
  assert.equal(await page.getByLabel('Customer').locator('option:checked').textContent(), name);
}

/** If one customer cannot be read, the list of invoices still appears, with the names of the other customers. */
async function unknownCustomer(page, id) {
  await page.route('**/api/v1/customers?*', (route) => route.fulfill({ json: { items: [], next_cursor: null } }));
  await page.route(`**/api/v1/customers/${id}`, (route) => route.abort());
  await page.goto(base + '/invoices');
  await page.getByText('Unknown customer').first().waitFor();
  const names = await page.locator('td[data-head=Customer]').allTextContents();
  assert.ok(names.some((name) => !['Unknown customer', '…'].includes(name)), names.join());
  await page.unrouteAll();
}

/**
 * A customer is created after the page has read the list, and before the page subscribes to changes. The customer must
 * still appear. If the page cannot read the list again, the focus must not move.
 */
async function lateSubscription(page, anna) {
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  await page.route('**/api/v1/live/tickets', async (route) => { await held; await route.continue(); });
  await page.goto(base + '/customers');
  await page.getByRole('button', { name: 'Edit' }).first().waitFor();
  const name = `Early ${Date.now()}`;
  const create = (text) => anna('POST', 'customers', { name: text, default_currency: 'EUR' });
  await create(name);
  assert.equal(await page.getByText(name).count(), 0);
  release();
  await page.getByText(name).first().waitFor();
  await page.getByRole('button', { name: 'New customer' }).click();
  await page.getByLabel('Name').fill('Being typed');
  await page.route('**/api/v1/customers?*', (route) => route.abort());
  await create(`${name} again`);
  await page.getByText('The service cannot be reached').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'field-name');
}

/** Sign-in waits while another tab refreshes. Two clicks on Save send one request. A new order shows the first page. */
async function oneAtATime() {
  const { context, page, faults } = await open('/', {});
  const ben = await client('ben');
  const { items: [{ id: customer_id }] } = await ben('GET', 'customers?limit=1');
  const lines = [{ description: 'One of many', quantity: '1', unit_price: '1', tax_rate: '0' }];
  for (let n = 0; n < 21; n++) await ben('POST', 'invoices', { customer_id, currency: 'EUR', lines });
  const sent = [];
  page.on('request', (request) => sent.push(`${request.method()} ${new URL(request.url()).pathname}`));
  const count = (line) => sent.filter((found) => found === line).length;
  await page.reload();
  await page.getByRole('button', { name: 'Sign in as Anna Demo' }).waitFor();
  assert.equal(count('POST /api/v1/auth/refresh'), 0, 'no refresh without a session');
  sent.length = 0;
  const other = await context.newPage();
  await other.goto(base + '/docs');
  await other.evaluate(() => navigator.locks.request('strongroom-refresh', () => new Promise((resolve) => { globalThis.release = resolve; })) && undefined);
  await page.getByLabel('Email address').fill('ben@demo.example');
  await page.getByLabel('Password').fill(password('ben'));
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await other.waitForFunction(async () => (await navigator.locks.query()).pending.length === 1);
  assert.deepEqual(sent, [], 'no sign-in while another tab has the lock');
  await other.evaluate(() => globalThis.release());
  await page.getByRole('button', { name: 'Sign out' }).waitFor();

  const refusals = [];
  page.on('response', (reply) => reply.status() >= 400 && refusals.push(reply.url()));
  await page.getByRole('button', { name: 'Next page' }).click();
  await page.getByText('Page 2').waitFor();
  await page.getByLabel('Order').selectOption('-total');
  await page.getByText('Page 1').waitFor();
  await page.goto(base + '/customers');
  await page.getByRole('button', { name: 'New customer' }).click();
  await page.getByLabel('Name').fill('Twice');
  await page.getByLabel('Currency').fill('EUR');
  await page.getByRole('button', { name: 'Save', exact: true }).evaluate((button) => { button.click(); button.click(); });
  await page.getByText('The customer is saved.').waitFor();
  assert.equal(count('POST /api/v1/customers'), 1);
  assert.deepEqual(refusals, []);
  assert.deepEqual(faults, []);
  await context.close();
}

/** If the script cannot load, the page says so. */
async function withoutScript() {
  const { context, page } = await open('/', {});
  await page.route('**/app.js', (route) => route.abort());
  await page.reload();
  await page.getByText('The console has not loaded yet').waitFor();
  await context.close();
}

async function faults() {
  const anna = await client('anna');
  const { context, page } = await open('/', {});
  await signIn(page, 'anna');
  await conflict(page, anna);
  const { id } = await anna('POST', 'customers', { name: 'Reduced prices', default_currency: 'EUR' });
  await lineDiscounts(page, anna, id);
  await creditNotes(page, anna, id);
  await unknownCustomer(page, id);
  await firstCustomer(page);
  await lateSubscription(page, anna);
  await context.close();
  await oneAtATime();
  await withoutScript();
}

/** Opens every view, in both colour schemes, on a desktop and on a phone. */
async function judgeViews(name, views) {
  for (const [size, width, colorScheme] of SIZES) {
    const { context, page, faults } = await open('/', { viewport: { width, height: 800 }, colorScheme, bypassCSP: true });
    if (name) await signIn(page, name);
    for (const path of views) {
      await page.goto(base + path);
      await page.locator('h1').waitFor();
      await page.getByText('Loading …').first().waitFor({ state: 'detached' });
      const where = `${path} ${size}`;
      await page.screenshot({ path: `${pictures}/console${path.replaceAll('/', '-')}-${size}.png`, fullPage: true });
      await judge(page, where);
    }
    assert.deepEqual(faults, [], size);
    await context.close();
  }
}

try {
  await walk();
  await faults();
  await judgeViews(null, ['/', '/register']);
  await judgeViews('anna', ['/invoices', '/invoices/new', '/invoices/10000000-0000-4000-8000-000000000006', '/customers', '/documents', '/account']);
  await judgeViews('root', ['/admin']);
  console.log('console: issued and paid an invoice, saw live changes, was refused another user\'s invoice; nothing that axe minds');
} finally {
  await browser.close();
}
