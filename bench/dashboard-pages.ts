import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../test/support/browser.ts';
import { insertKeys } from './listing-data.ts';
import { startKeyhearth } from './processes.ts';
import { makeDataDirectory } from './seed.ts';
import { median } from './statistics.ts';

/** What a person waits for, in Chromium with an empty cache. */
export type PageFigures = {
  /** Milliseconds to the first contentful paint, and until the first key can be read. */
  paintMs: number;
  rowMs: number;
  /** Bytes of the page, its script and its style, as they are sent. */
  bytes: number;
};

const ACCOUNT = { email: 'bench@example.com', password: 'correct horse battery staple' };

/** Opens the list of `count` keys. @param rounds how often; the figures are medians */
export async function pageFigures(directory: string, count: number, rounds: number): Promise<PageFigures> {
  const dataDir = join(directory, 'pages');
  const rawKey = await makeDataDirectory(dataDir, directory);
  addKeys(join(dataDir, 'keyhearth.db'), count);
  const server = await startKeyhearth('pages', dataDir, directory);
  const browser = await launchBrowser();
  try {
    const cookie = await setUp(server.origin, rawKey);
    const visits: PageFigures[] = [];
    // The first visit also starts parts of the browser.
    for (let round = 0; round <= rounds; round++) {
      const figures = await open(browser, server.origin, cookie);
      if (round > 0) visits.push(figures);
    }
    const of = (name: keyof PageFigures) => median(visits.map((figures) => figures[name]));
    return { paintMs: of('paintMs'), rowMs: of('rowMs'), bytes: of('bytes') };
  } finally {
    await browser.close();
    await server.stop();
  }
}

/** Adds keys after the first one. */
function addKeys(path: string, count: number): void {
  const sqlite = new SqliteDatabase(path);
  const numbers = `with recursive numbers(n) as (select 2 union all select n + 1 from numbers where n <= ${count})
    select n from numbers`;
  sqlite.exec(insertKeys('usual', count, Date.now(), numbers));
  sqlite.close();
}

/** Makes the first administrator. @returns the value of the cookie of the session */
async function setUp(origin: string, rawKey: string): Promise<string> {
  const answer = await fetch(`${origin}/auth/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': rawKey },
    body: JSON.stringify(ACCOUNT),
  });
  const [cookie = ''] = answer.headers.getSetCookie();
  const value = /^keyhearth_session=([^;]+)/.exec(cookie)?.[1];
  if (value === undefined) throw new Error(`The set-up was refused: ${await answer.text()}`);
  return value;
}

/** Opens the list in a new profile, whose cache is empty. */
async function open(browser: Browser, origin: string, cookie: string): Promise<PageFigures> {
  const context = await browser.newContext();
  await context.addCookies([{ name: 'keyhearth_session', value: cookie, url: origin }]);
  const page = await context.newPage();
  await page.goto(`${origin}/dashboard/keys`);
  await page.locator('tbody tr').first().waitFor();
  const figures = (await page.evaluate(MEASURE)) as PageFigures;
  await context.close();
  return figures;
}

/** Runs in the page, whose first row is there. The time of the row is the next frame that shows it. */
const MEASURE = `new Promise((resolve) => requestAnimationFrame((rowMs) => {
  const entries = performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'));
  const files = entries.filter(({ name }) => name.includes('/dashboard'));
  resolve({
    paintMs: performance.getEntriesByName('first-contentful-paint')[0].startTime,
    rowMs,
    bytes: files.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
  });
}))`;
