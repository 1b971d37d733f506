import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startProcess, temporaryDirectory } from '../support/keyhearth.ts';

/** The grace for requests in flight is ten seconds. */
const GRACE_MS = 10_000;

test('a client that reads no answer and asks for a tunnel cannot hold up a stop', async () => {
  const { child, origin, ended, stdout } = await startProcess({ KEYHEARTH_DATA_DIR: temporaryDirectory() });
  const socket = connect(Number(new URL(origin).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  socket.pause();
  await once(socket, 'connect');
  socket.write(
    `${'GET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(16)}CONNECT a:1 HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  );
  await expect
    .poll(() => stdout().match(/"route":"\/docs"/g)?.length ?? 0, { timeout: 10_000 })
    .toBeGreaterThan(0);
  const stoppedAt = performance.now();
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(performance.now() - stoppedAt).toBeLessThan(GRACE_MS + 3_000);
  expect(stdout()).toContain('"msg":"stopped"');
});
