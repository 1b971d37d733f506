import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { closeProfiles, hasChromium, sharedBrowser } from '../support/browser.ts';
import { settled, signInOn, visit } from '../support/dashboard.ts';
import { peopled } from '../support/people.ts';

describe.skipIf(!hasChromium)('a dialog whose form is being sent', () => {
  let browser: Browser;
  beforeAll(async () => {
    expect(await buildIfStale()).toBeUndefined();
    browser = await sharedBrowser();
    return () => closeProfiles(browser);
  });

  test('cannot be closed, so that a secret in the answer is not lost', async () => {
    const { origin, call, send } = await peopled();
    const { id, raw_key: old } = (await call('POST', '/auth/keys', { label: 'rotated', scopes: [] })).json;
    const { page, context, goTo, close } = await visit(browser, origin);
    await goTo(`/keys/${id}`);
    await signInOn(page);
    const held = Promise.withResolvers<void>();
    await context.route('**/rotate', async (route) => {
      await held.promise;
      await route.continue();
    });
    await page.getByRole('button', { name: 'Rotate' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('The old key goes on working').selectOption('0s');
    await dialog.getByRole('button', { name: 'Rotate' }).click();
    await dialog.getByRole('button', { name: 'Rotating…' }).waitFor();
    for (let i = 0; i < 3; i++) await page.keyboard.press('Escape');
    expect(await dialog.getByRole('button', { name: 'Cancel' }).isDisabled()).toBe(true);
    held.resolve();
    const key = await page.getByTestId('raw-key').innerText();
    await settled(page);
    const statuses = [old, key].map(async (each) => (await send({ path: '/auth/verify', key: each })).status);
    expect(await Promise.all(statuses)).toEqual([401, 200]);
    await close();
  });
});
