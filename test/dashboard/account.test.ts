import type { Browser, BrowserContextOptions } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { closeProfiles, hasChromium, sharedBrowser } from '../support/browser.ts';
import { codeAt } from '../support/codes.ts';
import { barriers, confirmOn, settled, signInOn, violations, visit } from '../support/dashboard.ts';
import { ADMIN, peopled, setUpTwoFactor } from '../support/people.ts';

const QUARTER_HOUR = 15 * 60;

describe.skipIf(!hasChromium)('your account', () => {
  let browser: Browser;
  beforeAll(async () => {
    expect(await buildIfStale()).toBeUndefined();
    browser = await sharedBrowser();
    return () => closeProfiles(browser);
  });

  async function opened(origin: string, options?: BrowserContextOptions) {
    const visited = await visit(browser, origin, options);
    await visited.goTo('/account');
    await signInOn(visited.page);
    return visited;
  }

  test('says who you are, and what you may do', async () => {
    const { origin } = await peopled();
    const { page, complaints, close } = await opened(origin);
    const card = page.getByRole('region', { name: 'You', exact: true });
    for (const text of [ADMIN.email, 'Admin: you manage all keys', 'Everything: manage all keys'])
      await card.getByText(text).waitFor();
    expect(await card.getByRole('link', { name: 'Accounts' }).getAttribute('href')).toBe(
      '/dashboard/accounts',
    );
    expect(complaints).toEqual([]);
    await close();
  });

  test('changes the password, names a wrong one at its field, and ends all other sessions', async () => {
    const { origin, admin, signIn } = await peopled();
    const { page, close } = await opened(origin);
    const password = 'purple monkey dishwasher';
    await page.getByLabel('Current password').fill('wrong horse battery staple');
    await page.getByLabel('New password').fill(password);
    await page.getByRole('button', { name: 'Change the password' }).click();
    await page.getByText('The password is wrong.').waitFor();
    expect(await page.getByLabel('Current password').getAttribute('aria-invalid')).toBe('true');
    expect(await page.getByLabel('New password').inputValue()).toBe(password);
    await page.getByLabel('Current password').fill(ADMIN.password);
    await page.getByRole('button', { name: 'Change the password' }).click();
    await page.getByText('Your password is changed. All other sessions are signed out.').waitFor();
    await page.getByText('You are signed in only in this browser.').waitFor();
    expect((await admin('GET', '/auth/self')).status).toBe(401);
    await signIn({ ...ADMIN, password });
    await close();
  });

  test('sets up a second factor, goes on only when the recovery codes are stored, and turns it off', async () => {
    const { origin, admin, clock, pass } = await peopled();
    const { page, complaints, close } = await opened(origin);
    await page.getByRole('button', { name: 'Set up' }).click();
    await confirmOn(page);
    await page.getByRole('img', { name: 'QR code' }).waitFor();
    // It throws when the policy of the page refuses the image.
    await page.evaluate("document.querySelector('img').decode()");
    const box = await page.getByRole('dialog').boundingBox();
    // In the middle of a window that is 860 high.
    expect(Math.abs((box?.y ?? 0) * 2 + (box?.height ?? 0) - 860)).toBeLessThan(3);
    const secret = await page.getByTestId('secret').innerText();
    const fours = await page.locator('.four').allInnerTexts();
    expect(fours).toEqual(secret.match(/.{4}/g));
    await page.getByLabel('Code of your authenticator app').fill('000000');
    await page.keyboard.press('Enter');
    await page.getByText('Invalid code.').waitFor();
    await page.getByLabel('Code of your authenticator app').fill(codeAt(secret, clock.now()));
    await page.keyboard.press('Enter');
    const done = page.getByRole('button', { name: 'Done' });
    expect(await done.isDisabled()).toBe(true);
    await page.keyboard.press('Escape');
    const codes = await page
      .getByRole('list', { name: 'Recovery codes' })
      .getByRole('listitem')
      .allInnerTexts();
    expect(codes).toHaveLength(8);
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download the codes' }).click();
    expect((await download).suggestedFilename()).toBe('keyhearth-recovery-codes.txt');
    await page.getByLabel('I have stored the recovery codes').check();
    await done.click();
    await page.getByText('A sign-in needs your password and a code of your app.').waitFor();
    await expect
      .poll(() => page.evaluate('document.activeElement.textContent'))
      .toBe('Show the recovery codes');
    expect((await admin('GET', '/auth/self')).status).toBe(401);

    pass(QUARTER_HOUR);
    await page.getByRole('button', { name: 'Turn off' }).click();
    const dialog = page.getByRole('dialog', { name: 'Turn two-factor authentication off' });
    await dialog.getByRole('button', { name: 'Use a recovery code' }).click();
    await dialog.getByLabel('Recovery code').fill('00000-00000');
    await page.keyboard.press('Enter');
    const password = page
      .getByRole('dialog', { name: 'Confirm with your password' })
      .getByLabel('Your password');
    await password.fill('wrong horse battery staple');
    await page.keyboard.press('Enter');
    await page.getByText('The password is wrong.').waitFor();
    await password.fill(ADMIN.password);
    await page.keyboard.press('Enter');
    await dialog.getByText('Invalid recovery code.').waitFor();
    await dialog.getByLabel('Recovery code').fill(codes[0] as string);
    await page.keyboard.press('Enter');
    await password.fill(ADMIN.password);
    await page.keyboard.press('Enter');
    await page.getByText('Two-factor authentication is off.').waitFor();
    await page.getByRole('button', { name: 'Set up' }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('shows the recovery codes that are left after a new sign-in, which adds no session', async () => {
    const { origin, admin, clock, pass, signIn } = await peopled();
    const { secret, recoveryCodes } = await setUpTwoFactor(admin, clock);
    pass(60);
    const { page, goTo, close } = await visit(browser, origin);
    await goTo('/account');

    async function giveCode(within: Pick<typeof page, 'getByLabel'>) {
      await within.getByLabel('Password').fill(ADMIN.password);
      await page.keyboard.press('Enter');
      await within.getByLabel('Code of your authenticator app').fill(codeAt(secret, clock.now()));
      await page.keyboard.press('Enter');
    }

    await page.getByLabel('E-mail address').fill(ADMIN.email);
    await giveCode(page);
    await page.getByRole('row', { name: 'this browser' }).waitFor();
    pass(QUARTER_HOUR);
    await page.getByRole('button', { name: 'Show the recovery codes' }).click();
    const dialog = page.getByRole('dialog', { name: 'Your recovery codes' });
    await giveCode(dialog);
    await dialog.getByText('8 codes are left.').waitFor();
    expect(await dialog.getByRole('listitem').allInnerTexts()).toEqual(recoveryCodes);
    pass(60);
    const again = await signIn({ ...ADMIN, code: codeAt(secret, clock.now()) });
    // That of the set-up, that of the browser and this one.
    await expect.poll(async () => (await again('GET', '/auth/sessions')).json.sessions.length).toBe(3);
    await close();
  });

  test('lists the sessions, and signs each out, or all others', async () => {
    const { origin, admin, signIn } = await peopled();
    await signIn();
    await signIn();
    const { page, close } = await opened(origin);
    const rows = page.getByRole('region', { name: 'Sessions' }).getByRole('row');
    await expect.poll(() => rows.count()).toBe(5);
    expect(await rows.filter({ hasText: 'this browser' }).allInnerTexts()).toEqual([
      expect.stringMatching(/Chrome on Linux.*127\.0\.0\.1.*now/s),
    ]);
    await rows.last().getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('The session is over.').waitFor();
    await expect.poll(() => rows.count()).toBe(4);
    expect((await admin('GET', '/auth/self')).status).toBe(401);
    await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
    await page.getByText('You are signed in only in this browser.').waitFor();
    expect(await rows.count()).toBe(2);
    await page.getByRole('button', { name: 'Sign out this browser' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await close();
  });

  test('keeps the theme, and applies it before the first paint', async () => {
    const { origin } = await peopled();
    const { page, close } = await opened(origin, { colorScheme: 'light' });
    const theme = () => page.evaluate('document.documentElement.dataset.theme');
    const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await ground();
    await page.getByLabel('Dark').check();
    expect(await ground()).not.toBe(light);
    // Without the program of the page, only the script of the first paint is left.
    await page.route('**/assets/index-*.js', (route) => route.abort());
    await page.reload();
    expect(await theme()).toBe('dark');
    await page.unroute('**/assets/index-*.js');
    await page.reload();
    await settled(page);
    expect(await page.getByLabel('Dark').isChecked()).toBe(true);
    await page.getByLabel('As the system').check();
    await page.reload();
    await settled(page);
    expect(await theme()).toBeUndefined();
    await close();
  });

  test('is all that a person sees who must have a second factor, until it is set up', async () => {
    const { origin, clock } = await peopled({ env: { KEYHEARTH_REQUIRE_2FA: 'all' } });
    const { page, goTo, complaints, close } = await visit(browser, origin);
    await goTo('/keys');
    await page.getByLabel('E-mail address').fill(ADMIN.email);
    await page.getByLabel('Password').fill(ADMIN.password);
    await page.keyboard.press('Enter');
    const heading = page.getByRole('heading', { name: 'Set up two-factor authentication' });
    await heading.waitFor();
    // A page that asks the service for nothing.
    await goTo('/api');
    await heading.waitFor();
    expect(await page.getByRole('navigation').count()).toBe(0);
    expect(await violations(page)).toEqual([]);
    await goTo('/keys');
    await page.getByRole('button', { name: 'Begin' }).click();
    await confirmOn(page);
    const secret = await page.getByTestId('secret').innerText();
    await page.getByLabel('Code of your authenticator app').fill(codeAt(secret, clock.now()));
    await page.keyboard.press('Enter');
    await page.getByLabel('I have stored the recovery codes').check();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('heading', { name: 'API Keys' }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('is readable for everybody', async () => {
    const { origin } = await peopled();
    const { page, close } = await opened(origin);
    expect(await barriers(page)).toEqual([]);
    await page.getByRole('button', { name: 'Set up' }).click();
    await confirmOn(page);
    await page.getByRole('img', { name: 'QR code' }).waitFor();
    expect(await barriers(page)).toEqual([]);
    await close();
  });
});
