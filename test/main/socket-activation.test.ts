import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { COMPILED } from '../support/compiled.ts';
import { drive } from '../support/drive.ts';
import { client } from '../support/http.ts';
import { FIRST_KEY, MAIN, register, spawnProcess, temporaryDirectory } from '../support/keyhearth.ts';

const CLIENTS = 3;
const alone = { Connection: 'close' };

/** As systemd does it: it opens the socket, never accepts, and starts the service again when that has ended. */
const LIKE_SYSTEMD = `
while :; do
  sh -c 'echo "{\\"pid\\":$$}"; LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$1"' "$0" "$1"
done
`;

/** Two services on one socket, each of which is started again when it ends. */
async function activate(env: Record<string, string>) {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  const { fd } = (holder as unknown as { _handle: { fd: number } })._handle;
  const services = [1, 2].map(() => {
    const shell = spawn('sh', ['-c', LIKE_SYSTEMD, process.execPath, MAIN], {
      env: { PATH: process.env.PATH ?? '', ...COMPILED, KEYHEARTH_LISTEN: 'systemd', ...env },
      stdio: ['ignore', 'pipe', 'inherit', fd],
      detached: true,
    });
    onTestFinished(() => void process.kill(-(shell.pid ?? 0), 'SIGKILL'));
    let stdout = '';
    shell.stdout?.on('data', (chunk) => {
      stdout += chunk;
    });
    const starts = () => stdout.split('Keyhearth listens on').length - 1;
    const pids = () => [...stdout.matchAll(/"pid":(\d+)\}/g)].map(([, pid]) => Number(pid));
    return { starts, pids };
  });
  // Only the shells keep it open now, and they never accept.
  holder.close();
  return { services, origin: `http://127.0.0.1:${port}` };
}

test('two services share the socket of systemd; while each is restarted under load, no request fails', async () => {
  const { services, origin } = await activate({ KEYHEARTH_DATA_DIR: temporaryDirectory() });
  const send = client(origin);
  for (const { starts } of services) await expect.poll(starts).toBe(1);
  await register(send);
  const { answered, stop } = drive(
    CLIENTS,
    async () => (await send({ path: '/auth/verify', key: FIRST_KEY, headers: alone })).status,
  );
  for (const { starts, pids } of services) {
    const before = answered();
    await expect.poll(answered).toBeGreaterThan(before + 50);
    process.kill(pids()[0] ?? 0, 'SIGTERM');
    await expect.poll(starts).toBe(2);
  }
  const before = answered();
  await expect.poll(answered).toBeGreaterThan(before + 50);
  expect(await stop()).toEqual([]);
});

test('without a socket of systemd, the start is refused in a sentence', async () => {
  const { ended, stderr } = spawnProcess({
    KEYHEARTH_DATA_DIR: temporaryDirectory(),
    KEYHEARTH_LISTEN: 'systemd',
  });
  expect(await ended).toBe(1);
  expect(stderr()).toContain('systemd has passed no socket to this process; start it with keyhearth.socket.');
});
