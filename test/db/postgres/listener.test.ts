import { Client } from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { listen } from '../../../src/db/postgres/listener.ts';
import { bootstrapped, databaseFor, sqlIn } from '../../support/keyhearth.ts';

const MESSAGES = 50;

/** Counts the statements that each connection has at one time, and lets them through. */
function watchConnections() {
  const open = new Map<unknown, number>();
  let most = 0;
  const query = Client.prototype.query as (...args: unknown[]) => Promise<unknown>;
  const spy = vi.spyOn(Client.prototype, 'query').mockImplementation(function (
    this: Client,
    ...args: unknown[]
  ) {
    const now = (open.get(this) ?? 0) + 1;
    open.set(this, now);
    most = Math.max(most, now);
    return query.apply(this, args).finally(() => open.set(this, (open.get(this) ?? 1) - 1));
  } as never);
  onTestFinished(() => spy.mockRestore());
  return { most: () => most };
}

test('many messages at once arrive in their order, and a connection has one statement at a time', async () => {
  const { dataDir } = await bootstrapped();
  const { DATABASE_URL = '' } = await databaseFor(dataDir);
  const [identity] = await sqlIn(dataDir, 'select database_id from database_identity');
  const { most } = watchConnections();
  const [sender, receiver] = [0, 1].map(() => {
    const listener = listen(DATABASE_URL, String(identity?.database_id));
    onTestFinished(() => listener.close());
    return listener.notifier;
  });
  const received: string[] = [];
  receiver?.subscribe((message) => received.push(message));
  // Until the receiver listens, it hears nothing.
  await expect
    .poll(() => {
      sender?.notify('hello');
      return received.length;
    })
    .toBeGreaterThan(0);
  const sent = Array.from({ length: MESSAGES }, (_, i) => `message ${i}`);
  for (const message of sent) sender?.notify(message);
  await expect.poll(() => received.filter((message) => message !== 'hello')).toEqual(sent);
  expect(most()).toBe(1);
});
