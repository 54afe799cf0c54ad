// Tests /docs in a real browser: reads, logs in and sends requests. Usage: page.mjs BASE EMAIL PASSWORD PICTURES
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const kept = createRequire(process.env.TOOLS + '/');
const { chromium } = kept('playwright-core');
const [base, email, password, pictures] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });

async function open(options) {
  const page = await (await browser.newContext(options)).newPage(), faults = [];
  page.on('console', (line) => line.type() === 'error' && faults.push(line.text()));
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => /^(http|ws)/.test(request.url()) && !request.url().startsWith(base) && faults.push('asks ' + request.url()));
  const reply = await page.goto(base + '/docs', { waitUntil: 'networkidle' });
  assert.equal(reply.status(), 200);
  return { page, faults };
}

async function use(page) {
  const { paths } = await (await fetch(base + '/api/v1/openapi.json')).json();
  const ids = Object.values(paths).flatMap((item) => Object.values(item)).map((operation) => operation.operationId).sort();
  const shown = await page.$$eval('section > details', (all) => all.map((one) => one.id).sort());
  assert.deepEqual(shown, ids, 'the page shows every operation');

  await page.fill('[name=email]', email);
  await page.fill('[name=password]', password);
  await page.click('#sign-in button');
  await page.waitForFunction(() => document.querySelector('#sign-in output').textContent);
  assert.equal(await page.textContent('#sign-in output'), 'Signed in as ' + email);

  // Sends the change twice: the second one succeeds only if the page uses the new version from the first response.
  const sent = [['get_me', '200'], ['post_customers', '201'], ['get_invoices_id', '200'], ['patch_customers_id', '200'], ['patch_customers_id', '200']];
  for (const [id, status] of sent) {
    const operation = page.locator('#' + id), said = operation.locator('> output pre').first();
    if (!(await operation.evaluate((one) => one.open))) await operation.locator('> summary').click();
    await operation.locator('> output').evaluate((out) => out.replaceChildren());
    await operation.locator('> form button').click();
    assert.match(await said.textContent(), new RegExp('^' + status + ' '), id);
  }
}

try {
  const { page, faults } = await open({ viewport: { width: 1280, height: 900 } });
  await use(page);
  assert.deepEqual(faults, []);
  await page.screenshot({ path: pictures + '/used.png' });
  for (const [name, width, colorScheme] of [['desktop', 1280, 'light'], ['dark', 1280, 'dark'], ['phone', 390, 'light']]) {
    const seen = await open({ viewport: { width, height: 850 }, colorScheme });
    await seen.page.screenshot({ path: `${pictures}/${name}.png` });
    const overflow = await seen.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${name}: ${overflow} px too wide`);
    assert.deepEqual(seen.faults, [], name);
    // The test injects axe, so this page runs without the content security policy.
    const judged = await open({ viewport: { width, height: 850 }, colorScheme, bypassCSP: true });
    await judged.page.evaluate(() => document.querySelectorAll('details').forEach((one) => { one.open = true; }));
    await judged.page.addScriptTag({ path: kept.resolve('axe-core/axe.min.js') });
    const found = await judged.page.evaluate(async () => (await axe.run()).violations.map((one) => `${one.id} (${one.impact}) ${one.nodes[0].html.slice(0, 200)}`));
    assert.deepEqual(found, [], name);
  }
  console.log('/docs: read, signed in, sent; no fault in the console, nothing asked elsewhere, nothing that axe minds');
} finally {
  await browser.close();
}
