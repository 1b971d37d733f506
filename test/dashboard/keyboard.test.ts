import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { closeProfiles, hasChromium, sharedBrowser } from '../support/browser.ts';
import { settled, visit } from '../support/dashboard.ts';
import { ADMIN, peopled } from '../support/people.ts';

const MOST_STEPS = 60;

/** What has the focus, as a person would name it: its label, or its text. */
const FOCUSED = `(() => {
  const { activeElement: element } = document;
  const label = element.labels?.[0] ?? element;
  return (element.getAttribute('aria-label') ?? label.textContent).trim();
})()`;

/** Presses Tab until the focus is on what has this name. */
async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  const passed: string[] = [];
  for (let step = 0; step < MOST_STEPS; step++) {
    await page.keyboard.press('Tab');
    const focused = (await page.evaluate(FOCUSED)) as string;
    if (typeof name === 'string' ? focused === name : name.test(focused)) return;
    passed.push(focused);
  }
  throw new Error(`Tab does not reach ${name}, but ${passed.join(' | ')}`);
}

describe.skipIf(!hasChromium)('with the keyboard alone', () => {
  let browser: Browser;
  beforeAll(async () => {
    expect(await buildIfStale()).toBeUndefined();
    browser = await sharedBrowser();
    return () => closeProfiles(browser);
  });

  test('a person signs in, makes a key, and deactivates and deletes it', async () => {
    const { origin, send } = await peopled();
    const { page, goTo, complaints, close } = await visit(browser, origin);
    const { keyboard } = page;
    await goTo('/keys');
    // The first field has the focus already.
    await keyboard.type(ADMIN.email);
    await keyboard.press('Tab');
    await keyboard.type(ADMIN.password);
    await keyboard.press('Enter');
    await page.getByRole('heading', { name: 'API Keys' }).waitFor();
    await settled(page);

    await tabTo(page, 'Skip to the page');
    await keyboard.press('Enter');
    await tabTo(page, 'New API Key');
    await keyboard.press('Enter');
    await page.getByRole('heading', { name: 'New API Key' }).waitFor();
    await tabTo(page, 'Name (optional)');
    await keyboard.type('by keyboard');
    expect(await page.getByLabel('Name (optional)').inputValue()).toBe('by keyboard');
    await keyboard.press('Enter');
    const key = await page.getByTestId('raw-key').innerText();
    expect((await send({ path: '/auth/verify', key })).status).toBe(200);
    await tabTo(page, 'Copy the key');
    await keyboard.press('Enter');

    await tabTo(page, 'Skip to the page');
    await keyboard.press('Enter');
    await tabTo(page, 'Deactivate');
    await keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await keyboard.press('Enter');
    await page.getByText('Inactive', { exact: true }).first().waitFor();
    expect((await send({ path: '/auth/verify', key })).status).toBe(401);

    await tabTo(page, 'Delete');
    await keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await page.evaluate(FOCUSED)).toBe('Delete');
    await keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await keyboard.type('by keyboard');
    await keyboard.press('Enter');
    await page.getByRole('heading', { name: 'API Keys' }).waitFor();
    await settled(page);
    expect(await page.getByRole('link', { name: 'by keyboard' }).count()).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });
});
