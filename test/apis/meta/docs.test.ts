import { accessSync } from 'node:fs';
import { chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FIRST_KEY, type Running, register, service, startService } from '../../support/keyhearth.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const hasChromium = (() => {
  try {
    accessSync(CHROMIUM);
    return true;
  } catch {
    return false;
  }
})();
if (!hasChromium) {
  process.stderr.write(`There is no Chromium at ${CHROMIUM}, so the documentation pages are not opened.\n`);
}

describe.skipIf(!hasChromium)('in a browser', () => {
  let keyhearth: Running;
  let browser: Awaited<ReturnType<typeof chromium.launch>>;
  beforeAll(async () => {
    keyhearth = await startService();
    await register(keyhearth.send);
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });
  afterAll(async () => {
    await browser.close();
    await keyhearth.close();
  });

  /** Opens a page and keeps account of what it asks for and complains about. */
  async function open(path: string): Promise<{ page: Page; elsewhere: string[]; complaints: string[] }> {
    const page = await browser.newPage();
    const elsewhere: string[] = [];
    const complaints: string[] = [];
    await page.context().route('**/*', (route) => {
      const { protocol, origin } = new URL(route.request().url());
      if (protocol.startsWith('http') && origin !== keyhearth.origin) {
        elsewhere.push(route.request().url());
        return route.abort();
      }
      return route.continue();
    });
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${keyhearth.origin}${path}`);
    return { page, elsewhere, complaints };
  }

  test.each([
    ['the key header', 'apiKey'],
    ['a bearer token', 'bearer'],
  ])('/docs: authorise with %s, run "list keys", read the answer', async (_, scheme) => {
    const { page, elsewhere, complaints } = await open('/docs');
    await page.getByRole('button', { name: 'Authorize' }).first().click();
    const dialog = page.locator('.auth-container', {
      hasText: scheme === 'apiKey' ? 'apiKey (apiKey)' : 'bearer (http',
    });
    await dialog.locator('input').fill(FIRST_KEY);
    await dialog.getByRole('button', { name: /authorize|apply/i }).click();
    await dialog.getByRole('button', { name: 'Close' }).click();
    const operation = page.locator('#operations-Keys-listKeys');
    await operation.locator('.opblock-summary-control').click();
    await operation.getByRole('button', { name: 'Execute' }).click();
    const answer = operation.locator('.live-responses-table');
    await answer.waitFor();
    expect(await answer.innerText()).toContain('200');
    expect(await answer.innerText()).toContain('"label": "first"');
    expect(elsewhere).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('/redoc shows the operations', async () => {
    const { page, elsewhere, complaints } = await open('/redoc');
    await page.getByRole('heading', { name: 'Create a key' }).waitFor();
    expect(await page.innerText('body')).toContain('X-Proxbox-API-Key');
    expect(elsewhere).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });
});

describe.each(['/docs', '/redoc'])('%s', (path) => {
  test('is complete in itself: it names no other path or host to load from', async () => {
    const { send } = await service();
    const { text, headers } = await send(path);
    const markup = text.replaceAll(/<(script|style)>[\s\S]*?<\/\1>/g, '');
    expect(markup).not.toMatch(/src=|https?:/);
    expect([...markup.matchAll(/href="([^"]*)"/g)].map(([, href]) => href)).toEqual(['data:,']);
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*connect-src 'self'/);
    expect(headers['content-security-policy']).not.toMatch(/https?:|\*/);
  });

  test('is sent compressed to a client that can read that, and once to a client that keeps it', async () => {
    const { send } = await service();
    const plain = await send(path);
    const compressed = await send({ path, headers: { 'Accept-Encoding': 'gzip, br' } });
    expect(compressed.headers['content-encoding']).toBe('gzip');
    expect(Number(compressed.headers['content-length'])).toBeLessThan(
      Number(plain.headers['content-length']) / 2,
    );
    const again = await send({ path, headers: { 'If-None-Match': String(plain.headers.etag) } });
    expect(again.status).toBe(304);
  });
});
