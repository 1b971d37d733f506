import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { closeProfiles, hasChromium, sharedBrowser } from '../support/browser.ts';
import { barriers, giveSession, PHONE, settled, visit } from '../support/dashboard.ts';
import { ADMIN, peopled } from '../support/people.ts';

const DAY = 86_400;

describe.skipIf(!hasChromium)('the page for a new key', () => {
  let browser: Browser;
  beforeAll(async () => {
    expect(await buildIfStale()).toBeUndefined();
    browser = await sharedBrowser();
    return () => closeProfiles(browser);
  });

  async function atNewKey(email = ADMIN.email, scopes: readonly string[] = []) {
    const running = await peopled();
    if (email !== ADMIN.email) {
      const id = await running.add(email);
      const granted = await running.call('PATCH', `/auth/accounts/${id}`, { scopes });
      expect(granted).toMatchObject({ status: 200 });
    }
    const opened = await visit(browser, running.origin);
    const { page } = opened;
    await giveSession(opened, running, { ...ADMIN, email });
    await opened.goTo('/keys');
    await page.getByRole('link', { name: 'New API Key' }).first().click();
    await page.getByRole('heading', { name: 'New API Key' }).waitFor();
    return {
      ...running,
      ...opened,
      create: () => page.getByRole('button', { name: 'Create the key' }).click(),
      rawKey: () => page.getByTestId('raw-key').innerText(),
      newest: async () => (await running.call('GET', '/auth/keys?limit=1')).json.keys[0],
    };
  }

  test('suggests a narrow key, and shows the raw key once', async () => {
    const { page, newest, rawKey, send, clock, complaints, close } = await atNewKey();
    // With the keyboard alone: the page begins before its first field.
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('main');
    await page.keyboard.press('Tab');
    await page.keyboard.type('backup server');
    await page.keyboard.press('Enter');
    const key = await rawKey();
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('backup server');
    expect(await newest()).toMatchObject({
      label: 'backup server',
      scopes: [],
      allowed_ips: [],
      rate_limits: [],
      max_concurrent: null,
    });
    expect(Math.abs((await newest()).expires_at - clock.now() / 1_000 - 90 * DAY)).toBeLessThan(60);
    expect(await send({ path: '/auth/verify', key })).toMatchObject({ status: 200 });
    expect(await page.getByRole('tabpanel').innerText()).toContain(`"X-API-Key: ${key}"`);
    const asked: string[] = [];
    page.on('dialog', (dialog) => {
      asked.push(dialog.type());
      return dialog.accept();
    });
    await page.reload();
    await settled(page);
    expect(asked).toEqual(['beforeunload']);
    expect(await page.content()).not.toContain(key);
    expect(complaints).toEqual([]);
    await close();
  });

  test('asks before the key is lost, unless it was copied or downloaded', async () => {
    const { page, create, rawKey, close } = await atNewKey();
    await page.getByLabel('Name').fill('one');
    await create();
    const key = await rawKey();
    const question = page.getByRole('dialog', { name: 'Leave without the key?' });
    await page.getByRole('link', { name: 'Overview' }).click();
    await question.getByRole('button', { name: 'Stay' }).click();
    await page.goBack();
    await question.getByRole('button', { name: 'Stay' }).click();
    expect(page.url()).toMatch(/\/keys\/\d+$/);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await question.waitFor();
    await page.keyboard.press('Escape');
    await question.waitFor({ state: 'detached' });
    expect(await rawKey()).toBe(key);
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download as .env' }).click();
    const file = await (await download).createReadStream();
    expect(String(await file.toArray())).toBe(`KEYHEARTH_KEY=${key}\n`);
    await page.getByRole('link', { name: 'API Keys' }).click();
    await page.getByRole('heading', { name: 'API Keys' }).waitFor();
    await page.getByRole('link', { name: 'New API Key' }).first().click();
    await create();
    await page.getByTestId('raw-key').waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    await question.getByRole('button', { name: 'Leave without it' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await close();
  });

  test('copies the key, and then lets the person go', async () => {
    const { page, create, rawKey, close } = await atNewKey();
    await create();
    const key = await rawKey();
    await page.getByRole('button', { name: 'Copy the key' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    await page.getByRole('link', { name: 'API Keys' }).click();
    const filter = page.getByLabel('Owner');
    await filter.press('Control+V');
    expect(await filter.inputValue()).toBe(key);
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.goBack();
    await page.goBack();
    await page.getByRole('region', { name: 'Verifications' }).waitFor();
    expect(await page.content()).not.toContain(key);
    await close();
  });

  test('lets the person go who copied code with the key in it', async () => {
    const { page, create, rawKey, close } = await atNewKey();
    await page.getByLabel('Allowed addresses').fill('203.0.113.0/24\n2001:db8::/32');
    await create();
    const key = await rawKey();
    await page
      .getByText('This key works only from 203.0.113.0/24 and 2001:db8::/32. From elsewhere the answer is')
      .waitFor();
    const panel = page.getByRole('tabpanel');
    await page.getByRole('tab', { name: 'nginx' }).click();
    await panel.getByRole('button', { name: 'Copy' }).click();
    await panel.getByRole('button', { name: 'Copied' }).waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Stay' }).click();
    await page.getByRole('tab', { name: 'curl' }).click();
    await panel.getByRole('button', { name: 'Copy', exact: true }).click();
    await panel.getByRole('button', { name: 'Copied' }).waitFor();
    await page.getByRole('link', { name: 'API Keys' }).click();
    await page.getByRole('heading', { name: 'API Keys' }).waitFor();
    await page.getByLabel('Owner').press('Control+V');
    expect(await page.getByLabel('Owner').inputValue()).toContain(key);
    await close();
  });

  test('shows the way to the list when the connection breaks, and keeps what was typed', async () => {
    const { page, create, context, close } = await atNewKey();
    await page.getByLabel('Name (optional)').fill('lost');
    await page.route('**/auth/keys', (route) => route.abort());
    await create();
    await page.getByText('Check before you try again.').waitFor();
    const opening = context.waitForEvent('page');
    await page.getByRole('link', { name: 'Open the list of keys' }).click();
    await (await opening).getByRole('heading', { name: 'API Keys' }).waitFor();
    expect(await page.getByLabel('Name (optional)').inputValue()).toBe('lost');
    await close();
  });

  test('shows the whole curl command on a phone', async () => {
    const { page, create, close } = await atNewKey();
    await page.setViewportSize(PHONE);
    await create();
    const code = page.getByRole('tabpanel').locator('pre');
    expect(await code.evaluate((pre) => pre.scrollWidth - pre.clientWidth)).toBe(0);
    await close();
  });

  /** Every setting that the page has. */
  async function fillAll(page: Page) {
    await page.getByLabel('Name (optional)').fill('billing');
    await page.getByLabel('Owner').fill('team 🚀');
    await page.getByLabel('What you choose').check();
    await page.getByLabel('keys:verify').check();
    await page.getByLabel('Scopes of your own services').fill('invoices:read orders:*');
    await page.getByLabel('Expires').selectOption('On a date');
    await page.getByLabel('Last day').fill('2099-12-31');
    await page.getByRole('button', { name: 'Add a rate limit' }).click();
    await page.getByRole('button', { name: 'Add a rate limit' }).click();
    await page.getByRole('group', { name: 'Rate limit 1' }).getByLabel('Uses').fill('20');
    await page.getByRole('group', { name: 'Rate limit 2' }).getByLabel('Unit').selectOption('hours');
    await page.getByLabel('Allowed addresses').fill('203.0.113.0/24\n2001:db8::1');
    await page.getByText('More settings').click();
    await page.getByLabel('Requests at one time').fill('20');
    await page.getByLabel('Metadata').fill('{"ticket": 4711}');
    await page.getByLabel('Prefix').fill('acme');
  }

  test('takes every setting of a key', async () => {
    const { page, create, newest, rawKey, close } = await atNewKey();
    await fillAll(page);
    await create();
    expect(await rawKey()).toMatch(/^acme_/);
    expect(await newest()).toMatchObject({
      label: 'billing',
      owner: 'team 🚀',
      scopes: ['keys:verify', 'invoices:read', 'orders:*'],
      expires_at: Date.parse('2099-12-31T23:59:59') / 1_000,
      rate_limits: [
        { name: 'minute', limit: 20, window: '1m' },
        { name: 'day', limit: 10_000, window: '1h' },
      ],
      allowed_ips: ['203.0.113.0/24', '2001:db8::1'],
      max_concurrent: 20,
      metadata: { ticket: 4711 },
    });
    await close();
  });

  test('says what is wrong with which entry, and keeps what was typed', async () => {
    const { page, create, newest, close } = await atNewKey();
    await fillAll(page);
    await page.getByLabel('Scopes of your own services').fill('Invoices');
    await page.getByRole('group', { name: 'Rate limit 2' }).getByLabel('Uses').fill('many');
    await page.getByLabel('Allowed addresses').fill('203.0.113.7\nsomewhere');
    await create();
    await page.getByText('“Invoices” must be * or parts of lower-case letters').waitFor();
    await page.getByText('“somewhere” must be an address or a network').waitFor();
    await page.getByText('Uses must be a whole number').waitFor();
    await page.getByText('Correct the marked fields. Nothing was saved.').waitFor();
    await expect.poll(() => page.evaluate('document.activeElement.name')).toBe('scopes');
    await page.getByLabel('Metadata').fill('[1]');
    await page.getByLabel('Last day').fill('');
    await create();
    await page.getByText('Metadata must be a JSON object').waitFor();
    await page.getByText('Last day must be a date.').waitFor();
    expect(await page.getByLabel('Name (optional)').inputValue()).toBe('billing');
    expect((await newest()).label).not.toBe('billing');
    await close();
  });

  test('explains the danger of everything, and the lack of a choice', async () => {
    const { page, create, newest, close } = await atNewKey();
    await page.getByLabel('What you choose').check();
    await create();
    await page.getByText('Choose a scope, or choose that the key needs none.').waitFor();
    await page.getByLabel('Everything').check();
    await page.getByText('This is dangerous.').waitFor();
    await create();
    await page.getByTestId('raw-key').waitFor();
    expect((await newest()).scopes).toEqual(['*']);
    await close();
  });

  test('offers a member what the account holds, and nothing else', async () => {
    const { page, create, newest, close } = await atNewKey('member@example.com', [
      'invoices:read',
      'usage:read',
    ]);
    expect(await page.getByRole('radio').count()).toBe(2);
    await page.getByLabel('What you choose').check();
    expect(await page.getByRole('checkbox').count()).toBe(2);
    expect(await page.getByLabel('Scopes of your own services').count()).toBe(0);
    await page.getByLabel('invoices:read').check();
    await create();
    await page.getByTestId('raw-key').waitFor();
    expect((await newest()).scopes).toEqual(['invoices:read']);
    await close();
  });

  test('says to a member without scopes why there is no choice', async () => {
    const { page, close } = await atNewKey('member@example.com');
    await page.getByText('Your account has no scopes that you could give to a key.').waitFor();
    expect(await page.getByRole('radio').count()).toBe(1);
    await close();
  });

  test('is accessible, with every field and with the key', async () => {
    const { page, create, close } = await atNewKey();
    await fillAll(page);
    await page.getByLabel('Allowed addresses').fill('somewhere');
    await create();
    await page.getByText('Correct the marked fields.').waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.getByLabel('Allowed addresses').fill('');
    await create();
    await page.getByTestId('raw-key').waitFor();
    expect(await barriers(page)).toEqual([]);
    await close();
  });
});
