import { expect } from 'vitest';
import { client, type Send } from '../support/http.ts';
import { FIRST_KEY } from '../support/keyhearth.ts';

const LIMITS = [
  { name: 'few', limit: 41, window: '1h' },
  { name: 'many', limit: 60, window: '1d' },
];

/**
 * Sends 200 verifications of a new key at once, spread over all origins and many connections. Expects that exactly as many
 * pass as its tightest limit says, and that the refused ones took nothing from the other one.
 */
export async function expectExactlyTheLimit(manage: Send, origins: readonly string[]): Promise<void> {
  const create = { method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: { rate_limits: LIMITS } };
  const { raw_key, id } = (await manage(create)).json;
  // More connections than workers, so that every worker gets some.
  const senders = Array.from({ length: 24 }, (_, i) => client(origins[i % origins.length] ?? ''));
  const verifyAtOnce = async (count: number) => {
    const asking = Array.from({ length: count }, (_, i) =>
      senders[i % senders.length]?.({ path: '/auth/verify', key: raw_key }),
    );
    const statuses = (await Promise.all(asking)).map((answer) => answer?.status);
    return [200, 429].map((status) => statuses.filter((other) => other === status).length);
  };
  expect(await verifyAtOnce(200)).toEqual([41, 159]);
  const others = { rate_limits: [{ ...LIMITS[0], limit: 1_000 }, LIMITS[1]] };
  const changed = await manage({ method: 'PATCH', path: `/auth/keys/${id}`, key: FIRST_KEY, body: others });
  expect(changed.status).toBe(200);
  expect(await verifyAtOnce(50)).toEqual([19, 31]);
}
