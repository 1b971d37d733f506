import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { closeProfiles, hasChromium, sharedBrowser } from '../support/browser.ts';
import { codeAt } from '../support/codes.ts';
import { confirmOn, settled, visit } from '../support/dashboard.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { service } from '../support/keyhearth.ts';
import { CHEAP } from '../support/keys.ts';
import { ADMIN } from '../support/people.ts';

describe.skipIf(!hasChromium)('from a new service to a deleted key', () => {
  let browser: Browser;
  beforeAll(async () => {
    expect(await buildIfStale()).toBeUndefined();
    browser = await sharedBrowser();
    return () => closeProfiles(browser);
  });

  test('a person sets it up, protects the account, and makes, uses, rotates and deletes a key', async () => {
    const { clock, pass } = fakeClock();
    const { origin, send } = await service({ clock, config: CHEAP });
    const { page, goTo, complaints, close } = await visit(browser, origin);
    const verify = async (key: string) => (await send({ path: '/auth/verify', key })).status;

    await goTo('');
    await page.getByLabel('E-mail address').fill(ADMIN.email);
    await page.getByLabel('Password').fill(ADMIN.password);
    await page.getByRole('button', { name: 'Set up' }).click();
    expect(await verify(await page.getByTestId('raw-key').innerText())).toBe(200);

    await page.getByRole('button', { name: 'Copy the key' }).click();
    await page.getByRole('link', { name: 'Protect your account with a second factor' }).click();
    await page.getByRole('button', { name: 'Set up' }).click();
    await confirmOn(page);
    const secret = (await page.getByTestId('secret').innerText()).replaceAll(/\s/g, '');
    await page.getByLabel('Code of your authenticator app').fill(codeAt(secret, clock.now()));
    await page.getByRole('button', { name: 'Turn two-factor on' }).click();
    await page.getByLabel('I have stored the recovery codes').check();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByText('A sign-in needs your password and a code of your app.').waitFor();

    await page.getByRole('link', { name: 'API Keys' }).click();
    await page.getByRole('link', { name: 'New API Key' }).first().click();
    await page.getByLabel('Name').fill('story');
    await page.getByRole('button', { name: 'Create the key' }).click();
    const rawKey = await page.getByTestId('raw-key').innerText();
    for (let i = 0; i < 3; i++) expect(await verify(rawKey)).toBe(200);
    await page.getByRole('button', { name: 'Copy the key' }).click();

    await page.reload();
    await settled(page);
    expect(await page.content()).not.toContain(rawKey);
    await expect.poll(() => valid(page), { interval: 500 }).toContain('Valid 3');

    await page.getByRole('button', { name: 'Rotate' }).click();
    await page.getByLabel('The old key goes on working').selectOption('0s');
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
    const successor = await page.getByTestId('raw-key').innerText();
    expect([await verify(rawKey), await verify(successor)]).toEqual([401, 200]);
    await page.getByRole('button', { name: 'Copy the key' }).click();

    // By default, a key from the dashboard expires in 90 days. The session has ended too by then.
    pass(91 * 86_400);
    expect(await verify(successor)).toBe(401);
    await page.getByRole('link', { name: 'API Keys' }).click();
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
    await dialog.getByLabel('Password').fill(ADMIN.password);
    await page.keyboard.press('Enter');
    await dialog.getByLabel('Code of your authenticator app').fill(codeAt(secret, clock.now()));
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await goTo('/keys?status=expired&label=story');
    await page.getByRole('rowheader').getByRole('link').first().click();
    await page.getByText('This key has expired.').waitFor();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByLabel('Type the name of the key').fill('story');
    await page.getByRole('button', { name: 'Delete the key' }).click();
    await page.getByRole('heading', { name: 'API Keys' }).waitFor();
    await goTo('/audit?action=key.deleted');
    await page.getByText('story').first().waitFor();
    expect(complaints).toEqual([]);
    await close();
  });
});

/** What the chart of a key says, loaded anew. The service writes its counts every few seconds. */
async function valid(page: Page): Promise<string> {
  await page.reload();
  await settled(page);
  return page.getByRole('region', { name: 'Verifications' }).innerText();
}
