// Tests /docs in a real browser: searches, reads, logs in, sends and copies requests. Then axe checks the page. Usage:
// page.mjs BASE EMAIL PASSWORD PICTURES
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { OPTIONS, SIZES, chromium, expectToFit, judge } from './browser.mjs';

const [base, email, password, pictures] = process.argv.slice(2);
const browser = await chromium.launch(OPTIONS);
const { paths, components } = await (await fetch(base + '/api/v1/openapi.json')).json();
const operations = Object.values(paths).flatMap((item) => Object.values(item));
const sorted = (list) => [...list].sort();

async function open(options) {
  const page = await (await browser.newContext(options)).newPage(), faults = [];
  // Ignore a warning of Chromium. The reply to a logout asks the browser to clear its data except for cookies, and
  // Chromium warns that it keeps the cookies.
  page.on('console', (line) => !line.text().startsWith('Clear-Site-Data') && faults.push(line.text()));
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => /^(http|ws)/.test(request.url()) && !request.url().startsWith(base) && faults.push('asks ' + request.url()));
  if (options.clock) await page.clock.install();
  const reply = await page.goto(base + '/docs', { waitUntil: 'networkidle' });
  assert.equal(reply.status(), 200);
  return { page, faults };
}

async function signIn(page) {
  await page.getByRole('banner').getByRole('button', { name: 'Sign in' }).click();
  const form = page.getByRole('form', { name: 'Sign in' });
  await form.getByLabel('Email address').fill(email);
  await form.getByLabel('Password').fill(password);
  await page.keyboard.press('Enter');
  await page.getByText('Signed in as ' + email).waitFor();
}

/** Opens an operation, unless it is open. */
async function operation(page, id) {
  const found = page.locator('#' + id);
  if (!(await found.evaluate((one) => one.open))) await found.locator('> summary').click();
  return found;
}

/** The page shows what the document contains: operations, enumerations, errors, models. */
async function read(page) {
  const shown = await page.$$eval('form.try', (forms) => forms.map((form) => form.parentElement.id));
  assert.deepEqual(sorted(shown), sorted(operations.map((one) => one.operationId)));
  const models = await page.$$eval('[id^=model-]', (all) => all.map((one) => one.id.slice(6)));
  assert.deepEqual(sorted(models), sorted(Object.keys(components.schemas)));
  for (const { operationId, parameters = [], responses } of operations) {
    for (const { name, schema, required } of parameters) {
      const values = schema.enum ?? (schema.type === 'boolean' ? ['true', 'false'] : []);
      const options = await page.$$eval(`#${operationId} select[name="${name}"] option`, (all) => all.map((one) => one.value));
      assert.deepEqual(options, values.length && !required ? ['', ...values] : values, `${operationId} ${name}`);
    }
    const errors = Object.values(responses).flatMap(({ $ref }) => $ref ? Object.keys(examples($ref)) : []);
    const listed = await page.$$eval(`#${operationId} .errors code`, (all) => all.map((one) => one.textContent));
    assert.deepEqual(sorted(listed), sorted(errors), operationId);
  }
}

const examples = (ref) => components.responses[ref.split('/').pop()].content['application/problem+json'].examples;

/** Each error of an operation shows its example, and Escape closes the example. */
async function errors(page, id) {
  const { responses } = operations.find((one) => one.operationId === id);
  const found = await operation(page, id);
  for (const { $ref } of Object.values(responses).filter((one) => one.$ref)) {
    for (const [code, { value }] of Object.entries(examples($ref))) {
      await found.getByRole('button', { name: code }).click();
      const example = page.locator('div:popover-open');
      assert.deepEqual(JSON.parse(await example.locator('pre').textContent()), value);
      assert.equal(await example.getByRole('link').getAttribute('href'), '/problems#' + code);
      await page.keyboard.press('Escape');
      await example.waitFor({ state: 'hidden' });
    }
  }
}

/** The search finds operations by words of their method, path or text, and by problem code. Enter opens the first result. */
async function search(page) {
  const menu = page.locator('#menu'), field = page.getByRole('searchbox');
  await field.fill('post /payments');
  await page.keyboard.press('Enter');
  await page.locator('#post_invoices_id_payments[open]').waitFor();
  assert.ok(await page.evaluate(() => document.activeElement.closest('#post_invoices_id_payments > summary')), 'the operation has the focus');
  await field.fill('own_account');
  assert.equal(await menu.locator('output').textContent(), '1 found');
  await field.fill('no such operation');
  assert.equal(await menu.getByRole('link').count(), 0);
  await field.fill('');
  assert.equal(await menu.getByRole('link').count(), operations.length + Object.keys(components.schemas).length);
}

/** The links of an operation open its models. The links of a model open the models of its fields. */
async function models(page) {
  const found = await operation(page, 'post_invoices');
  await found.getByRole('link', { name: 'InvoiceView' }).click();
  await page.locator('#model-InvoiceView[open]').getByRole('link', { name: 'TaxView' }).click();
  await page.locator('#model-TaxView[open]').getByText('tax_rate').first().waitFor();
}

