import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { closeProfiles, hasChromium, sharedBrowser } from '../support/browser.ts';
import {
  DESKTOP,
  giveSession,
  PHONE,
  scrollsSideways,
  settled,
  signInOn,
  type Visit,
  violations,
  visit,
} from '../support/dashboard.ts';
import { serviceInUse } from '../support/dashboard-data.ts';
import { LONG } from '../support/long.ts';

/** `npm run screens` sets it, and the test writes the pictures of docs/screens. */
const FOLDER = process.env.KEYHEARTH_SCREENS;
const MOST_BYTES = 200 * 1024;
/** Of a page that is longer, the picture has the beginning. */
const MOST_HEIGHT = 1_400;

const VIEWS = [
  { name: 'light-desktop', colorScheme: 'light', viewport: DESKTOP },
  { name: 'dark-phone', colorScheme: 'dark', viewport: PHONE },
  ...(LONG || FOLDER
    ? ([
        { name: 'dark-desktop', colorScheme: 'dark', viewport: DESKTOP },
        { name: 'light-phone', colorScheme: 'light', viewport: PHONE },
      ] as const)
    : []),
] as const;

describe.skipIf(!hasChromium)('every page', () => {
  let browser: Browser;
  let inUse: Awaited<ReturnType<typeof serviceInUse>>;
  beforeAll(async () => {
    expect(await buildIfStale()).toBeUndefined();
    browser = await sharedBrowser();
    inUse = await serviceInUse();
    return async () => {
      await closeProfiles(browser);
      await inUse.close();
    };
  });

  /** The pages of a signed-in admin, by the names of their pictures. */
  const pages = (): Record<string, string> => ({
    overview: '',
    audit: '/audit',
    api: '/api',
    keys: '/keys',
    'new-key': '/keys/new',
    key: `/keys/${inUse.ids[0]}`,
    accounts: '/accounts',
    account: '/account',
    'not-found': '/nowhere',
  });

  async function check({ page, complaints }: Visit, name: string, view: string): Promise<void> {
    const found = { violations: await violations(page), sideways: await scrollsSideways(page), complaints };
    expect.soft(found, `${name}, ${view}`).toEqual({ violations: [], sideways: false, complaints: [] });
    if (FOLDER !== undefined) await takePicture(page, `${name}-${view}`);
  }

  async function takePicture(page: Page, name: string): Promise<void> {
    mkdirSync(FOLDER as string, { recursive: true });
    const path = join(FOLDER as string, `${name}.png`);
    const { width } = page.viewportSize() ?? DESKTOP;
    const wholeHeight = (await page.evaluate('document.documentElement.scrollHeight')) as number;
    const height = Math.min(wholeHeight, MOST_HEIGHT);
    const clip = { x: 0, y: 0, width, height };
    await page.screenshot({ path, fullPage: true, animations: 'disabled', clip });
    expect.soft(statSync(path).size, path).toBeLessThan(MOST_BYTES);
  }

  test.each(VIEWS)(
    'has no barrier and nothing to scroll sideways: $name',
    async ({ name: view, ...options }) => {
      const visited = await visit(browser, inUse.origin, options);
      const { page, goTo, close } = visited;
      await goTo('');
      await check(visited, 'sign-in', view);
      await signInOn(page);
      for (const [name, path] of Object.entries(pages())) {
        await goTo(path);
        await settled(page);
        await check(visited, name, view);
      }
      await close();
    },
    120_000,
  );

  test('can be read at 200 %: a window of half the width', async () => {
    const visited = await visit(browser, inUse.origin, {
      viewport: { width: 640, height: 430 },
      deviceScaleFactor: 2,
    });
    const { page, goTo, close } = visited;
    await giveSession(visited, inUse);
    for (const path of Object.values(pages())) {
      await goTo(path);
      expect.soft(await scrollsSideways(page), path).toBe(false);
    }
    await close();
  });
});
