import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { closeProfiles, hasChromium, sharedBrowser } from '../support/browser.ts';
import { signInOn, visit } from '../support/dashboard.ts';
import { ADMIN, peopled } from '../support/people.ts';

/** A key that can manage keys needs the password of a person who signed in more than 15 minutes ago. */
describe.skipIf(!hasChromium)('after 15 minutes', () => {
  let browser: Browser;
  beforeAll(async () => {
    expect(await buildIfStale()).toBeUndefined();
    browser = await sharedBrowser();
    return () => closeProfiles(browser);
  });

  test('the dashboard asks for the password, and then changes the key', async () => {
    const { origin, call, pass } = await peopled();
    const { json } = await call('POST', '/auth/keys', { scopes: ['*'] });
    const { page, goTo, close } = await visit(browser, origin);
    await goTo(`/keys/${json.id}`);
    await signInOn(page);
    pass(900);

    async function confirm() {
      await page.getByRole('heading', { name: 'Confirm with your password' }).waitFor();
      await page.getByRole('textbox', { name: 'Your password' }).fill(ADMIN.password);
      await page.getByRole('button', { name: 'Confirm' }).click();
    }

    await page.getByRole('button', { name: 'Deactivate' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Deactivate' }).click();
    await page.getByRole('button', { name: 'Activate', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Activate', exact: true }).click();
    await confirm();
    await page.getByRole('button', { name: 'Rotate' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
    await confirm();
    await page
      .getByText(/kh_\w{61}/)
      .first()
      .waitFor();
    expect((await call('GET', `/auth/keys/${json.id}`)).json).toMatchObject({ rotated_to: json.id + 1 });
    await close();
  });
});
