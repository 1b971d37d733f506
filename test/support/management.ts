import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compare, hashSync } from 'bcryptjs';
import { onTestFinished } from 'vitest';
import { managementApi } from '../../src/apis/management/management-api.ts';
import type { ManagementParts } from '../../src/apis/management/parts.ts';
import { createManagementAuth } from '../../src/auth/by/management-secret.ts';
import type { GatewayConfig, Management } from '../../src/gateway-file/config.ts';
import { clientResolver } from '../../src/http/client-address.ts';
import { createRequestLog } from '../../src/http/request-log.ts';
import { createRoot } from '../../src/http/root.ts';
import { listen } from '../../src/http/server/listen.ts';
import type { BcryptPool } from '../../src/keys/bcrypt-pool.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { createLockout } from '../../src/lockout/lockout.ts';
import { MANAGEMENT_BAN } from '../../src/lockout/management-ban.ts';
import { allocateLockout } from '../../src/lockout/memory.ts';
import { fakeClock } from './fake-clock.ts';
import { gatewayService } from './gateway.ts';
import { type Call, client } from './http.ts';
import { type Options as ServiceOptions, sqlIn, temporaryDirectory } from './keyhearth.ts';

export const SECRET = 'management-key-of-the-tests';
const SECRET_HASH = hashSync(SECRET, 4);

type Options = {
  management?: Partial<Management>;
  password?: string;
  localPassword?: string;
  trustedProxies?: string[];
  /** The number of threads, which share the memory of bans. */
  threads?: number;
  bcrypt?: Pick<BcryptPool, 'find'>;
};

/** The management API alone, on a port, with a file that has the secret. No route that changes something works. */
export async function managementServer(options: Options = {}) {
  const { password, localPassword, trustedProxies = [], threads = 1 } = options;
  const { clock, pass } = fakeClock();
  const log: Record<string, unknown>[] = [];
  const logger = createLogger('info', { write: (line) => void log.push(JSON.parse(line)) });
  const requestLog = createRequestLog(logger, 100);
  const warnings = { untrusted: () => undefined, unreadable: () => undefined };
  const resolveClient = clientResolver(trustedProxies, warnings);
  const management: { -readonly [Name in keyof Management]: Management[Name] } = {
    ...{ allowRemote: false, secretHash: SECRET_HASH, disableControlPanel: false, panelFile: null },
    ...options.management,
  };
  const config = { management, wsAuth: true } as unknown as GatewayConfig;
  const memory = allocateLockout(MANAGEMENT_BAN, 100);
  const pageMemory = allocateLockout(MANAGEMENT_BAN, 100);
  const compared: string[] = [];
  const bcrypt = options.bcrypt ?? {
    async find({ input, hashes }: { input: string; hashes: string[] }) {
      compared.push(input);
      return (await compare(input, hashes[0] ?? '')) ? 0 : -1;
    },
  };
  const live = { current: () => config, catchUp: () => undefined };

  async function thread() {
    const lockout = createLockout(MANAGEMENT_BAN, clock, memory);
    const pageLockout = createLockout(MANAGEMENT_BAN, clock, pageMemory);
    const lockouts = { lockout, pageLockout };
    const auth = createManagementAuth({
      ...{ inFile: () => management, password, localPassword, bcrypt, ...lockouts },
    });
    const api = managementApi({ live, auth, oauth: { authFiles: {} } } as unknown as ManagementParts);
    const { fetch } = createRoot(logger, requestLog, resolveClient).route('/', api);
    const application = { requestLog, resolveClient, fast: () => false, fetch };
    const server = await listen(application, { host: '127.0.0.1', port: 0, isShared: false }, logger);
    onTestFinished(() => server.stop(0));
    const origin = `http://127.0.0.1:${server.address.port}`;
    return { ask: client(origin), origin, api, auth };
  }

  const all = await Promise.all(Array.from({ length: threads }, thread));
  const [first] = all;
  if (!first) throw new Error('there is no thread');
  return { ...first, threads: all, management, compared, log, requestLog, pass };
}

const PASSWORD = 'password-of-the-environment';

/** The whole service with a gateway, and who manages it. @param text `config.yaml`, without port and auth-dir */
export async function managed(text: string, options: ServiceOptions = {}) {
  const authDir = join(temporaryDirectory(), 'auth');
  const env = { MANAGEMENT_PASSWORD: PASSWORD, ...options.env };
  const running = await gatewayService(`auth-dir: ${authDir}\n${text}`, { ...options, env });
  const authorization = { Authorization: `Bearer ${PASSWORD}` };
  return {
    ...running,
    authDir,
    /** Sends to the management API, with the secret. */
    manage: ({ path, headers = {}, ...call }: Call) =>
      running.ask({ ...call, path: `/v0/management/${path}`, headers: { ...authorization, ...headers } }),
    read: () => readFileSync(running.file, 'utf8'),
    /** The audit events with an action, the newest first. */
    events: async (action: string) => {
      const rows = await sqlIn(running.dataDir, `select * from audit_events where action = '${action}'`);
      return rows
        .map(
          ({ changes, ...row }): Record<string, unknown> => ({
            ...row,
            changes: JSON.parse(String(changes)),
          }),
        )
        .reverse();
    },
  };
}
