import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { closeProfiles, hasChromium, sharedBrowser } from '../support/browser.ts';
import { giveSession, settled, signInOn, visit } from '../support/dashboard.ts';
import { peopled } from '../support/people.ts';

describe.skipIf(!hasChromium)('the list of keys', () => {
  let browser: Browser;
  beforeAll(async () => {
    expect(await buildIfStale()).toBeUndefined();
    browser = await sharedBrowser();
    return () => closeProfiles(browser);
  });

  async function withKeys(count: number) {
    const running = await peopled();
    const call = running.call;
    for (let i = 0; i < count; i++) {
      const label = `key ${String(i).padStart(3, '0')}`;
      expect(
        (await call('POST', '/auth/keys', { label, scopes: i % 2 === 0 ? ['even:read'] : [] })).status,
      ).toBe(201);
    }
    const opened = await visit(browser, running.origin);
    await giveSession(opened, running);
    await opened.goTo('/keys');
    const names = () => opened.page.getByRole('rowheader').getByRole('link').allInnerTexts();
    return { ...running, ...opened, names };
  }

  test('is paged by mouse and by keyboard, holds one page, and "back" goes back', async () => {
    const { page, names, goTo, complaints, close } = await withKeys(120);
    expect((await names()).length).toBe(50);
    expect((await names())[0]).toBe('key 119');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('Page 2').waitFor();
    await settled(page);
    expect((await names())[0]).toBe('key 069');
    await page.keyboard.press('n');
    await page.getByText('Page 3').waitFor();
    await settled(page);
    expect((await names())[0]).toBe('key 019');
    expect(await page.getByRole('button', { name: 'Next' }).isDisabled()).toBe(true);
    await page.goBack();
    await page.getByText('Page 2').waitFor();
    await settled(page);
    expect((await names())[0]).toBe('key 069');
    await page.reload();
    await settled(page);
    expect((await names())[0]).toBe('key 069');
    await page.keyboard.press('p');
    await page.getByText('Page 1').waitFor();
    await settled(page);
    expect((await names())[0]).toBe('key 119');
    await page.getByLabel('Name').fill('key 00');
    await expect.poll(names).toHaveLength(10);
    await page.getByLabel('Name').fill('no such name');
    await page.getByRole('heading', { name: 'No key matches' }).waitFor();
    await page.getByRole('link', { name: 'Remove the filters' }).click();
    await expect.poll(names).toHaveLength(50);
    await page.getByRole('button', { name: 'Created' }).click();
    await expect.poll(async () => (await names())[1]).toBe('key 000');
    await goTo('/keys?scope=even%3Aread&status=active');
    expect(await page.getByLabel('Scope').inputValue()).toBe('even:read');
    expect((await names())[0]).toBe('key 118');
    expect(complaints).toEqual([]);
    await close();
  });

  test('says what to do when the service does not answer, and shows the list when it does again', async () => {
    const { page, goTo, names, close } = await withKeys(1);
    await page.context().route('**/auth/keys?*', (route) =>
      route.fulfill({
        status: 503,
        headers: { 'Retry-After': '5', 'Content-Type': 'application/problem+json' },
        body: JSON.stringify({
          code: 'database_unavailable',
          detail: 'The database cannot be reached at the moment.',
        }),
      }),
    );
    await goTo('/keys');
    await page
      .getByText('The database cannot be reached at the moment. You can try again in 5 seconds.')
      .waitFor();
    await page.context().unroute('**/auth/keys?*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect.poll(names).toHaveLength(2);
    await close();
  });

  test('of one account says whose keys they are, and leads back to all keys', async () => {
    const { page, names, goTo, adminId, call, close } = await withKeys(1);
    expect((await call('POST', '/auth/keys', { label: 'of nobody' })).status).toBe(201);
    await goTo(`/keys?account_id=${adminId}`);
    await page.getByText('The keys of ops@example.com.').waitFor();
    expect(await names()).not.toContain('of nobody');
    await page.getByRole('link', { name: 'Show all keys' }).click();
    await page.getByText('Every key that this service knows.').waitFor();
    await expect.poll(names).toContain('of nobody');
    await close();
  });

  test('marks a key that a rotation replaced', async () => {
    const { page, goTo, call, close } = await withKeys(1);
    const [key] = (await call('GET', '/auth/keys?limit=1')).json.keys;
    expect((await call('POST', `/auth/keys/${key.id}/rotate`, { grace: '1d' })).status).toBe(201);
    await goTo('/keys');
    expect(await page.getByText('Replaced', { exact: true }).count()).toBe(1);
    expect(await page.getByRole('row').filter({ hasText: 'Replaced' }).innerText()).toContain(key.hint);
    await close();
  });

  test('of a member has the keys of this member alone, and no page of admins', async () => {
    const { origin, add } = await withKeys(2);
    await add('member@example.com');
    const { page, goTo, close } = await visit(browser, origin);
    await goTo('/keys');
    await signInOn(page, { email: 'member@example.com', password: 'correct horse battery staple' });
    await page.getByRole('heading', { name: 'You have no keys yet' }).waitFor();
    const links = await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allInnerTexts();
    expect(links).toEqual(['Overview', 'API', 'API Keys', 'Your account']);
    await goTo('/audit');
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    await close();
  });
});
