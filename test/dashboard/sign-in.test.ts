import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { closeProfiles, hasChromium, sharedBrowser } from '../support/browser.ts';
import { codeAt } from '../support/codes.ts';
import { settled, signInOn, visit } from '../support/dashboard.ts';
import { ADMIN, peopled, setUpTwoFactor } from '../support/people.ts';

describe.skipIf(!hasChromium)('signing in', () => {
  let browser: Browser;
  beforeAll(async () => {
    expect(await buildIfStale()).toBeUndefined();
    browser = await sharedBrowser();
    return () => closeProfiles(browser);
  });

  test('a wrong password is refused in words; the right one opens the page of the address', async () => {
    const { origin } = await peopled();
    const { page, goTo, complaints, close } = await visit(browser, origin);
    await goTo('/keys?status=active');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('E-mail address must be').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    await page.getByLabel('E-mail address').fill(ADMIN.email);
    await page.getByLabel('Password').fill('wrong horse battery staple');
    await page.keyboard.press('Enter');
    await page.getByText('Invalid email or password.').waitFor();
    expect(await page.getByLabel('E-mail address').inputValue()).toBe(ADMIN.email);
    await signInOn(page);
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('API Keys');
    expect(await page.getByLabel('Status').inputValue()).toBe('active');
    expect(complaints).toEqual([]);
    await close();
  });

  test('an account with a second factor is asked for a code, and a recovery code does as well', async () => {
    const { origin, admin, clock, pass } = await peopled();
    const { secret, recoveryCodes } = await setUpTwoFactor(admin, clock);
    pass(60);
    const { page, goTo, close } = await visit(browser, origin);

    async function givePassword() {
      await goTo('/keys');
      await page.getByLabel('E-mail address').fill(ADMIN.email);
      await page.getByLabel('Password').fill(ADMIN.password);
      await page.keyboard.press('Enter');
    }

    await givePassword();
    await page.getByLabel('Code of your authenticator app').waitFor();
    expect(await page.getByText('Use the e-mail address').count()).toBe(0);
    // The field has the focus.
    await page.keyboard.type('12345');
    await page.keyboard.press('Enter');
    await page.getByText('Code of your authenticator app must have six digits.').waitFor();
    await page.getByLabel('Code of your authenticator app').fill('000000');
    await page.keyboard.press('Enter');
    await page.getByText('Invalid authenticator code.').waitFor();
    await page.getByLabel('Code of your authenticator app').fill(codeAt(secret, clock.now()));
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();

    await givePassword();
    await page.getByRole('button', { name: 'Use a recovery code' }).click();
    await page.getByLabel('Recovery code').fill(recoveryCodes[0] as string);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'API Keys' }).waitFor();
    await close();
  });

  test('a session that was ended elsewhere asks for the password, and goes on where the person was', async () => {
    const { origin, signIn } = await peopled();
    const { page, goTo, close } = await visit(browser, origin);
    await goTo('/keys');
    await signInOn(page);
    const elsewhere = await signIn();
    const { sessions } = (await elsewhere('GET', '/auth/sessions')).json;
    for (const { id, is_current: isCurrent } of sessions) {
      if (!isCurrent) expect((await elsewhere('DELETE', `/auth/sessions/${id}`)).status).toBe(204);
    }
    await page.getByLabel('Status').selectOption('inactive');
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
    await dialog.getByLabel('Password').fill(ADMIN.password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'No key matches' }).waitFor();
    expect(await dialog.count()).toBe(0);
    expect(await page.getByLabel('Status').inputValue()).toBe('inactive');
    await close();
  });

  test('after five wrong passwords the page says how long to wait', async () => {
    const { origin } = await peopled();
    const { page, goTo, close } = await visit(browser, origin);
    await goTo('');
    await page.getByLabel('E-mail address').fill(ADMIN.email);
    for (let i = 0; i < 5; i++) {
      await page.getByLabel('Password').fill(`wrong horse battery staple ${i}`);
      const answer = page.waitForResponse('**/auth/login');
      await page.getByRole('button', { name: 'Sign in' }).click();
      expect((await answer).status()).toBe(401);
      await page.getByText('Invalid email or password.').waitFor();
    }
    await page.getByRole('button', { name: 'Sign in' }).click();
    const said = 'Too many failed attempts. Try again in 15 minutes.';
    await page.getByText(said, { exact: true }).waitFor();
    await close();
  });

  test('two presses of the button sign in once, and without a connection the page says so and keeps what was typed', async () => {
    const { origin } = await peopled();
    const { page, goTo, close } = await visit(browser, origin);
    await goTo('/keys');
    await page.getByLabel('E-mail address').fill(ADMIN.email);
    await page.getByLabel('Password').fill(ADMIN.password);
    await page.context().setOffline(true);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('The connection was lost').waitFor();
    expect(await page.getByLabel('Password').inputValue()).toBe(ADMIN.password);
    await page.context().setOffline(false);
    let requests = 0;
    page.on('request', (request) => {
      if (request.url().endsWith('/auth/login')) requests++;
    });
    await page.evaluate(`{
      const button = [...document.querySelectorAll('button')].find((each) => each.textContent === 'Sign in');
      button.click();
      button.click();
    }`);
    await page.getByRole('heading', { name: 'API Keys' }).waitFor();
    await settled(page);
    expect(requests).toBe(1);
    await close();
  });
});
