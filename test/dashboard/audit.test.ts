import { readFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { closeProfiles, hasChromium, sharedBrowser } from '../support/browser.ts';
import { barriers, giveSession, settled, visit } from '../support/dashboard.ts';
import { ADMIN, peopled } from '../support/people.ts';

describe.skipIf(!hasChromium)('the audit log', () => {
  let browser: Browser;
  beforeAll(async () => {
    expect(await buildIfStale()).toBeUndefined();
    browser = await sharedBrowser();
    return () => closeProfiles(browser);
  });

  async function changed() {
    const running = await peopled();
    const { admin } = running;
    const { id } = (await admin('POST', '/auth/keys', { label: 'old name' })).json;
    await admin('PATCH', `/auth/keys/${id}`, { label: 'backup-server' });
    await admin('POST', `/auth/keys/${id}/deactivate`);
    const gone = (await admin('POST', '/auth/keys', { label: 'short-lived' })).json.id;
    await admin('DELETE', `/auth/keys/${gone}`);
    return { ...running, id: Number(id) };
  }

  async function opened(running: Awaited<ReturnType<typeof peopled>>, path = '/audit', who = ADMIN) {
    const visited = await visit(browser, running.origin);
    await giveSession(visited, running, who);
    await visited.goTo(path);
    const sentences = async () =>
      (await visited.page.locator('main li > div:first-child').allInnerTexts()).map((text) => text.trim());
    return { ...visited, sentences };
  }

  test('says in words who did what, with the details, and links to the key', async () => {
    const running = await changed();
    const { page, sentences, complaints, close } = await opened(running);
    await expect
      .poll(sentences)
      .toEqual([
        'ops@example.com signed in',
        'ops@example.com deleted the key short-lived',
        'ops@example.com created the key short-lived',
        'ops@example.com deactivated the key backup-server',
        'ops@example.com changed the key backup-server: label old name → backup-server',
        'ops@example.com created the key old name',
        'ops@example.com signed in',
        'The set-up created the account ops@example.com',
        expect.stringMatching(/^The set-up registered the key /),
      ]);
    const change = page.getByRole('listitem').filter({ hasText: 'changed the key' });
    await change.getByText('Details').click();
    await change.getByText('key.updated').waitFor();
    expect(await change.getByRole('cell').allInnerTexts()).toEqual(['old name', 'backup-server']);
    await change.getByRole('link', { name: 'All events of this key' }).click();
    await expect.poll(async () => (await sentences()).length).toBe(3);
    await page.getByRole('link', { name: 'backup-server' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'backup-server' }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('finds events by kind, key, actor and time, and downloads those', async () => {
    const running = await changed();
    const { page, sentences, close } = await opened(running);
    const found = (texts: readonly string[]) => expect.poll(sentences).toEqual(texts);
    await page.getByLabel('What').selectOption({ label: 'Key deleted' });
    await found(['ops@example.com deleted the key short-lived']);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download these events' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('audit.ndjson');
    const lines = (await readFile(await download.path(), 'utf8')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).action)).toEqual(['key.deleted']);
    await page.getByLabel('Number of the key').fill(String(running.id));
    await page.getByRole('heading', { name: 'No event matches' }).waitFor();
    await page.getByLabel('What').selectOption('');
    await expect.poll(async () => (await sentences()).length).toBe(3);
    await page.getByLabel('Number of the key').fill('two');
    await page
      .getByRole('alert')
      .getByText(/^Number of the key must .* Change the filter\.$/)
      .waitFor();
    expect(await page.getByRole('link', { name: 'Download' }).count()).toBe(0);
    expect(await sentences()).toEqual([]);
    await page.getByLabel('Number of the key').fill('');
    const who = page.getByLabel('Who', { exact: true });
    await who.selectOption('ops@example.com');
    await expect.poll(async () => (await sentences()).length).toBe(7);
    await who.selectOption('Somebody else, by id');
    await page.getByLabel('Who, by id').fill(running.adminId);
    await expect.poll(async () => (await sentences()).length).toBe(7);
    await page.getByLabel('Before').fill('2001-01-01T00:00');
    await page.getByRole('heading', { name: 'No event matches' }).waitFor();
    await page.getByRole('link', { name: 'Remove the filters' }).click();
    await expect.poll(async () => (await sentences()).length).toBe(9);
    expect(await page.getByLabel('Before').inputValue()).toBe('');
    await close();
  });

  test('holds one page of a long log', async () => {
    const running = await changed();
    for (let i = 0; i < 60; i++)
      await running.admin('PATCH', `/auth/keys/${running.id}`, { label: `name ${i}` });
    const { page, sentences, close } = await opened(running);
    await expect.poll(async () => (await sentences()).length).toBe(50);
    expect((await sentences())[1]).toContain('label name 58 → name 59');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('Page 2').waitFor();
    await settled(page);
    expect(await sentences()).toHaveLength(19);
    await page.keyboard.press('p');
    await page.getByText('Page 1').waitFor();
    await settled(page);
    expect((await sentences())[1]).toContain('label name 58 → name 59');
    await close();
  });

  test('shows a member with audit:read their own events alone', async () => {
    const running = await changed();
    const id = await running.add('member@example.com');
    await running.admin('PATCH', `/auth/accounts/${id}`, { scopes: ['audit:read'] });
    const { page, sentences, close } = await opened(running, '/audit', {
      ...ADMIN,
      email: 'member@example.com',
    });
    await page.getByText('What happened to your account and its keys.').waitFor();
    await expect
      .poll(sentences)
      .toEqual([
        'member@example.com signed in',
        'ops@example.com changed the account member@example.com: scopes none → audit:read',
      ]);
    await close();
  });

  test('has no violation in either theme, and fits on a phone', async () => {
    const running = await changed();
    const { page, close } = await opened(running);
    await page.getByText('Details').nth(4).click();
    await settled(page);
    expect(await barriers(page)).toEqual([]);
    await close();
  });
});
