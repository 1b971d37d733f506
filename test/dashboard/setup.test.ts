import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { closeProfiles, hasChromium, sharedBrowser } from '../support/browser.ts';
import { settled, visit } from '../support/dashboard.ts';
import { FIRST_KEY, register, service } from '../support/keyhearth.ts';
import { CHEAP } from '../support/keys.ts';
import { ADMIN } from '../support/people.ts';

describe.skipIf(!hasChromium)('the set-up', () => {
  let browser: Browser;
  beforeAll(async () => {
    expect(await buildIfStale()).toBeUndefined();
    browser = await sharedBrowser();
    return () => closeProfiles(browser);
  });

  async function fillIn(page: Page, password = ADMIN.password) {
    await page.getByLabel('E-mail address').fill(ADMIN.email);
    await page.getByLabel('Your name').fill('Operations');
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Set up' }).click();
  }

  test('of a new service is the first page; it shows the first key once, and code to copy', async () => {
    const { origin, send } = await service({ config: CHEAP });
    const { page, goTo, complaints, close } = await visit(browser, origin);
    await goTo('');
    await page.getByRole('heading', { name: 'Set up Keyhearth' }).waitFor();
    await fillIn(page, 'short');
    await page.getByText('Password must have at least 12 characters.').waitFor();
    expect(await page.getByLabel('Password').getAttribute('aria-invalid')).toBe('true');
    expect(await page.getByLabel('E-mail address').inputValue()).toBe(ADMIN.email);
    await fillIn(page);
    const key = await page.getByTestId('raw-key').innerText();
    expect(await send({ path: '/auth/verify', key })).toMatchObject({ status: 200 });
    const port = new URL(origin).port;
    expect(await page.getByRole('tabpanel').innerText()).toContain(`server 127.0.0.1:${port}`);
    expect(await page.getByRole('tabpanel').getByRole('listitem').allInnerTexts()).toEqual([
      'Start Keyhearth with KEYHEARTH_TRUSTED_PROXIES=127.0.0.1 and KEYHEARTH_ALLOWED_HOSTS=localhost,127.0.0.1.',
      expect.stringContaining('Save the file'),
      expect.stringContaining('Change the ports'),
      expect.stringContaining('Reload nginx'),
    ]);
    await page.getByRole('link', { name: 'Go to the overview' }).click();
    await page.getByRole('dialog', { name: 'Leave without the key?' }).getByText('Stay').click();
    await page.getByRole('button', { name: 'Copy the key' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    await page.getByRole('link', { name: 'Go to the overview' }).click();
    await settled(page);
    expect(await page.content()).not.toContain(key);
    await goTo('/setup');
    await page.getByRole('heading', { name: 'Keyhearth is set up' }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('needs the first key where there is one', async () => {
    const { origin, send } = await service({ config: CHEAP });
    await register(send);
    const { page, goTo, close } = await visit(browser, origin);
    await goTo('');
    await page.getByLabel('API key').fill('wrong-key-of-the-tests-0123456789abcdef');
    await fillIn(page);
    await page.getByText('Invalid API key. 4 attempts remaining.').waitFor();
    await page.getByLabel('API key').fill(FIRST_KEY);
    await fillIn(page);
    await page.getByRole('heading', { name: 'Keyhearth is set up' }).waitFor();
    expect(await page.getByTestId('raw-key').count()).toBe(0);
    await close();
  });

  test('asks for the bootstrap token where the operator has set one', async () => {
    const token = 'bootstrap-token-of-the-tests';
    const { origin } = await service({ config: CHEAP, env: { KEYHEARTH_BOOTSTRAP_TOKEN: token } });
    const { page, goTo, close } = await visit(browser, origin);
    await goTo('');
    await fillIn(page);
    await page.getByLabel('Bootstrap token').fill(token);
    await fillIn(page);
    await page.getByTestId('raw-key').waitFor();
    await close();
  });
});
