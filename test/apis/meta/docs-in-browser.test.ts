import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeProfiles, execute, hasChromium, openPage, sharedBrowser } from '../../support/browser.ts';
import { type Running, startService } from '../../support/keyhearth.ts';

describe.skipIf(!hasChromium)('in a browser', () => {
  let keyhearth: Running;
  let browser: Browser;
  beforeAll(async () => {
    keyhearth = await startService();
    browser = await sharedBrowser();
  });
  afterAll(async () => {
    await closeProfiles(browser);
    await keyhearth.close();
  });

  const open = (path: string) => openPage(browser, `${keyhearth.origin}${path}`);

  async function inDialog(page: Page, scheme: 'apiKey' | 'bearer', act: (dialog: Locator) => Promise<void>) {
    await page.getByRole('button', { name: 'Authorize' }).first().click();
    const dialog = page.locator('.auth-container', {
      hasText: scheme === 'apiKey' ? 'apiKey (apiKey)' : 'bearer (http',
    });
    await act(dialog);
    await dialog.getByRole('button', { name: 'Close' }).click();
  }

  const authorize = (page: Page, scheme: 'apiKey' | 'bearer', key: string) =>
    inDialog(page, scheme, async (dialog) => {
      await dialog.locator('input').fill(key);
      await dialog.getByRole('button', { name: /authorize|apply/i }).click();
    });

  const forget = (page: Page, scheme: 'apiKey' | 'bearer') =>
    inDialog(page, scheme, (dialog) => dialog.getByText('Logout', { exact: true }).click());

  test('/docs: the requests that it fills in register a first key, verify one, and list keys, with the key header or a bearer token', async () => {
    const { page, elsewhere, complaints } = await open('/docs');
    expect(await execute(page, 'Bootstrap', 'registerKey')).toContain('API key registered.');
    await authorize(page, 'apiKey', 'your-secure-api-key-at-least-32-chars');
    expect(await execute(page, 'Verification', 'introspectKeys')).toContain('"code": "NOT_FOUND"');
    await expectKeys(page);
    await forget(page, 'apiKey');
    await authorize(page, 'bearer', 'your-secure-api-key-at-least-32-chars');
    await expectKeys(page);
    expect(elsewhere).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  async function expectKeys(page: Page): Promise<void> {
    const answer = await execute(page, 'Keys', 'listKeys');
    expect(answer).toContain('200');
    expect(answer).toContain('"label": "backup-server"');
  }

  test('/redoc shows the operations', async () => {
    const { page, elsewhere, complaints } = await open('/redoc');
    await page.getByRole('heading', { name: 'Create a key' }).waitFor();
    expect(await page.innerText('body')).toContain('X-Proxbox-API-Key');
    expect(elsewhere).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });
});
