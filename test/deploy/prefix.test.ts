import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { freePort } from '../../deploy/cluster/free-port.ts';
import { blocksOf } from '../docs/blocks.ts';
import { closeProfiles, execute, hasChromium, openPage, sharedBrowser } from '../support/browser.ts';
import { FIRST_KEY } from '../support/keyhearth.ts';
import { isInstalled, proxies } from './proxies.ts';
import { type Stack, startStack } from './stack.ts';

const nginx = proxies.find(({ name }) => name === 'nginx');

/** Keyhearth itself, below a path that nginx strips, as docs/own-proxy.md says. */
function withPrefix(config: string): string {
  const location = blocksOf('docs/own-proxy.md').find(({ language }) => language === 'nginx');
  return config.replace('location / {', () => `${location?.text}\nlocation / {`);
}

/** Another address of the same server, with a certificate that it signed itself. */
function listenWithTls(port: number, directory: string): string {
  const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) => join(directory, name));
  const options = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/CN=localhost',
  ];
  execFileSync('openssl', ['req', '-x509', ...options, '-keyout', `${key}`, '-out', `${certificate}`], {
    stdio: 'ignore',
  });
  return `listen 127.0.0.1:${port} ssl; ssl_certificate ${certificate}; ssl_certificate_key ${key};`;
}

describe.skipIf(!hasChromium || !nginx || !isInstalled(nginx))(
  'behind nginx, below a path of its own',
  () => {
    let stack: Stack;
    let browser: Browser;
    let tlsPort: number;
    let certificates: string;
    beforeAll(async () => {
      if (!nginx) throw new Error('nginx is not in the list of proxies');
      await buildIfStale();
      tlsPort = await freePort();
      certificates = mkdtempSync(join(tmpdir(), 'keyhearth-test-'));
      const tls = listenWithTls(tlsPort, certificates);
      stack = await startStack(nginx, (config) =>
        withPrefix(config).replace('server {', () => `server { ${tls}`),
      );
      browser = await sharedBrowser();
    });
    afterAll(async () => {
      await closeProfiles(browser);
      await stack.close();
      rmSync(certificates, { recursive: true });
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

    test('over TLS, the session cookie is Secure', async () => {
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      const answer = await context.request.post(`https://127.0.0.1:${tlsPort}/keys/auth/setup`, {
        headers: { 'X-API-Key': FIRST_KEY },
        data: { email: 'ada@example.com', password: 'correct horse battery staple' },
      });
      expect({ status: answer.status(), cookie: answer.headers()['set-cookie'] }).toEqual({
        status: 201,
        cookie: expect.stringContaining('; Secure;'),
      });
      await context.close();
    });

    test('the dashboard opens there, and not at an address that somebody else made up', async () => {
      const { page } = await openPage(browser, `${stack.origin}/keys/dashboard`);
      await page.getByRole('heading', { level: 1, name: /^(Set up Keyhearth|Sign in)$/ }).waitFor();
      // nginx decodes the slash, and the browser does not.
      await page.goto(`${stack.origin}/keys/x;touch$IFS'PWNED';%2f../dashboard/api`);
      await page.getByRole('heading', { name: 'This is not the address of the dashboard' }).waitFor();
      expect(await page.content()).not.toContain('PWNED');
    });
  },
);
