import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { closeProfiles, hasChromium, sharedBrowser } from '../support/browser.ts';
import { settled, signInOn, visit } from '../support/dashboard.ts';
import { ADMIN, peopled } from '../support/people.ts';

const MEMBER = { email: 'member@example.com', password: ADMIN.password };

describe.skipIf(!hasChromium)('two people at one browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    expect(await buildIfStale()).toBeUndefined();
    browser = await sharedBrowser();
    return () => closeProfiles(browser);
  });

  /** A browser with the tab of a member, who is about to make a key. */
  async function withMember() {
    const running = await peopled();
    await running.add(MEMBER.email);
    const visited = await visit(browser, running.origin);
    await visited.goTo('/keys/new');
    await signInOn(visited.page, MEMBER);
    await visited.page.getByLabel('Name').fill('prepared by the member');
    return { ...running, ...visited };
  }

  test('a page of one account does nothing for the other one, which signed in elsewhere', async () => {
    const { origin, page, admin, close } = await withMember();
    // Another path of the same browser: no message reaches the page.
    const { status, headers } = await page.request
      .post(`${origin}/auth/login`, { data: ADMIN })
      .then((answer) => ({
        status: answer.status(),
        headers: answer.headers(),
      }));
    expect([status, headers['set-cookie']]).toEqual([200, expect.stringContaining('keyhearth_session')]);
    await page.getByRole('button', { name: 'Create the key' }).click();
    await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor();
    expect((await admin('GET', '/auth/keys?label=prepared')).json.keys).toEqual([]);
    await page.getByLabel('Password').fill(MEMBER.password);
    await page.keyboard.press('Enter');
    await page.getByTestId('raw-key').waitFor();
    const [key] = (await admin('GET', '/auth/keys?label=prepared')).json.keys;
    const { accounts } = (await admin('GET', '/auth/accounts')).json;
    const member = accounts.find(({ email }: { email: string }) => email === MEMBER.email);
    expect(key.account_id).toBe(member.id);
    await close();
  });

  test('a sign-out in one tab empties the others, and a sign-in fills them', async () => {
    const { origin, page, context, close } = await withMember();
    await page.getByRole('button', { name: 'Create the key' }).click();
    const rawKey = await page.getByTestId('raw-key').innerText();
    await page.getByRole('button', { name: 'Copy the key' }).click();
    const other = await context.newPage();
    await other.goto(`${origin}/dashboard/keys`);
    await other.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.content()).not.toContain(rawKey);
    await signInOn(other);
    await page.getByText(ADMIN.email).waitFor();
    await settled(page);
    expect(await page.getByTestId('raw-key').count()).toBe(0);
    await close();
  });
});
