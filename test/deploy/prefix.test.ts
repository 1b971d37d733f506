import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { blocksOf } from '../docs/blocks.ts';
import { execute, hasChromium, launchBrowser, openPage } from '../support/browser.ts';
import { isInstalled, proxies } from './proxies.ts';
import { type Stack, startStack } from './stack.ts';

const nginx = proxies.find(({ name }) => name === 'nginx');

/** Keyhearth itself, below a path that nginx strips, as docs/own-proxy.md says. */
function withPrefix(config: string): string {
  const location = blocksOf('docs/own-proxy.md').find(({ language }) => language === 'nginx');
  return config.replace('location / {', () => `${location?.text}\nlocation / {`);
}

describe.skipIf(!hasChromium || !nginx || !isInstalled(nginx))(
  'behind nginx, below a path of its own',
  () => {
    let stack: Stack;
    let browser: Browser;
    beforeAll(async () => {
      if (!nginx) throw new Error('nginx is not in the list of proxies');
      await buildIfStale();
      stack = await startStack(nginx, withPrefix);
      browser = await launchBrowser();
    });
    afterAll(async () => {
      await browser.close();
      await stack.close();
    });

    test('/docs finds the document, and sends its requests below the path', async () => {
      const { page, complaints } = await openPage(browser, `${stack.origin}/keys/docs`);
      const answer = await execute(page, 'Bootstrap', 'getBootstrapStatus');
      expect(answer).toContain('"has_db_keys": true');
      expect(await page.locator('.request-url').innerText()).toContain(
        `${stack.origin}/keys/auth/bootstrap-status`,
      );
      expect(complaints).toEqual([]);
    });

    test('/redoc finds the document, and shows whole addresses', async () => {
      const { page, complaints } = await openPage(browser, `${stack.origin}/keys/redoc`);
      await page.getByRole('heading', { name: 'Create a key' }).waitFor();
      expect(await page.innerText('body')).toContain('X-Proxbox-API-Key');
      expect(complaints).toEqual([]);
    });

    test('the dashboard opens there, and not at an address that somebody else made up', async () => {
      const { page } = await openPage(browser, `${stack.origin}/keys/dashboard`);
      await page.getByRole('heading', { level: 1, name: 'Set up Keyhearth' }).waitFor();
      // nginx decodes the slash, and the browser does not.
      await page.goto(`${stack.origin}/keys/x;touch$IFS'PWNED';%2f../dashboard/api`);
      await page.getByRole('heading', { name: 'This is not the address of the dashboard' }).waitFor();
      expect(await page.content()).not.toContain('PWNED');
    });
  },
);
