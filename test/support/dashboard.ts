import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Running } from './keyhearth.ts';
import { ADMIN, cookiesOf } from './people.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What depends on the theme. */
const COLOUR_RULES = ['color-contrast', 'link-in-text-block'];

export const PHONE = { width: 360, height: 740 };

export const DESKTOP = { width: 1280, height: 860 };

export type Visit = {
  page: Page;
  context: BrowserContext;
  /** Goes to a page of the dashboard, and waits until it has loaded what it shows. */
  goTo(path: string): Promise<void>;
  /** Requests to other hosts, and every error in the console but refused requests. */
  complaints: string[];
  close(): Promise<void>;
};

/** Opens the dashboard in a new profile, as another person would. */
export async function visit(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({ viewport: DESKTOP, ...options });
  const page = await context.newPage();
  // Less than a test may take, so that the error names what is missing.
  page.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  await context.route('**/*', (route) => {
    const url = new URL(route.request().url());
    if (!url.protocol.startsWith('http') || url.origin === origin) return route.continue();
    complaints.push(`a request to ${url.origin}`);
    return route.abort();
  });
  page.on('console', (message) => {
    const isRefusal = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isRefusal) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return {
    page,
    context,
    async goTo(path) {
      await page.goto(`${origin}/dashboard${path}`);
      await settled(page);
    },
    complaints,
    close: () => context.close(),
  };
}

/** Waits until nothing loads any more. */
export async function settled(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await expect.poll(() => page.locator('.loading, [aria-busy="true"]').count()).toBe(0);
}

/** Gives the browser a session, which takes a third of the time of a sign-in on the page. Then go to a page. */
export async function giveSession(
  { context }: Visit,
  { origin, send }: Pick<Running, 'origin' | 'send'>,
  { email, password } = ADMIN,
): Promise<void> {
  const answer = await send({ method: 'POST', path: '/auth/login', body: { email, password } });
  expect(answer).toMatchObject({ status: 200 });
  const [name = '', value = ''] = cookiesOf(answer).split('=');
  await context.addCookies([{ name, value, url: origin, httpOnly: true, sameSite: 'Lax' }]);
}

/** Signs in on the page that is open. */
export async function signInOn(page: Page, { email, password } = ADMIN): Promise<void> {
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('main#main').waitFor();
  await settled(page);
}

/** Gives the password that the page asks for before a change. */
export async function confirmOn(page: Page, password = ADMIN.password): Promise<void> {
  const dialog = page.getByRole('dialog', { name: 'Confirm with your password' });
  await dialog.getByLabel('Your password').fill(password);
  await dialog.getByRole('button', { name: 'Confirm' }).click();
  await dialog.waitFor({ state: 'detached' });
}

/**
 * What axe says against the page as it is now. The policy of the page does not hinder it.
 * @param rules by their names or tags
 */
export async function violations(page: Page, rules: readonly string[] = RULES): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  const evaluate = (expression: string) =>
    session.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
  // Until the page is loaded again.
  const hasAxe = (await evaluate('typeof axe')).result.value === 'object';
  if (!hasAxe) await evaluate(AXE);
  const { result, exceptionDetails } =
    await evaluate(`axe.run(document, { runOnly: ${JSON.stringify(rules)} })
    .then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ': ' + target)))`);
  await session.detach();
  if (exceptionDetails) throw new Error(`axe: ${exceptionDetails.text}`);
  return result.value;
}

/** What anybody may hold against the page as it is now: in both themes, in a window and on a phone. */
export async function barriers(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const [name, viewport] of Object.entries({ phone: PHONE, window: DESKTOP })) {
    await page.setViewportSize(viewport);
    if (await scrollsSideways(page)) found.push(`${name}: scrolls sideways`);
    for (const violation of await violations(page)) found.push(`${name}: ${violation}`);
  }
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const violation of await violations(page, COLOUR_RULES)) found.push(`dark: ${violation}`);
  await page.emulateMedia({ colorScheme: 'light' });
  return found;
}

/** Whether a person has to scroll sideways to read the page. */
export const scrollsSideways = (page: Page): Promise<boolean> =>
  page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
