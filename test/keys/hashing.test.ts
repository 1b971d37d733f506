import { expect, test } from 'vitest';
import { bootstrapped, FIRST_KEY } from '../support/keyhearth.ts';

test('hashing leaves the event loop free', async () => {
  const { send } = await bootstrapped({ env: { KEYHEARTH_BCRYPT_COST: '13' } });
  const creations = Array.from({ length: 3 }, () =>
    send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY }),
  );
  let slowest = 0;
  for (let i = 0; i < 100; i++) {
    const start = performance.now();
    await send('/health');
    slowest = Math.max(slowest, performance.now() - start);
  }
  expect((await Promise.all(creations)).every((answer) => answer.status === 201)).toBe(true);
  expect(slowest).toBeLessThan(250);
});

test('hashing beyond the queue answers 503 and when to come back', async () => {
  const { send } = await bootstrapped({ env: { KEYHEARTH_BCRYPT_COST: '10' } });
  const answers = await Promise.all(
    Array.from({ length: 60 }, () => send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY })),
  );
  const refused = answers.filter((answer) => answer.status === 503);
  expect(refused.length).toBeGreaterThan(0);
  expect(answers.filter((answer) => answer.status === 201).length).toBe(60 - refused.length);
  for (const answer of refused) {
    expect(answer.json.code).toBe('overloaded');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  }
  expect((await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY })).status).toBe(201);
});
