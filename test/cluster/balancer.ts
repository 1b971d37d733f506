import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

const CHECK_EVERY_MS = 100;

export type Target = { origin: string };

/**
 * Does what a Kubernetes Service does: gives new connections to the targets that say that they are ready, in turn, and
 * leaves the connections that it has given out. Gone when the test is.
 */
export async function startBalancer(targets: readonly Target[]) {
  const all = new Map<Target, { isReady: boolean; connections: number }>();
  const sockets = new Set<Socket>();
  let isOver = false;
  let turn = 0;

  async function watch(target: Target): Promise<void> {
    const state = { isReady: false, connections: 0 };
    all.set(target, state);
    while (!isOver && all.has(target)) {
      state.isReady = await isReady(target);
      await sleep(CHECK_EVERY_MS);
    }
  }

  const server = createServer((client) => {
    const ready = [...all].filter(([, { isReady }]) => isReady);
    const [target, state] = ready[turn++ % ready.length] ?? [];
    if (!target || !state) return void client.destroy();
    state.connections++;
    const { hostname, port } = new URL(target.origin);
    const upstream = connect(Number(port), hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    isOver = true;
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  async function add(target: Target): Promise<void> {
    void watch(target);
    while (!all.get(target)?.isReady) await sleep(CHECK_EVERY_MS / 5);
  }
  await Promise.all(targets.map(add));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Resolves when the target is ready. */
    add,
    /** Forgets a target that has ended. @returns how many connections it got */
    remove(target: Target): number {
      const connections = all.get(target)?.connections ?? 0;
      all.delete(target);
      return connections;
    },
  };
}

const isReady = (target: Target) =>
  fetch(`${target.origin}/health/ready`, { headers: { connection: 'close' } }).then(
    async (answer) => {
      await answer.arrayBuffer();
      return answer.ok;
    },
    () => false,
  );
