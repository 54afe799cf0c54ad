// Tests the attack panel in a real browser: an administrator starts the attack of every card. The service must refuse
// or neutralise each attack and record its event. Then axe checks the view. Usage: attacks.mjs BASE PICTURES
import assert from 'node:assert/strict';
import { OPTIONS, SIZES, chromium, judge } from './browser.mjs';

const [base, pictures] = process.argv.slice(2);
const browser = await chromium.launch(OPTIONS);

/** Opens the panel as the administrator. `faults` contains errors of the browser, and requests to other servers. */
async function open(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage(), faults = [];
  // Ignore refusals and closed connections, because Chromium reports them as errors.
  page.on('console', (line) => line.type() === 'error' && !/status of 4\d\d|net::ERR_|WebSocket connection/.test(line.text()) && faults.push(line.text()));
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => /^(http|ws)/.test(request.url()) && !request.url().replace(/^ws/, 'http').startsWith(base) && faults.push('asks ' + request.url()));
  await page.goto(base + '/attacks');
  await page.getByRole('button', { name: 'Sign in as Root Demo' }).click();
  await page.getByRole('heading', { name: 'Attacks', level: 1 }).waitFor();
  return { context, page, faults };
}

async function play(card) {
  await card.getByRole('button', { name: 'Play', exact: true }).click();
  await card.locator('.progress').or(card.getByRole('button', { name: 'Playing …' })).first().waitFor();
  await card.getByRole('button', { name: 'Play', exact: true, disabled: false }).waitFor({ timeout: 240_000 });
}

/** While a card still reads its events, it already shows the verdict, and other attacks can be started. */
async function verdictFirst(page) {
  const card = page.locator('#token-with-wrong-key');
  let release;
  const released = new Promise((resolve) => { release = resolve; });
  await page.route('**/admin/security-events?*', (route) => released.then(() => route.continue()));
  await card.getByRole('button', { name: 'Play', exact: true }).click();
  await card.getByRole('status').getByText('Refused').waitFor();
  const { y, height } = await card.locator('.exchange').first().boundingBox();
  assert.ok(y > 0 && y + height < 900, `the attack and its refusal are in the window: ${y} to ${y + height}`);
  await card.getByText('Reading the event authn_token_invalid').waitFor();
  await page.locator('#deep-json').getByRole('button', { name: 'Play', exact: true, disabled: false }).waitFor();
  release();
  await card.getByRole('status').getByText('The signature of the token is not valid.').waitFor();
  await card.getByRole('button', { name: 'Play', exact: true, disabled: false }).waitFor();
  await page.unroute('**/admin/security-events?*');
}

async function playAll(page) {
  const cards = await page.locator('article').all();
  assert.ok(cards.length >= 20, `${cards.length} cards`);
  const failed = [];
  for (const card of cards) {
    await play(card);
    const verdicts = await card.locator('.verdict').allTextContents();
    if (!['Refused', 'Neutralised'].includes(verdicts[0])) failed.push(`${await card.getAttribute('id')}: ${verdicts.join('. ')}`);
    const status = await card.getByRole('status').textContent();
    assert.match(status, /^(Refused|Neutralised|Not as expected) \S.*\.$/, 'the verdict and why');
    const comparisons = card.locator('.before', { has: page.locator('summary', { hasText: /^Comparison/ }) });
    if (await card.getAttribute('id') === 'page-as-text') await card.getByText('<script>alert(document.domain)</script>').first().waitFor();
    assert.equal(await comparisons.locator('.verdict').count(), 0, 'only an attack has a verdict');
    assert.equal(await comparisons.and(page.locator('[open]')).count(), 0, 'comparisons are folded');
  }
  assert.deepEqual(failed, []);
  for (const tab of page.context().pages()) if (tab !== page) await tab.waitForEvent('close');
  await page.getByText(`${cards.length} of ${cards.length} attacks played: ${cards.length - 2} refused, 2 neutralised.`).waitFor();
  return cards.length;
}

