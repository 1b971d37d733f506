import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { StartupError } from '../lib/startup-error.ts';
import type { GatewayConfig } from './config.ts';
import type { LiveConfig } from './live.ts';

const DEFAULT_PORT = 8317;

/** The part of the file that the listener needs. */
const fileSchema = z.object({
  host: z.string().min(1).default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(DEFAULT_PORT),
  'ws-auth': z.boolean().default(true),
  tls: z
    .object({ enable: z.boolean().default(false), cert: z.string().default(''), key: z.string().default('') })
    .default({ enable: false, cert: '', key: '' }),
});

/** @throws StartupError */
export function readGatewayFile(path: string): GatewayConfig {
  let content: unknown;
  try {
    content = parse(readFileSync(path, 'utf8')) ?? {};
  } catch (cause) {
    throw new StartupError(`${path} cannot be read as YAML; correct the file or KEYHEARTH_GATEWAY_CONFIG.`, {
      cause,
    });
  }
  const parsed = fileSchema.safeParse(content);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new StartupError(`${issue?.path.join('.')} in ${path} is invalid: ${issue?.message}.`);
  }
  const { host, port, tls, 'ws-auth': wsAuth } = parsed.data;
  return {
    ...{ host, port, wsAuth, tls: tls.enable ? tls : null },
    ...{ clientKeys: [], allowUnauthenticatedRemote: false, authDir: join(homedir(), '.cli-proxy-api') },
    management: { allowRemote: false, secretHash: null, disableControlPanel: false, panelFile: null },
    ...{ amp: null, credentials: [], oauth: {} },
  };
}

/** The file as it is at the start. */
export async function openLiveConfig(path: string): Promise<LiveConfig> {
  const config = readGatewayFile(path);
  const readAt = Date.now();
  const cannotEdit = () => Promise.reject(new Error('the file cannot be edited yet'));
  return {
    current: () => config,
    problem: () => undefined,
    loadedAt: () => readAt,
    onChange: () => undefined,
    catchUp: () => undefined,
    text: () => readFile(path, 'utf8'),
    edit: cannotEdit,
    replace: cannotEdit,
    close: async () => undefined,
  };
}
