import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { closeProfiles, hasChromium, sharedBrowser } from '../support/browser.ts';
import { barriers, confirmOn, giveSession, settled, signInOn, visit } from '../support/dashboard.ts';
import { sqlIn } from '../support/keyhearth.ts';
import { ADMIN, peopled, setUpTwoFactor } from '../support/people.ts';

const ADA = 'ada@example.com';
const GRACE = 'grace@example.com';
const QUARTER_HOUR = 15 * 60;

type Service = Awaited<ReturnType<typeof peopled>>;

describe.skipIf(!hasChromium)('the accounts', () => {
  let browser: Browser;
  beforeAll(async () => {
    expect(await buildIfStale()).toBeUndefined();
    browser = await sharedBrowser();
    return () => closeProfiles(browser);
  });

  async function opened(service: Pick<Service, 'origin' | 'send'>) {
    const visited = await visit(browser, service.origin);
    await giveSession(visited, service);
    await visited.goTo('/accounts');
    return visited;
  }

  const accountIn = async ({ admin }: Service, id: string) =>
    (await admin('GET', `/auth/accounts/${id}`)).json;

  test('an admin invites a person, passes the link on once, and takes another invitation back', async () => {
    const service = await peopled();
    const { page, complaints, close } = await opened(service);
    await page.getByText('Nobody is invited at present.').waitFor();
    // Behind a proxy that changes the host and the path.
    await page.route('**/auth/invitations', async (route) => {
      if (route.request().method() !== 'POST') return route.fallback();
      const response = await route.fetch();
      const json = await response.json();
      await route.fulfill({ response, json: { ...json, url: `http://localhost/elsewhere#${json.token}` } });
    });

    async function invite(email: string): Promise<string> {
      await page.getByRole('button', { name: 'Invite a person' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('E-mail address').fill(email);
      await dialog.getByLabel('usage:read').check();
      await dialog.getByLabel('Scopes of your own services').fill('invoices:read, invoices:write');
      await dialog.getByRole('button', { name: 'Make the link' }).click();
      const link = await page.getByTestId('invitation-link').innerText();
      await page.getByText('It works once, and expires in 7 days.').waitFor();
      await page.getByRole('button', { name: 'Done' }).click();
      const asked = page.getByRole('dialog', { name: 'Leave without the link?' });
      await asked.getByRole('button', { name: 'Stay' }).click();
      await page.getByRole('button', { name: 'Copy the link' }).click();
      await page.getByText('Copied').waitFor();
      await page.getByRole('button', { name: 'Done' }).click();
      await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
      return link;
    }

    const link = await invite(ADA);
    await page.getByRole('row', { name: ADA }).getByText('in 7 days').waitFor();
    expect(await page.content()).not.toContain(link);
    const token = new URL(link).hash.slice(1);
    expect(link).toBe(`${service.origin}/dashboard/invitation#${token}`);
    const body = { token, password: ADMIN.password };
    const accepted = await service.send({ method: 'POST', path: '/auth/accept-invitation', body });
    expect(accepted.json).toMatchObject({
      email: ADA,
      scopes: ['usage:read', 'invoices:read', 'invoices:write'],
    });

    const second = await invite(GRACE);
    await page.getByRole('button', { name: `Take back the invitation of ${GRACE}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
    await page.getByText('Nobody is invited at present.').waitFor();
    const dead = { token: new URL(second).hash.slice(1), password: ADMIN.password };
    expect(await service.send({ method: 'POST', path: '/auth/accept-invitation', body: dead })).toMatchObject(
      {
        status: 404,
      },
    );
    expect(complaints).toEqual([]);
    await close();
  });

  test('load again when the person presses the link of the page that is shown', async () => {
    const service = await peopled();
    const { page, close } = await opened(service);
    await service.add(ADA);
    await page.getByRole('link', { name: 'Accounts' }).click();
    await page.getByRole('row', { name: ADA }).waitFor();
    await close();
  });

  test('an address that has an account is refused in the dialog, which keeps what was typed', async () => {
    const service = await peopled();
    const { page, close } = await opened(service);
    await page.getByRole('button', { name: 'Invite a person' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('E-mail address').fill(ADMIN.email);
    await dialog.getByRole('button', { name: 'Make the link' }).click();
    await dialog.getByText('Another account has this e-mail address.').waitFor();
    expect(await dialog.getByLabel('E-mail address').inputValue()).toBe(ADMIN.email);
    await dialog.getByLabel('E-mail address').fill('nobody');
    await dialog.getByRole('button', { name: 'Make the link' }).click();
    await dialog.getByText('E-mail address must be an e-mail address.').waitFor();
    await close();
  });

  test('an admin approves an account that waits, and then changes its name, role and scopes', async () => {
    const service = await peopled();
    const id = await service.add(ADA);
    await sqlIn(service.dataDir, `update accounts set is_approved = 0 where id = '${id}'`);
    const { page, close } = await opened(service);
    await page.getByRole('row', { name: ADA }).getByText('waits for approval').waitFor();
    await page.getByRole('button', { name: `Approve ${ADA}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
    await page.getByText('The account is approved.').waitFor();
    await expect.poll(() => page.getByText('waits for approval').count()).toBe(0);

    await page.getByRole('button', { name: `Change ${ADA}` }).click();
    const dialog = page.getByRole('dialog', { name: 'Change the account' });
    await dialog.getByLabel('Name').fill('Ada 👩‍💻');
    await dialog.getByLabel('audit:read').check();
    await dialog.getByLabel('Scopes of your own services').fill('Invoices!');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect
      .poll(() => dialog.getByLabel('Scopes of your own').getAttribute('aria-invalid'))
      .toBe('true');
    await dialog.getByLabel('Scopes of your own services').fill('invoices:*');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('row', { name: 'Ada 👩‍💻' }).getByText('invoices:*').waitFor();
    expect(await accountIn(service, id)).toMatchObject({
      name: 'Ada 👩‍💻',
      role: 'member',
      scopes: ['audit:read', 'invoices:*'],
    });

    await page.getByRole('button', { name: 'Change Ada 👩‍💻' }).click();
    await dialog.getByLabel('Admin').check();
    await dialog.getByRole('button', { name: 'Save' }).click();
    // However recent the sign-in is.
    await confirmOn(page);
    await page.getByRole('row', { name: 'Ada 👩‍💻' }).getByText('everything').waitFor();
    expect(await accountIn(service, id)).toMatchObject({ role: 'admin' });
    await close();
  });

  test('the last admin stays: the dialog says so, also after it asked for the password', async () => {
    const service = await peopled();
    const { page, close } = await opened(service);
    service.pass(QUARTER_HOUR);
    await page.getByRole('button', { name: `Change ${ADMIN.email}` }).click();
    const dialog = page.getByRole('dialog', { name: 'Change the account' });
    await dialog.getByLabel('Member').check();
    await dialog.getByRole('button', { name: 'Save' }).click();
    const asked = page.getByRole('dialog', { name: 'Confirm with your password' });
    await asked.getByLabel('Your password').fill(ADMIN.password);
    await page.keyboard.press('Enter');
    await dialog.getByText('This is the last admin.').waitFor();
    expect(await asked.count()).toBe(0);
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { name: 'Accounts' }).waitFor();
    await close();
  });

  test('a deleted account hands its keys over, or takes them with it; the address must be typed', async () => {
    const service = await peopled();
    for (const email of [ADA, GRACE]) await service.add(email);
    for (const email of [ADA, GRACE]) {
      const member = await service.signIn({ email, password: ADMIN.password });
      expect((await member('POST', '/auth/keys', { label: `of ${email}` })).status).toBe(201);
    }
    const { page, close } = await opened(service);

    async function remove(email: string, how: () => Promise<unknown>) {
      await page.getByRole('button', { name: `Delete ${email}` }).click();
      const dialog = page.getByRole('dialog', { name: 'Delete this account?' });
      const button = dialog.getByRole('button', { name: 'Delete the account' });
      await dialog.getByText('The keys of the account: ').waitFor();
      await dialog.getByLabel('to confirm').fill(email);
      // Nothing is chosen for the person.
      expect(await button.isDisabled()).toBe(true);
      await how();
      await dialog.getByLabel('to confirm').fill('ops@example');
      expect(await button.isDisabled()).toBe(true);
      await dialog.getByLabel('to confirm').fill(email);
      await button.click();
      await expect.poll(() => page.getByRole('button', { name: `Delete ${email}` }).count()).toBe(0);
    }

    await remove(ADA, async () => {
      await page.getByLabel('Hand them over').check();
      await page.getByLabel('Account that gets the keys').selectOption(GRACE);
    });
    const labels = async () =>
      (await service.admin('GET', '/auth/keys?label=of')).json.keys.map(
        ({ label }: { label: string }) => label,
      );
    expect(await labels()).toEqual([`of ${GRACE}`, `of ${ADA}`]);
    await page.getByText('The account is deleted. 1 key now belongs to the other account.').waitFor();
    await remove(GRACE, async () => {
      await page.getByText('The keys of the account: 2').waitFor();
      await page.getByLabel('Hand them over').check();
      const only = page.getByLabel('Account that gets the keys');
      expect(await only.inputValue()).toBe(service.adminId);
      await page.getByLabel('Delete them').check();
    });
    expect(await labels()).toEqual([]);
    await close();
  });

  test('an admin removes the second factor of another person', async () => {
    const service = await peopled();
    const id = await service.add(ADA);
    const ada = await service.signIn({ email: ADA, password: ADMIN.password });
    await setUpTwoFactor(ada, service.clock);
    const { page, close } = await opened(service);
    expect(await page.getByRole('button', { name: 'Remove second factor' }).count()).toBe(1);
    await page.getByRole('button', { name: `Remove second factor ${ADA}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove the second factor' }).click();
    await confirmOn(page);
    await page.getByText('The second factor is removed.').waitFor();
    expect(await accountIn(service, id)).toMatchObject({ two_factor: false });
    await close();
  });

  test('a member sees neither the page nor the way to it', async () => {
    const service = await peopled();
    await service.add(ADA);
    const { page, goTo, close } = await visit(browser, service.origin);
    await goTo('/accounts');
    await signInOn(page, { email: ADA, password: ADMIN.password });
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    expect(await page.getByRole('link', { name: 'Accounts' }).count()).toBe(0);
    await close();
  });

  test('are readable for everybody', async () => {
    const service = await peopled();
    const id = await service.add(`${'long'.repeat(12)}@${'sub.'.repeat(12)}example.com`);
    for (let i = 0; i < 6; i++) await service.add(`person-${i}@example.com`);
    await service.admin('PATCH', `/auth/accounts/${id}`, { name: 'مريم '.repeat(30) });
    await service.admin('POST', '/auth/invitations', { email: GRACE, scopes: ['invoices:read'] });
    const { page, close } = await opened(service);
    expect(await barriers(page)).toEqual([]);
    await page.getByLabel('Name or e-mail address').fill('person-3');
    await expect.poll(() => page.getByRole('button', { name: /^Delete/ }).count()).toBe(1);
    await settled(page);
    await page.getByRole('button', { name: 'Delete person-3@example.com' }).click();
    expect(await barriers(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Invite a person' }).click();
    expect(await barriers(page)).toEqual([]);
    await close();
  });
});
