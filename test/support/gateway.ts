import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { client, type Send } from './http.ts';
import { type Options, type Running, service, startProcess, temporaryDirectory } from './keyhearth.ts';

/** Writes a `config.yaml`, and removes it after the test. @param text without a port: the gateway takes a free one */
export function gatewayFile(text = ''): string {
  const path = join(temporaryDirectory(), 'config.yaml');
  writeFileSync(path, `port: 0\n${text}`, { mode: 0o600 });
  return path;
}

export type WithGateway = Running & {
  /** Sends to the gateway. */
  ask: Send;
  /** The path of `config.yaml`. */
  file: string;
};

/** The service with a gateway, in this process. Gone when the test is. @param text its `config.yaml`, without a port */
export async function gatewayService(
  text = '',
  { env = {}, ...options }: Options = {},
): Promise<WithGateway> {
  const file = gatewayFile(text);
  const running = await service({ ...options, env: { ...env, KEYHEARTH_GATEWAY_CONFIG: file } });
  return { ...running, ask: client(running.gatewayOrigin), file };
}

/** The program with a gateway, and where that listens. */
export async function gatewayProcess(text = '', env: Record<string, string> = {}) {
  const file = gatewayFile(text);
  const started = await startProcess({
    KEYHEARTH_DATA_DIR: temporaryDirectory(),
    ...env,
    KEYHEARTH_GATEWAY_CONFIG: file,
  });
  const gatewayOrigin = await untilGatewayListens(started.child, started.stdout);
  return { ...started, gatewayOrigin, ask: client(gatewayOrigin), file };
}

function untilGatewayListens(
  child: Awaited<ReturnType<typeof startProcess>>['child'],
  stdout: () => string,
): Promise<string> {
  return new Promise((resolve) => {
    const check = () => {
      const line = stdout()
        .split('\n')
        .find((text) => text.includes('"gateway":"'));
      if (!line) return;
      child.stdout?.off('data', check);
      resolve(JSON.parse(line).gateway);
    };
    child.stdout?.on('data', check);
    check();
  });
}
