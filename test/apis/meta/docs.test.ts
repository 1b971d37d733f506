import { describe, expect, test } from 'vitest';
import { service } from '../../support/keyhearth.ts';

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