/** The events and alerts of a card link to Administration. After the way back, each card still shows its result. */
async function followLinks(page, count) {
  const card = page.locator('#id-walk');
  const follow = async (name, section) => {
    await card.getByRole('link', { name }).click();
    await page.getByRole('heading', { name: section }).and(page.locator(':focus')).waitFor();
  };
  await follow('Probing session', 'Alerts');
  await page.getByRole('region', { name: 'Alerts' }).getByText('Probing session').first().waitFor();
  await page.goBack();
  await follow('session_ended', 'Security events');
  assert.equal(await page.getByLabel('Kind', { exact: true }).inputValue(), 'session_ended');
  assert.match(await page.getByLabel('User id').inputValue(), /^[0-9a-f-]{36}$/);
  await page.goBack();
  await page.getByText(`${count} of ${count} attacks played`).waitFor();
  assert.equal(await page.locator('article.played').count(), count);
  await card.getByText('What the service recorded').waitFor();
  assert.ok(Math.abs((await card.boundingBox()).y) < 100, 'the browser shows the card again');
}

/** Each link at the top scrolls to a group of attacks. */
async function followGroups(page) {
  const isAtTop = (target) => page.waitForFunction((id) => Math.abs(document.getElementById(id).getBoundingClientRect().top) < 100, target);
  const groups = page.getByRole('navigation', { name: 'Groups of attacks' });
  assert.equal(await groups.getByRole('link').count(), await page.locator('main h2').count());
  await groups.getByRole('link', { name: 'Input' }).click();
  await isAtTop('input');
  await playFirst(page, isAtTop);
}

/** The three first attacks lead from one to the next. The third raises an alert, which an administrator finds at once. */
async function playFirst(page, isAtTop) {
  await page.route('**/admin/alerts?*state=open', (route) => route.fulfill({ json: { items: [], next_cursor: null } }));
  await page.getByRole('link', { name: 'Administration' }).click();
  await page.getByText('No open alerts.').waitFor();
  await page.unrouteAll();
  await page.getByRole('link', { name: 'an attack that raises an alert' }).click();
  await isAtTop('id-walk');
  const first = page.getByText('New here? Play these three').getByRole('button');
  assert.equal(await first.count(), 3);
  await first.first().click();
  await isAtTop('token-without-signature');
  for (const id of ['token-without-signature', 'foreign-invoice']) await page.locator(`#${id}`).getByRole('button', { name: /^Next:/ }).click();
  await isAtTop('id-walk');
  const card = page.locator('#id-walk');
  assert.equal(await card.getByRole('button', { name: /^Next:/ }).count(), 0);
  await page.getByText('No alert: the events are below').first().waitFor();
  await page.getByRole('status').getByRole('link', { name: /^\d alerts? in Administration$/ }).waitFor();
  await card.getByRole('link', { name: 'Next: See the alert in Administration' }).click();
  await page.getByRole('region', { name: 'Alerts' }).getByText('Probing session').first().waitFor();
  await page.goBack();
}

/** The user can stop a series. The running attack still ends, and the next one does not start. */
async function stopSeries(page) {
  await page.getByRole('button', { name: /^Play \d+ attacks/ }).click();
  await page.getByRole('button', { name: 'Stop after this attack' }).click();
  await page.getByRole('button', { name: 'Stop after this attack' }).waitFor({ state: 'detached' });
  assert.ok(await page.locator('article.played').count() < 10);
}

/** Checks that the attacks neither lock out a demo user nor change the session of the console. */
async function staySignedIn(page) {
  await play(page.locator('#password-spraying'));
  await page.reload();
  await page.getByRole('heading', { name: 'Attacks', level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  const login = page.waitForResponse('**/auth/login');
  await page.getByRole('button', { name: 'Sign in as Anna Demo' }).click();
  assert.equal((await login).status(), 200);
}

/** Checks the view with axe, at one size of the screen. Plays one card first, so that axe also checks a result. */
async function judgeCard(size, width, colorScheme) {
  const { context, page, faults } = await open({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
  const card = page.locator('#user-enumeration');
  await play(card);
  for (const summary of await card.locator('summary').all()) await summary.click();
  await page.screenshot({ path: `${pictures}/console-attacks-${size}.png`, fullPage: true });
  await judge(page, size);
  assert.deepEqual(faults, [], size);
  await context.close();
}

try {
  const { context, page, faults } = await open({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
  await followGroups(page);
  await verdictFirst(page);
  await stopSeries(page);
  const count = await playAll(page);
  await followLinks(page, count);
  await staySignedIn(page);
  assert.deepEqual(faults, []);
  await context.close();
  for (const size of SIZES) await judgeCard(...size);
  console.log(`attacks: ${count} were refused or neutralised and left their events; nothing that axe minds`);
} finally {
  await browser.close();
}
