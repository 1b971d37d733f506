import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { closeProfiles, hasChromium, sharedBrowser } from '../support/browser.ts';
import { barriers, giveSession, settled, visit } from '../support/dashboard.ts';
import { sqlIn } from '../support/keyhearth.ts';
import { ADMIN, peopled } from '../support/people.ts';

const HOUR = 3_600_000;

describe.skipIf(!hasChromium)('the overview', () => {
  let browser: Browser;
  beforeAll(async () => {
    expect(await buildIfStale()).toBeUndefined();
    browser = await sharedBrowser();
    return () => closeProfiles(browser);
  });

  /** Two keys that were used, one of them two hours ago, and one that is deleted since. */
  async function used() {
    const running = await peopled({ env: { KEYHEARTH_TRUSTED_PROXIES: '127.0.0.1' } });
    const made = async (body: object): Promise<number> =>
      (await running.call('POST', '/auth/keys', body)).json.id;
    const busy = await made({ label: 'busy key', expires_in: '20d' });
    const calm = await made({ label: 'calm key', expires_in: '40d' });
    const gone = await made({ label: 'gone key' });
    await running.call('DELETE', `/auth/keys/${gone}`);
    const hour = Math.floor(running.clock.now() / HOUR) * HOUR;
    await sqlIn(
      running.dataDir,
      `insert into usage_hours (start, key_id, outcome, count) values
       (${hour}, ${busy}, 'VALID', 1200), (${hour}, ${busy}, 'EXPIRED', 30), (${hour}, ${busy}, 'RATE_LIMITED', 4),
       (${hour - 2 * HOUR}, ${calm}, 'VALID', 7), (${hour}, ${gone}, 'VALID', 2),
       (${hour}, 0, 'VALID', 1202), (${hour}, 0, 'EXPIRED', 30), (${hour}, 0, 'RATE_LIMITED', 4),
       (${hour - 2 * HOUR}, 0, 'VALID', 7)`,
    );
    return { ...running, busy };
  }

  async function opened(running: Awaited<ReturnType<typeof peopled>>, who = ADMIN) {
    const visited = await visit(browser, running.origin, { timezoneId: 'UTC' });
    // The page asks for the hours before its own time.
    await visited.page.clock.setFixedTime(running.clock.now());
    await giveSession(visited, running, who);
    await visited.goTo('');
    return visited;
  }

  const lockOut = async (running: Awaited<ReturnType<typeof peopled>>, address: string) => {
    for (let i = 0; i < 6; i++)
      await running.send({
        path: '/auth/verify',
        key: `an-unknown-key-of-a-client-0123456789-${i}`,
        headers: { 'X-Forwarded-For': address },
      });
  };

  test('shows the verifications of each hour to mouse, keyboard and screen readers', async () => {
    const { page, complaints, close } = await opened(await used());
    const chart = page.getByRole('slider', { name: 'Verifications' });
    const said = () => chart.getAttribute('aria-valuetext');
    expect(await said()).toBe('All 48 hours: 1,209 valid, 30 refused, 4 over a rate limit');
    await chart.focus();
    await page.keyboard.press('End');
    await expect.poll(said).toMatch(/: 1,202 valid, 30 refused, 4 over a rate limit$/);
    await page.getByRole('paragraph').filter({ hasText: 'key expired: 30' }).waitFor();
    await page.keyboard.press('ArrowLeft');
    // An hour without a verification is part of the chart.
    await expect.poll(said).toMatch(/: 0 valid, 0 refused, 0 over a rate limit$/);
    await page.keyboard.press('ArrowLeft');
    await expect.poll(said).toMatch(/: 7 valid, 0 refused/);
    await page.keyboard.press('Escape');
    await expect.poll(said).toMatch(/^All 48 hours/);
    const box = await chart.boundingBox();
    await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) - 3, (box?.y ?? 0) + 20);
    await expect.poll(said).toMatch(/: 1,202 valid/);
    await page.getByText('Show the numbers as a table').click();
    const rows = page.getByRole('region', { name: 'Verifications as a table' }).getByRole('row');
    expect(await rows.count()).toBe(3);
    expect((await rows.nth(2).getByRole('cell').allInnerTexts()).join()).toBe('7,0,0');
    await page.getByRole('button', { name: '30 days' }).click();
    await expect.poll(said).toMatch(/^All 30 days: 1,209 valid/);
    await page.getByRole('heading', { name: 'Most used keys in 30 days' }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('draws the hours that an answer leaves out, as hours without a verification', async () => {
    const { page, goTo, close } = await opened(await used());
    const buckets = [0, 3].map((hour) => ({ start: 1_767_225_600 + hour * 3_600, valid: 5, refused: {} }));
    await page.context().route('**/auth/usage?*', (route) => route.fulfill({ json: { buckets } }));
    await goTo('');
    const chart = page.getByRole('slider', { name: 'Verifications' });
    expect(await chart.getAttribute('aria-valuetext')).toMatch(/^All 4 hours: 10 valid/);
    await close();
  });

  test('names the most used keys, the keys that expire soon, and a missing second factor', async () => {
    const running = await used();
    const replaced = (await running.call('POST', '/auth/keys', { label: 'replaced key' })).json.id;
    await running.call('POST', `/auth/keys/${replaced}/rotate`, { grace: '7d' });
    const { page, close } = await opened(running);
    const most = page.getByRole('region', { name: 'Most used keys' }).getByRole('row');
    await expect
      .poll(async () => (await most.allInnerTexts()).map((text) => text.split(/\s+/).join(' ')))
      .toEqual([
        'Key Valid Refused',
        'busy key 1,200 34',
        'calm key 7 0',
        expect.stringMatching(/^Key \d+, deleted 2 0$/),
      ]);
    const expiring = page.getByRole('region', { name: 'Keys that expire within 30 days' });
    expect(await expiring.getByRole('listitem').allInnerTexts()).toEqual([
      expect.stringMatching(/^busy key\s+in 20 days$/),
    ]);
    expect(await page.getByText('Start here').count()).toBe(0);
    await page.getByRole('link', { name: 'Guard your service' }).waitFor();
    await page.getByText('Your account has no second factor.').waitFor();
    await page.getByText('Keyhearth 0.').waitFor();
    await most.getByRole('link', { name: 'busy key' }).click();
    await page.getByRole('heading', { level: 1, name: 'busy key' }).waitFor();
    await close();
  });

  test('unlocks an address, and says when nobody is locked out', async () => {
    const running = await used();
    await lockOut(running, '203.0.113.9');
    await lockOut(running, '2001:db8:1:2::5');
    const { page, close } = await opened(running);
    for (const address of ['203.0.113.9', '2001:db8:1:2::/64']) {
      await page.getByRole('button', { name: `Unlock ${address}` }).click();
      await page.getByRole('button', { name: `Unlock ${address}` }).waitFor({ state: 'detached' });
    }
    await page.getByText('Nobody is locked out.').waitFor();
    expect((await running.call('GET', '/auth/lockouts')).json).toEqual({ lockouts: [] });
    await close();
  });

  test('counts the addresses and accounts with failed attempts', async () => {
    const running = await used();
    const body = { email: 'nobody@example.com', password: 'wrong horse battery staple' };
    const headers = { 'X-Forwarded-For': '203.0.113.9' };
    expect((await running.send({ method: 'POST', path: '/auth/login', body, headers })).status).toBe(401);
    const { page, close } = await opened(running);
    const block = page.getByRole('region', { name: 'Lockouts' });
    await block.getByText('1 address and 1 account have failed attempts.').waitFor();
    await close();
  });

  test('loads each block on its own: one that fails can be tried again, and the others are there', async () => {
    const running = await used();
    const { page, goTo, close } = await opened(running);
    await page
      .context()
      .route('**/auth/usage/keys?*', (route) =>
        route.fulfill({ status: 503, json: { code: 'database_busy', detail: 'The database is busy.' } }),
      );
    await goTo('');
    const most = page.getByRole('region', { name: 'Most used keys' });
    await most.getByText('The database is busy.').waitFor();
    await page.getByRole('slider', { name: 'Verifications' }).waitFor();
    await page.getByText('Nobody is locked out.').waitFor();
    await page.context().unroute('**/auth/usage/keys?*');
    await most.getByRole('button', { name: 'Try again' }).click();
    await most.getByRole('link', { name: 'busy key' }).waitFor();
    await close();
  });

  test('shows a member their own keys alone, and where to begin', async () => {
    const running = await used();
    await running.add('member@example.com');
    await lockOut(running, '203.0.113.9');
    const member = { ...ADMIN, email: 'member@example.com' };
    const { page, goTo, complaints, close } = await opened(running, member);
    await page.getByRole('heading', { name: 'Start here' }).waitFor();
    await page.getByRole('heading', { name: 'No verifications in this time' }).waitFor();
    await page.getByRole('heading', { name: 'No key was used' }).waitFor();
    expect(await page.getByText('busy key').count()).toBe(0);
    expect(await page.getByRole('heading', { name: 'Lockouts' }).count()).toBe(0);
    const person = await running.signIn(member);
    await person('POST', '/auth/keys', { label: 'my key', expires_in: '2d' });
    await goTo('');
    await page.getByRole('link', { name: 'my key' }).waitFor();
    expect(await page.getByText('Start here').count()).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });

  test('has no violation in either theme, and fits on a phone', async () => {
    const running = await used();
    await lockOut(running, '2001:db8:1:2::5');
    const { page, close } = await opened(running);
    await page.getByText('Show the numbers as a table').click();
    await settled(page);
    expect(await barriers(page)).toEqual([]);
    await close();
  });
});