/** Copies the request as a curl command, runs the command in a shell, and returns the HTTP status that it prints. */
async function copied(page, id, token) {
  const found = await operation(page, id);
  await found.getByRole('button', { name: 'Copy as curl' }).click();
  await found.getByText('Copied.').waitFor();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(command.startsWith('curl ') && !command.includes(token), command);
  return execFileSync('bash', ['-c', command], { env: { ...process.env, TOKEN: token }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split(' ')[1];
}

async function curl(page) {
  const token = await page.locator('[name=token]').inputValue();
  await (await operation(page, 'get_invoices')).getByLabel('status').selectOption('partially_paid');
  assert.equal(await copied(page, 'get_invoices', token), '200');
  await (await operation(page, 'post_customers')).getByLabel('Body').fill('{"name": "Anna\'s $HOME `id`", "default_currency": "EUR"}');
  assert.equal(await copied(page, 'post_customers', token), '201');
}

async function send(page) {
  // Sends the change twice: the second change succeeds only if the page uses the new version from the first response.
  const sent = [['get_me', '200'], ['post_customers', '201'], ['get_invoices_id', '200'], ['patch_customers_id', '200'], ['patch_customers_id', '200']];
  for (const [id, status] of sent) {
    const found = await operation(page, id), said = found.locator('> output pre').first();
    await found.locator('> output').evaluate((out) => out.replaceChildren());
    await found.getByRole('button', { name: 'Send' }).click();
    assert.match(await said.textContent(), new RegExp('^' + status + ' '), id);
  }
}

/** The page has its own login session. It warns before the token expires, and a new sign-in ends the old session. */
async function session() {
  const { page, faults } = await open({ clock: true });
  const logIn = (credentials) => page.evaluate(([body, credentials]) => fetch('/api/v1/auth/login', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body, credentials })
    .then((reply) => reply.json()), [JSON.stringify({ email, password }), credentials]);
  await logIn('same-origin');
  const cookies = () => page.context().cookies();
  const before = await cookies();
  assert.ok(before.some(({ name }) => name.includes('refresh')), 'the console has a session');
  await signIn(page);
  const token = await page.locator('[name=token]').inputValue();
  const status = () => fetch(base + '/api/v1/me', { headers: { Authorization: 'Bearer ' + token } }).then((reply) => reply.status);
  await page.clock.fastForward(9 * 60_000 + 1000);
  await page.getByText('The token expires in one minute').waitFor();
  assert.equal(await status(), 200);
  await page.getByRole('banner').getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign in as ' + email }).click();
  await page.getByText('Signed in as ' + email).waitFor();
  assert.equal(await status(), 401, 'the new sign-in ended the old session');
  await page.clock.fastForward(9 * 60_000 + 1000);
  await page.clock.fastForward(60_000);
  await page.getByText('The token has expired').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByText('Not signed in').waitFor();
  assert.equal(await page.locator('[name=token]').inputValue(), '');
  assert.deepEqual(await cookies(), before, 'the session of the console is unchanged');
  assert.deepEqual(faults, []);
}

/** On a phone, the menu is behind a button. A link in the menu closes the menu and opens the operation. */
async function phone(page) {
  const menu = page.locator('#menu');
  assert.ok(await menu.isHidden());
  await page.getByRole('button', { name: 'Menu' }).click();
  await menu.getByRole('link', { name: 'List invoices' }).click();
  await page.locator('#get_invoices[open]').waitFor();
  assert.ok(await menu.isHidden());
}

try {
  const { page, faults } = await open({ viewport: { width: 1440, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'] });
  await read(page);
  await search(page);
  await models(page);
  await errors(page, 'post_admin_users_id_disable');
  await signIn(page);
  await send(page);
  await curl(page);
  assert.deepEqual(faults, []);
  await page.screenshot({ path: pictures + '/used.png' });
  await session();
  for (const [name, width, colorScheme] of SIZES) {
    const seen = await open({ viewport: { width, height: 850 }, colorScheme });
    await seen.page.screenshot({ path: `${pictures}/${name}.png` });
    if (width === 360) await phone(seen.page);
    await expectToFit(seen.page, name);
    assert.deepEqual(seen.faults, [], name);
    const judged = await open({ viewport: { width, height: 850 }, colorScheme, bypassCSP: true });
    for (const popover of ['#menu', '#sign-in', 'div[popover]']) {
      await judged.page.locator(popover).first().evaluate((one) => one.showPopover());
      await judge(judged.page, `${name} ${popover}`);
    }
    await judged.page.keyboard.press('Escape');
    await judged.page.evaluate(() => document.querySelectorAll('details').forEach((one) => { one.open = true; }));
    await judge(judged.page, name);
  }
  console.log('/docs: searched, read, signed in, sent, copied; no message in the console, nothing asked elsewhere, nothing that axe minds');
} finally {
  await browser.close();
}
