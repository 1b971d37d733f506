import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { closeProfiles, hasChromium, sharedBrowser } from '../support/browser.ts';
import { barriers, giveSession, signInOn, visit } from '../support/dashboard.ts';
import { declaring } from '../support/declared-keys.ts';
import { sqlIn } from '../support/keyhearth.ts';
import { ADMIN, peopled } from '../support/people.ts';

const HOUR = 3_600;
const LONG = `${'a-label-without-a-space-'.repeat(8)}abcdefgh`;

describe.skipIf(!hasChromium)('the page of a key', () => {
  let browser: Browser;
  beforeAll(async () => {
    expect(await buildIfStale()).toBeUndefined();
    browser = await sharedBrowser();
    return () => closeProfiles(browser);
  });

  /** Opens the page of a new key with these settings. */
  async function atKey(settings: object = { label: 'backup server', scopes: [] }) {
    const running = await peopled();
    const { json: key } = await running.admin('POST', '/auth/keys', settings);
    const opened = await visit(browser, running.origin);
    await giveSession(opened, running);
    await opened.goTo(`/keys/${key.id}`);
    const { page } = opened;
    return {
      ...running,
      ...opened,
      key,
      press: (name: string) => page.getByRole('button', { name, exact: true }).click(),
      pressInDialog: (name: string) => page.getByRole('dialog').getByRole('button', { name }).click(),
      now: async (id: number = key.id) => (await running.call('GET', `/auth/keys/${id}`)).json,
      verify: async (rawKey: string) => (await running.send({ path: '/auth/verify', key: rawKey })).status,
    };
  }

  /** The value of a term in the list of facts. */
  const fact = (page: Page, term: string) =>
    page
      .locator('dt', { hasText: new RegExp(`^${term}$`) })
      .locator('xpath=following-sibling::dd[1]')
      .innerText();

  test('says what the key is and holds', async () => {
    const { page, key, complaints, close } = await atKey({
      label: 'billing',
      owner: 'فريق العمليات',
      scopes: ['keys:verify', 'orders:*'],
      expires_in: '30d',
      allowed_ips: ['203.0.113.0/24'],
      rate_limits: [{ name: 'burst', limit: 2000, window: '5m' }],
      max_concurrent: 1200,
      metadata: { ticket: 4711 },
    });
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('billing');
    expect(await page.title()).toBe('billing · Keyhearth');
    expect(await page.getByText(`${key.hint}…`).count()).toBe(1);
    expect(await fact(page, 'Owner')).toBe('فريق العمليات');
    expect(await fact(page, 'Scopes')).toMatch(/keys:verify Verify keys[\s\S]*orders:\*/);
    expect(await fact(page, 'Expires')).toContain('in 30 days');
    expect(await fact(page, 'Allowed addresses')).toBe('203.0.113.0/24');
    expect(await fact(page, 'Rate limits')).toBe('2,000 in 5 minutes (burst)');
    expect(await fact(page, 'Requests at one time')).toBe('1,200');
    expect(await fact(page, 'Metadata')).toContain('"ticket": 4711');
    expect(await fact(page, 'Account')).toBe('yours');
    expect(complaints).toEqual([]);
    await close();
  });

  test('changes what the person changed, and nothing else', async () => {
    const settings = {
      label: 'one',
      scopes: ['b:read', 'a:read'],
      metadata: { a: 1 },
      allowed_ips: ['2001:db8::/32'],
    };
    const { page, key, press, now, close } = await atKey({
      ...settings,
      rate_limits: [{ name: 'x', limit: 1, window: 90 }],
    });
    const sent: unknown[] = [];
    page.on('request', (request) => {
      if (request.method() === 'PATCH') sent.push(request.postDataJSON());
    });
    await press('Edit');
    await expect.poll(() => page.evaluate('document.activeElement.name')).toBe('label');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('two');
    await page.getByLabel('Owner').fill('ops');
    await page.getByLabel('Expires').selectOption('In 1 year');
    await press('Save');
    await page.getByText('Saved.').waitFor();
    expect(sent).toEqual([{ label: 'two', owner: 'ops', expires_in: '365d' }]);
    expect(await now()).toMatchObject({ ...settings, label: 'two', owner: 'ops', scopes: key.scopes });
    await page.getByRole('heading', { name: 'two' }).waitFor();
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Edit');
    await press('Edit');
    await press('Save');
    await page.getByRole('button', { name: 'Edit', exact: true }).waitFor();
    expect(sent.length).toBe(1);
    await press('Edit');
    await page.getByLabel('Only prove that it is valid').check();
    await page.getByRole('button', { name: 'Remove rate limit 1' }).click();
    await page.getByLabel('Expires').selectOption('Never');
    await page.getByLabel('Allowed addresses').fill('');
    await press('Save');
    await page.getByText('none: it can only prove that it is valid').waitFor();
    expect(sent[1]).toEqual({ scopes: [], rate_limits: [], expires_at: null, allowed_ips: [] });
    await close();
  });

  test('of a declared key says what the file decides, and changes the rest', async () => {
    const running = await peopled();
    const declare = await declaring(running.dataDir, running.clock);
    await declare([['team-a-key-abc123', 'Team A']]);
    const opened = await visit(browser, running.origin);
    await giveSession(opened, running);
    const { page, goTo, complaints, close } = opened;
    await goTo('/keys/2');
    await page.getByText('To rename, replace or remove it, change the file.').waitFor();
    const buttons = page.locator('main').getByRole('button');
    const named = async (name: string) => buttons.filter({ hasText: new RegExp(`^${name}$`) }).count();
    expect(await Promise.all(['Edit', 'Rotate', 'Deactivate', 'Delete'].map(named))).toEqual([1, 0, 0, 0]);
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    expect(await page.getByLabel('Name (optional)').count()).toBe(0);
    expect(await page.getByLabel('What you choose').count()).toBe(0);
    await page.getByLabel('Owner').fill('Team A');
    await page.getByText('More settings').click();
    await page.getByLabel('Requests at one time').fill('many');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Requests at one time must be a whole number.').waitFor();
    await page.getByLabel('Requests at one time').fill('4');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect.poll(() => fact(page, 'Requests at one time')).toBe('4');
    expect((await running.call('GET', '/auth/keys/2')).json).toMatchObject({
      ...{ owner: 'Team A', label: 'Team A', scopes: ['gateway:use'], max_concurrent: 4 },
    });

    await declare([]);
    await goTo('/keys/2');
    await page.reload();
    await page.getByText('No file of a gateway declares this key any more').waitFor();
    expect(await Promise.all(['Edit', 'Activate', 'Delete'].map(named))).toEqual([1, 0, 1]);
    expect(await barriers(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  test('keeps the edit when the service refuses it, and says why', async () => {
    const { page, call, goTo, press, close } = await atKey();
    const { id } = (await call('GET', '/auth/self')).json;
    await goTo(`/keys/${id}`);
    await press('Edit');
    await page.getByLabel('Owner').fill('somebody');
    await page.getByLabel('Expires').selectOption('In 30 days');
    await press('Save');
    await page.getByRole('alert').getByText('Nothing was changed.').waitFor();
    expect(await page.getByLabel('Owner').inputValue()).toBe('somebody');
    await press('Cancel');
    expect(await fact(page, 'Owner')).toBe('none');
    await close();
  });

  test('rotates the key with a grace, and each key names the other', async () => {
    const { page, key, press, pressInDialog, now, verify, pass, close } = await atKey();
    await press('Rotate');
    await page.getByLabel('The old key goes on working').selectOption('For 1 hour');
    await pressInDialog('Rotate');
    const successor = await page.getByTestId('raw-key').innerText();
    expect(await verify(successor)).toBe(200);
    expect(await verify(key.raw_key)).toBe(200);
    expect(await now(key.id + 1)).toMatchObject({ label: key.label, rotated_from: key.id });
    await page.getByText(`Key ${key.id}, which works until`).waitFor();
    await press('Copy the key');
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    await page.getByRole('link', { name: `Key ${key.id}` }).click();
    await page.getByText('This one works until').waitFor();
    expect(await page.getByRole('button', { name: 'Rotate' }).count()).toBe(0);
    pass(HOUR + 1);
    expect(await verify(key.raw_key)).toBe(401);
    await page.reload();
    await page.getByText('This one no longer works.').waitFor();
    await page.getByRole('link', { name: `Key ${key.id + 1}` }).click();
    await page.getByRole('link', { name: `Key ${key.id}` }).waitFor();
    expect(await page.content()).not.toContain(successor);
    await close();
  });

  test('ends the old key at once where no grace is chosen', async () => {
    const { page, key, press, pressInDialog, verify, close } = await atKey();
    await press('Rotate');
    await page.getByLabel('The old key goes on working').selectOption('Not at all: it has leaked');
    await pressInDialog('Rotate');
    await page.getByTestId('raw-key').waitFor();
    await page.getByText(`Key ${key.id}, which no longer works`).waitFor();
    expect(await verify(key.raw_key)).toBe(401);
    await close();
  });

  test('names the account of a key, before and after it goes to another one', async () => {
    const { page, key, add, admin, dataDir, goTo, close } = await atKey();
    const [before, after] = [await add('before@example.com'), await add('after@example.com')];
    await sqlIn(dataDir, `update api_keys set account_id = '${before}' where id = ${key.id}`);
    const removal = `/auth/accounts/${before}?keys_to=${after}`;
    expect((await admin('DELETE', removal)).status).toBe(204);
    await goTo(`/keys/${key.id}`);
    await page.getByText(`account: ${before} → after@example.com`).waitFor();
    await page.getByRole('link', { name: 'after@example.com' }).click();
    await page.getByText('The keys of after@example.com.').waitFor();
    await close();
  });

  test('deactivates and activates the key', async () => {
    const { page, key, press, pressInDialog, verify, close } = await atKey();
    await press('Deactivate');
    await pressInDialog('Cancel');
    expect(await verify(key.raw_key)).toBe(200);
    await press('Deactivate');
    await pressInDialog('Deactivate');
    await page.getByText('This key is deactivated').waitFor();
    expect(await verify(key.raw_key)).toBe(401);
    expect(await page.getByRole('button', { name: 'Rotate' }).count()).toBe(0);
    await press('Activate');
    await pressInDialog('Activate');
    await page.getByRole('button', { name: 'Deactivate' }).waitFor();
    expect(await verify(key.raw_key)).toBe(200);
    await close();
  });

  test.each([
    ['the name', 'مفتاح 👩‍💻', undefined],
    ['the number, where the key has no name', '', 'Key '],
  ])('deletes the key after the person has typed %s', async (_, label, prefix) => {
    const { page, key, press, pressInDialog, call, close } = await atKey({ label, scopes: [] });
    const name = prefix === undefined ? label : prefix + key.id;
    await press('Delete');
    const remove = page.getByRole('dialog').getByRole('button', { name: 'Delete the key' });
    expect(await remove.isDisabled()).toBe(true);
    await page.keyboard.type('another');
    expect(await remove.isDisabled()).toBe(true);
    await page.getByLabel('Type the name of the key').fill(name);
    await pressInDialog('Delete the key');
    await page.getByText(`Deleted “${name}”.`).waitFor();
    await page.getByRole('heading', { name: 'API Keys' }).waitFor();
    expect((await call('GET', `/auth/keys/${key.id}`)).status).toBe(404);
    await close();
  });

  test('shows how often the key is verified, and who changed it', async () => {
    const { page, key, admin, clock, dataDir, goTo, close } = await atKey();
    const hour = Math.floor(clock.now() / (HOUR * 1_000)) * HOUR * 1_000;
    await sqlIn(
      dataDir,
      `insert into usage_hours (start, key_id, outcome, count) values (${hour}, ${key.id}, 'VALID', 1234)`,
    );
    await admin('PATCH', `/auth/keys/${key.id}`, { owner: 'ops' });
    await goTo(`/keys/${key.id}`);
    const verifications = page.getByRole('region', { name: 'Verifications' });
    await verifications.getByText('1,234').first().waitFor();
    await verifications.getByRole('button', { name: '30 days' }).click();
    await verifications.getByText('1,234').first().waitFor();
    const rows = page.getByRole('region', { name: 'Changes' }).getByRole('row');
    expect(await rows.nth(1).innerText()).toMatch(
      /Changed\s+owner: empty → ops[\s\S]*ops@example\.com\s+127\.0\.0\.1/,
    );
    expect(await rows.nth(2).innerText()).toContain('Created');
    await close();
  });

  test('is for members as well, with their own keys', async () => {
    const { page, key, add, signIn, goTo, press, pressInDialog, verify, close } = await atKey();
    const email = 'member@example.com';
    await add(email);
    const member = await signIn({ ...ADMIN, email });
    const { json: own } = await member('POST', '/auth/keys', { label: 'mine', scopes: [] });
    await press('Sign out');
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await goTo(`/keys/${own.id}`);
    await signInOn(page, { ...ADMIN, email });
    await page.getByRole('region', { name: 'Changes' }).getByText('Created').waitFor();
    expect(await page.locator('dt', { hasText: 'Account' }).count()).toBe(0);
    expect(await page.getByRole('alert').count()).toBe(0);
    await press('Rotate');
    await pressInDialog('Rotate');
    expect(await verify(await page.getByTestId('raw-key').innerText())).toBe(200);
    await press('Copy the key');
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    await goTo(`/keys/${key.id}`);
    await page.getByRole('alert').getByText('API key not found.').waitFor();
    expect(await page.getByRole('button', { name: 'Delete' }).count()).toBe(0);
    await close();
  });

  test('is accessible, also with a long name', async () => {
    const settings = {
      label: LONG,
      owner: LONG,
      scopes: [`${LONG.slice(0, 90)}:*`],
      metadata: { long: LONG },
    };
    const { page, press, close } = await atKey(settings);
    await page.getByRole('tab', { name: 'nginx' }).click();
    expect(await barriers(page)).toEqual([]);
    await press('Edit');
    expect(await barriers(page)).toEqual([]);
    await press('Cancel');
    for (const action of ['Rotate', 'Delete']) {
      await press(action);
      await page.getByRole('dialog').waitFor();
      expect(await barriers(page)).toEqual([]);
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }
    await close();
  });
});
