import { accessSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const hasChromium = (() => {
  try {
    accessSync(CHROMIUM);
    return true;
  } catch {
    process.stderr.write(`There is no Chromium at ${CHROMIUM}, so the documentation pages are not opened.\n`);
    return false;
  }
})();

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: FLAGS });

let launched: Browser | undefined;

/** The browser of all test files in this process, with which it ends. Each test has a profile of its own. */
export async function sharedBrowser(): Promise<Browser> {
  if (!launched?.isConnected()) launched = await launchBrowser();
  return launched;
}

/** What a file closes in place of the shared browser. */
export const closeProfiles = (browser: Browser) =>
  Promise.all(browser.contexts().map((context) => context.close()));

export type Opened = { page: Page; elsewhere: string[]; complaints: string[] };

/** Opens a page. Records which other hosts it asks, and every error in its console. */
export async function openPage(browser: Browser, url: string): Promise<Opened> {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  const elsewhere: string[] = [];
  const complaints: string[] = [];
  const own = new URL(url).origin;
  await page.context().route('**/*', (route) => {
    const { protocol, origin } = new URL(route.request().url());
    if (protocol.startsWith('http') && origin !== own) {
      elsewhere.push(route.request().url());
      return route.abort();
    }
    return route.continue();
  });
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(url);
  return { page, elsewhere, complaints };
}

/** Runs an operation on the page of Swagger UI, as it is filled in. @returns what the answer says */
export async function execute(page: Page, tag: string, operationId: string): Promise<string> {
  const operation = page.locator(`#operations-${tag}-${operationId}`);
  const clear = operation.getByRole('button', { name: 'Clear' });
  if (await clear.isVisible()) await clear.click();
  else await operation.locator('.opblock-summary-control').click();
  await operation.getByRole('button', { name: 'Execute' }).click();
  const answer = operation.locator('.live-responses-table');
  await answer.waitFor();
  return answer.innerText();
}
