import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { closeProfiles, hasChromium, sharedBrowser } from '../support/browser.ts';
import { barriers, settled, signInOn, visit } from '../support/dashboard.ts';
import { ADMIN, type Person, peopled } from '../support/people.ts';

const ADA = { email: 'ada@example.com', password: 'purple monkey dishwasher' };

describe.skipIf(!hasChromium)('an invitation', () => {
  let browser: Browser;
  beforeAll(async () => {
    expect(await buildIfStale()).toBeUndefined();
    browser = await sharedBrowser();
    return () => closeProfiles(browser);
  });

  async function invited(admin: Person): Promise<string> {
    const answer = await admin('POST', '/auth/invitations', { email: ADA.email, scopes: ['invoices:read'] });
    expect(answer).toMatchObject({ status: 201 });
    return answer.json.token;
  }

  async function accept(page: Page, password = ADA.password) {
    await page.getByLabel('Your name').fill('Ada');
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Accept and sign in' }).click();
  }

  test('is accepted with a name and a password; the link stays out of requests and of the history', async () => {
    const { origin, admin, signIn } = await peopled();
    const token = await invited(admin);
    const { page, goTo, complaints, close } = await visit(browser, origin);
    const urls: string[] = [];
    const bodies: (string | null)[] = [];
    page.on('request', (request) => {
      urls.push(request.url());
      if (request.method() !== 'GET') bodies.push(request.postData());
    });
    await goTo(`/invitation#${token}`);
    expect(bodies).toEqual([]);
    await accept(page, 'short');
    await page.getByText('Password must have at least 12 characters.').waitFor();
    expect(await page.getByLabel('Your name').inputValue()).toBe('Ada');
    await accept(page);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await settled(page);
    expect(page.url()).toBe(`${origin}/dashboard`);
    await page.goBack();
    expect(page.url()).not.toContain(token);
    // Chromium names the fragment of a page, which it does not send.
    expect(urls.filter((url) => url.includes(token) && !url.includes('#'))).toEqual([]);
    expect(bodies.filter((body) => body?.includes(token))).toHaveLength(2);
    const ada = await signIn(ADA);
    expect((await ada('GET', '/auth/self')).json).toMatchObject({ name: 'Ada', scopes: ['invoices:read'] });
    expect(complaints).toEqual([]);
    await close();
  });

  test('that is used or not complete says what to do', async () => {
    const { origin, admin, send } = await peopled();
    const token = await invited(admin);
    const { page, goTo, close } = await visit(browser, origin);
    await goTo('/invitation');
    await page.getByRole('heading', { name: 'This link is not complete' }).waitFor();
    const body = { token, password: ADA.password };
    const used = await send({ method: 'POST', path: '/auth/accept-invitation', body });
    expect(used).toMatchObject({ status: 201 });
    await page.goto('about:blank');
    await goTo(`/invitation#${token}`);
    await accept(page);
    await page.getByRole('heading', { name: 'This link no longer works' }).waitFor();
    await page.getByText('ask the administrator for a new link').waitFor();
    await page.getByRole('link', { name: 'Go to the sign-in' }).click();
    await signInOn(page, ADA);
    await close();
  });

  test('warns a person who is signed in as somebody else, and then signs the new account in', async () => {
    const { origin, admin } = await peopled();
    const token = await invited(admin);
    const { page, goTo, close } = await visit(browser, origin);
    await goTo('/keys');
    await signInOn(page);
    await goTo(`/invitation#${token}`);
    await page.getByText(`You are signed in as ${ADMIN.email}.`).waitFor();
    await accept(page);
    await page.getByText(`Signed in as ${ADA.email}`).waitFor();
    await close();
  });

  test('is readable for everybody', async () => {
    const { origin } = await peopled();
    const { page, goTo, close } = await visit(browser, origin);
    await goTo('/invitation#khi_unknown');
    expect(await barriers(page)).toEqual([]);
    await accept(page);
    await page.getByRole('heading', { name: 'This link no longer works' }).waitFor();
    expect(await barriers(page)).toEqual([]);
    await close();
  });
});
