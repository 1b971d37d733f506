import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildIfStale } from '../../dashboard/build.ts';
import { closeProfiles, hasChromium, sharedBrowser } from '../support/browser.ts';
import { barriers, giveSession, settled, visit } from '../support/dashboard.ts';
import { gatewayService, type WithGateway } from '../support/gateway.ts';
import { sqlIn, temporaryDirectory } from '../support/keyhearth.ts';
import { peopled } from '../support/people.ts';

const TOKENS = JSON.stringify({
  type: 'claude',
  email: 'ada@example.com',
  access_token: 'access-token-of-ada',
  refresh_token: 'refresh-token-of-ada',
  expired: '2099-01-01T00:00:00Z',
});

const config = (authDir: string) => `
auth-dir: ${JSON.stringify(authDir)}
api-keys:
  - team-a-key-abc123-0123456789abcdef # Team A
claude-api-key:
  - { api-key: sk-ant-secret-of-claude-0123456789, prefix: production, base-url: "https://claude.example.com" }
oauth:
  anthropic: { client-id: client, authorize-url: "https://login.example.com/authorize", token-url: "https://login.example.com/token", scopes: [all] }
`;

describe.skipIf(!hasChromium)('the page of the gateway', () => {
  let browser: Browser;
  beforeAll(async () => {
    expect(await buildIfStale()).toBeUndefined();
    browser = await sharedBrowser();
    return () => closeProfiles(browser);
  });

  test('an admin sees the upstreams, connects a provider, ends a session, and sees why a file is refused', async () => {
    const authDir = temporaryDirectory();
    writeFileSync(join(authDir, 'claude-ada.json'), TOKENS, { mode: 0o600 });
    let gateway: WithGateway | undefined;
    const service = await peopled({}, async (options) => {
      gateway = await gatewayService(config(authDir), options);
      return gateway;
    });
    await sqlIn(
      service.dataDir,
      `insert into usage_models (start, key_id, model, requests, failures, input_tokens, output_tokens)
       select 0, id, 'small', 2, 0, 1000, 20 from api_keys where source = 'config'`,
    );
    const visited = await visit(browser, service.origin);
    const { page, complaints, close, goTo } = visited;
    await giveSession(visited, service);
    await goTo('/');
    await page.getByRole('link', { name: 'Gateway' }).click();
    await settled(page);
    await page.getByText('https://claude.example.com').waitFor();
    await page.getByText('production/').waitFor();
    await page.getByRole('row', { name: /Team A small 2 0 1,000 20/ }).waitFor();
    expect(await page.locator('main').innerText()).not.toContain('secret-of');
    expect(await barriers(page)).toEqual([]);

    await page.getByRole('button', { name: 'Connect anthropic' }).click();
    await page.getByRole('button', { name: 'Get the link' }).click();
    const link = page.getByRole('link', { name: 'Sign in at login.example.com' });
    expect(await link.getAttribute('href')).toMatch(/^https:\/\/login\.example\.com\/authorize\?/);
    await page.getByRole('button', { name: 'Close' }).last().click();

    await page.getByRole('button', { name: 'End ada@example.com' }).click();
    await page.getByRole('button', { name: 'End the session' }).click();
    await page.getByText('The gateway is signed in at no provider.').waitFor();

    writeFileSync(gateway?.file ?? '', 'port: 0\napi-keys: 7\n');
    await expect
      .poll(
        async () => {
          await page.getByRole('button', { name: 'Load again' }).click();
          await settled(page);
          return page.locator('main').innerText();
        },
        { interval: 300 },
      )
      .toContain('The file is not in force.');
    await goTo('/');
    await page.getByText('Its file is not in force').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('without a gateway, the page says how to get one', async () => {
    const service = await peopled();
    const visited = await visit(browser, service.origin);
    await giveSession(visited, service);
    await visited.goTo('/gateway');
    await visited.page.getByText('KEYHEARTH_GATEWAY_CONFIG').waitFor();
    await visited.close();
  });
});
