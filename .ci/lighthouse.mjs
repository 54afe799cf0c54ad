// Fails if Lighthouse gives a view less than 100 for accessibility or best practices. Usage: lighthouse.mjs BASE
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OPTIONS, chromium } from './browser.mjs';

const { default: lighthouse } = await import(createRequire(process.env.TOOLS + '/').resolve('lighthouse'));
const [base] = process.argv.slice(2);
// Lighthouse opens its pages in the default profile, so the user signs in there. The browser writes its port into a file.
const profile = mkdtempSync(join(tmpdir(), 'strongroom-lighthouse-'));
const context = await chromium.launchPersistentContext(profile, { ...OPTIONS, args: [...OPTIONS.args, '--remote-debugging-port=0'] });
const port = Number(readFileSync(join(profile, 'DevToolsActivePort'), 'utf8').split('\n')[0]);
const SETTINGS = { port, onlyCategories: ['accessibility', 'best-practices'], disableStorageReset: true, logLevel: 'error', formFactor: 'desktop', screenEmulation: { disabled: true } };

async function judge(path) {
  const { lhr } = await lighthouse(base + path, SETTINGS);
  const missed = Object.values(lhr.audits).filter(({ score }) => score !== null && score < 1).map(({ id, title }) => `${id}: ${title}`);
  assert.deepEqual(Object.values(lhr.categories).map(({ score }) => score), [1, 1], `${path}\n${missed.join('\n')}`);
}

try {
  await judge('/');
  await judge('/docs');
  const page = await context.newPage();
  await page.goto(base);
  await page.getByRole('button', { name: 'Sign in as Anna Demo' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  await judge('/invoices');
  // The session must still be valid. So Lighthouse has loaded the view of a signed-in user.
  await page.reload();
  await page.getByRole('heading', { name: 'Invoices', level: 1 }).waitFor();
  console.log('lighthouse: accessibility 100, best practices 100 for the login view, /docs and the list of invoices');
} finally {
  await context.close();
  rmSync(profile, { recursive: true });
}
