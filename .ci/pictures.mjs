// Creates the pictures of the README. Usage: pictures.mjs BASE FOLDER
import { OPTIONS, chromium } from './browser.mjs';

const [base, folder] = process.argv.slice(2);
const browser = await chromium.launch(OPTIONS);

async function open(options) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 740 }, reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  await page.goto(base);
  return page;
}

async function save(page, name) {
  await page.getByText('Loading …').first().waitFor({ state: 'detached' });
  // The dot shows the state of the live socket. Take the picture only when the socket is connected.
  if (await page.locator('.dot').count()) await page.locator('.dot.live').waitFor();
  await page.evaluate(() => document.activeElement.blur());
  await page.screenshot({ path: `${folder}/${name}.png` });
}

const view = (page, name) => page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name }).click();

async function anna() {
  const page = await open({});
  await page.getByRole('button', { name: 'Sign in as Anna' }).waitFor();
  await save(page, 'sign-in');
  await page.getByRole('button', { name: 'Sign in as Anna' }).click();
  await page.getByText('Quiet Garden').or(page.getByText('Lighthouse Books')).first().waitFor();
  await page.locator('.chart').waitFor();
  await save(page, 'invoices');
  await page.getByRole('link', { name: /0005$/ }).click();
  await page.getByRole('heading', { name: /0005$/ }).waitFor();
  await save(page, 'invoice');
  const invoice = page.url();
  await view(page, 'Invoices');
  await page.getByRole('link', { name: 'New invoice' }).click();
  await page.getByLabel('Customer').selectOption({ label: 'Lighthouse Books' });
  for (const [label, text] of [['Description', 'Design of a lighthouse'], ['Quantity', '3'], ['Unit price', '120.50'], ['Tax (%)', '21']]) {
    await page.getByLabel(label).fill(text);
  }
  await page.getByText('€437.42').waitFor();
  await save(page, 'editor');
  return invoice;
}

/** Requests an invoice of another user until an alert opens. */
async function ben(invoice) {
  const page = await open({});
  await page.getByRole('button', { name: 'Sign in as Ben' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  for (let n = 0; n < 12; n++) {
    await page.goto(invoice);
    await page.getByText('Resource not found').first().waitFor();
  }
}

async function administrator() {
  const page = await open({ colorScheme: 'dark', viewport: { width: 1000, height: 1200 } });
  await page.getByRole('button', { name: '(administrator)' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  await view(page, 'Account');
  await page.getByRole('heading', { name: 'Sessions' }).waitFor();
  await save(page, 'account');
  await view(page, 'Administration');
  await page.getByText('Access denials').waitFor();
  await save(page, 'administration');
}

try {
  await ben(await anna());
  await administrator();
} finally {
  await browser.close();
}
