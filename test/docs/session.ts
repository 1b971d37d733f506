import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInstalled, proxies, startProxy } from '../deploy/proxies.ts';
import { startRecorder } from '../deploy/stack.ts';
import type { Send } from '../support/http.ts';
import { spawnProcess, startService, untilItServes } from '../support/keyhearth.ts';
import type { Block } from './blocks.ts';
import { openShell } from './shell.ts';

const KEYHEARTH = 'http://127.0.0.1:8800';
const PROXY = 'http://127.0.0.1:8000';

type Service = { origin: string; send: Send; close(): Promise<unknown> };

/** Pages that register the first key themselves. */
const WITHOUT_KEYS = ['README.md', 'docs/first-key.md'];

/** The proxy that a page is about. */
export const proxyOf = (page: string) => proxies.find(({ name }) => page === `docs/${name}.md`);
export const isProxyMissing = (page: string) => {
  const proxy = proxyOf(page);
  return proxy !== undefined && !isInstalled(proxy);
};

/**
 * A reader at work: a shell whose folder has a data directory, and a service on it. The variables KEY and OTHER_KEY are
 * its first two keys.
 */
export async function openSession(page: string) {
  const directory = mkdtempSync(join(tmpdir(), 'keyhearth-docs-'));
  const dataDir = join(directory, 'data');
  const closing: (() => Promise<unknown>)[] = [];
  let proxyOrigin = '';
  let service: Service | undefined = await startService({ dataDir });
  const shell = openShell(directory, WITHOUT_KEYS.includes(page) ? {} : await makeKeys(service.send));

  async function stop(): Promise<void> {
    await service?.close();
    service = undefined;
  }

  async function start(env: Record<string, string>): Promise<void> {
    await stop();
    const started = spawnProcess({ ...env, PORT: '0', KEYHEARTH_DATA_DIR: dataDir });
    service = {
      ...(await untilItServes(started)),
      close() {
        started.child.kill('SIGTERM');
        return started.ended;
      },
    };
    await startProxyFor(service.origin);
  }

  async function startProxyFor(keyhearth: string): Promise<void> {
    const proxy = proxyOf(page);
    if (!proxy) return;
    const upstream = await startRecorder();
    const running = await startProxy(proxy, {
      upstream: upstream.port,
      keyhearth: Number(new URL(keyhearth).port),
    });
    closing.push(running.close, upstream.close);
    proxyOrigin = running.origin;
  }

  /** Does what the comment above a block says to the service. */
  async function prepare({ comment }: Block): Promise<void> {
    switch (comment) {
      case undefined:
        return;
      case 'test: stop the service':
        return stop();
      case 'test: start the service':
        service ??= await startService({ dataDir });
        return;
      case 'test: start over':
        await stop();
        return rmSync(dataDir, { recursive: true });
      default:
        throw new Error(`no test knows this comment: ${comment}`);
    }
  }

  return {
    /** Runs a block of commands. @returns what it prints */
    async run(block: Block): Promise<string> {
      await prepare(block);
      const printed = await shell.run(
        block.text.replaceAll(KEYHEARTH, service?.origin ?? KEYHEARTH).replaceAll(PROXY, proxyOrigin),
      );
      const settings = shell.takeStart();
      if (settings) await start(settings);
      return printed;
    },
    async close(): Promise<void> {
      await shell.close();
      for (const each of closing) await each();
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function makeKeys(send: Send): Promise<Record<string, string>> {
  const KEY = 'first-key-of-the-guides-0123456789abcdef';
  const body = { api_key: KEY, label: 'first-key' };
  await send({ method: 'POST', path: '/auth/register-key', body });
  const { json } = await send({ method: 'POST', path: '/auth/keys', key: KEY, body: { label: 'other-key' } });
  return { KEY, OTHER_KEY: json.raw_key };
}
