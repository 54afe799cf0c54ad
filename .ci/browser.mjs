// What the tests in a browser share: how the browser starts, and which checks each page must pass.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const tools = createRequire(process.env.TOOLS + '/');
export const { chromium } = tools('playwright-core');
export const OPTIONS = { executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] };

/** The windows in which each page is checked: name, width and colour scheme. */
export const SIZES = [['desktop', 1440, 'light'], ['dark', 1440, 'dark'], ['phone', 360, 'light'], ['dark-phone', 360, 'dark']];

/** Fails if the page is wider than the window. */
export async function expectToFit(page, where) {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${where}: ${overflow} px too wide`);
}

/**
 * Fails if the page is too wide, or if axe finds a fault. The Content Security Policy would block axe, which the test
 * injects. So the page must run without the policy (`bypassCSP`).
 */
export async function judge(page, where) {
  await expectToFit(page, where);
  await page.addScriptTag({ path: tools.resolve('axe-core/axe.min.js') });
  const found = await page.evaluate(async () => (await axe.run()).violations.map((one) => `${one.id} (${one.impact}) ${one.nodes[0].html.slice(0, 200)}`));
  assert.deepEqual(found, [], where);
}
