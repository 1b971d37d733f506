import { parentPort, threadId, workerData } from 'node:worker_threads';
import { createAuthenticate } from '../../src/auth/authenticate.ts';
import { gatewayKeyAuthenticator } from '../../src/auth/by/gateway-key.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLockout, type LockoutPolicy } from '../../src/lockout/lockout.ts';
import type { LockoutMemory } from '../../src/lockout/memory.ts';

/** A thread that sends requests with several guesses, and reports of how many guesses it learned that they are wrong. */

const { policy, memory, addresses } = workerData as {
  policy: LockoutPolicy;
  memory: LockoutMemory;
  addresses: number;
};

let evaluated = 0;
const authenticate = createAuthenticate(
  [
    gatewayKeyAuthenticator({
      kind: 'key',
      schemes: {},
      read: () => [],
      verify() {
        evaluated++;
        return { state: 'invalid' };
      },
      isConfigured: () => true,
    }),
  ],
  createLockout(policy, systemClock, memory),
);

parentPort?.once('message', async () => {
  const learned = new Array<number>(addresses).fill(0);
  for (let round = 0; round < 20; round++) {
    for (let address = 0; address < addresses; address++) {
      evaluated = 0;
      const guesses = ['authorization', 'x-api-key', 'x-goog-api-key'];
      const result = await authenticate({ lockoutKey: `198.51.100.${address}`, ip: undefined }, (name) =>
        guesses.includes(name) ? `guess-${threadId}-${round}-${name}` : undefined,
      );
      if (result.state === 'refused' && result.failure.code === 'invalid_api_key')
        learned[address] = (learned[address] ?? 0) + evaluated;
    }
  }
  parentPort?.postMessage(learned);
});
parentPort?.postMessage('ready');
