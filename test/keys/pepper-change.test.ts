import { randomBytes } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { codeAt } from '../support/codes.ts';
import { gatewayFile } from '../support/gateway.ts';
import { client, type Send } from '../support/http.ts';
import {
  FIRST_KEY,
  type Options,
  type Running,
  register,
  sqlIn,
  startService,
  temporaryDirectory,
} from '../support/keyhearth.ts';
import { ADMIN, cookiesOf, peopled, setUpTwoFactor, withCookie } from '../support/people.ts';

const [OLD, NEW] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')];
const before = { KEYHEARTH_PEPPER: OLD };
const during = { KEYHEARTH_PEPPER: NEW, KEYHEARTH_PEPPER_PREVIOUS: OLD };
const after = { KEYHEARTH_PEPPER: NEW };

/** A service on a directory that outlives it. */
async function serve(dataDir: string, env: Record<string, string>): Promise<Running> {
  const running = await startService({ dataDir, env });
  onTestFinished(() => running.close().catch(() => undefined));
  return running;
}

const statusOf = async ({ send }: Pick<Running, 'send'>, key: string) =>
  (await send({ path: '/auth/verify', key })).status;

async function fingerprints(dataDir: string): Promise<Map<number, string>> {
  const rows = await sqlIn(dataDir, 'select id, fingerprint from api_keys order by id');
  return new Map(rows.map(({ id, fingerprint }) => [Number(id), String(fingerprint)]));
}

/** A directory with the first key and others, made under the old pepper. No service runs on it. */
async function withKeys(count: number) {
  const dataDir = temporaryDirectory();
  const service = await serve(dataDir, before);
  await register(service.send);
  const keys = [FIRST_KEY];
  for (let i = 0; i < count; i++) {
    const { json } = await service.send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY, body: {} });
    keys.push(json.raw_key);
  }
  await service.close();
  return { dataDir, keys };
}

describe('while the pepper changes', () => {
  test('every key works, and a used key needs the previous pepper no longer', async () => {
    const { dataDir, keys } = await withKeys(20);
    const old = await fingerprints(dataDir);
    const service = await serve(dataDir, during);
    const [unused = '', ...used] = keys.toReversed();
    for (let round = 0; round < 20; round++) {
      const statuses = await Promise.all(used.map((key) => statusOf(service, key)));
      expect(new Set(statuses)).toEqual(new Set([200]));
    }
    expect(await statusOf(service, `${FIRST_KEY}-wrong`)).toBe(401);
    await expect
      .poll(async () => [...(await fingerprints(dataDir))].filter(([id, now]) => now === old.get(id)).length)
      .toBe(1);
    await service.close();

    const alone = await serve(dataDir, after);
    for (const key of used) expect(await statusOf(alone, key)).toBe(200);
    expect(await statusOf(alone, unused)).toBe(401);
    await alone.close();
    expect(await statusOf(await serve(dataDir, during), unused)).toBe(200);
  });

  test('the log says how many keys still need the previous pepper', async () => {
    const { dataDir, keys } = await withKeys(2);
    const first = await serve(dataDir, during);
    const left = ({ log }: Running) =>
      log.find(({ msg }) => String(msg).includes('the pepper changes'))?.keys;
    expect(left(first)).toBe(3);
    for (const key of keys.slice(0, 2)) expect(await statusOf(first, key)).toBe(200);
    await first.close();
    const second = await serve(dataDir, during);
    expect(left(second)).toBe(1);
    await second.close();
    const { log } = await serve(dataDir, after);
    expect(log).toContainEqual(
      expect.objectContaining({
        ...{ level: 'warn', keys: 1 },
        msg: expect.stringContaining('refused without KEYHEARTH_PEPPER_PREVIOUS'),
      }),
    );
  });

  test('replicas that know both peppers accept all keys, and none moves a key back', async () => {
    const { dataDir, keys } = await withKeys(5);
    const first = await serve(dataDir, { KEYHEARTH_PEPPER: OLD, KEYHEARTH_PEPPER_PREVIOUS: NEW });
    const second = await serve(dataDir, during);
    const old = await fingerprints(dataDir);
    const verifyAll = async () => {
      for (const key of keys)
        expect([await statusOf(first, key), await statusOf(second, key)]).toEqual([200, 200]);
    };
    await verifyAll();
    const unmoved = async () =>
      [...(await fingerprints(dataDir))].filter(([id, now]) => now === old.get(id)).length;
    await expect.poll(unmoved).toBe(0);
    await verifyAll();
    await first.close();
    expect(await unmoved()).toBe(0);
  });

  test('sessions, second factors and invitations work, and second factors afterwards too', async () => {
    const dataDir = temporaryDirectory();
    let running: Running | undefined;
    const start = async (env: Record<string, string>, options: Options = {}) => {
      await running?.close();
      running = await startService({ ...options, dataDir, env });
      return running;
    };
    onTestFinished(() => running?.close());
    const people = await peopled({}, (options) => start(before, options));
    const { clock, pass } = people;
    const login = (send: Send, code?: string) =>
      send({ method: 'POST', path: '/auth/login', body: { ...ADMIN, ...(code && { code }) } });
    const { json } = await people.admin('POST', '/auth/invitations', { ...ADMIN, email: 'new@example.com' });
    const { secret } = await setUpTwoFactor(people.admin, clock);
    pass(60);
    const cookie = cookiesOf(await login(people.send, codeAt(secret, clock.now())));

    const { send } = await start(during, { clock });
    const session = withCookie(send, cookie);
    expect((await session('GET', '/auth/sessions')).status).toBe(200);
    const body = { token: json.token, password: 'correct horse battery staple', name: 'New' };
    expect((await send({ method: 'POST', path: '/auth/accept-invitation', body })).status).toBe(201);
    for (const env of [during, after]) {
      const service = await start(env, { clock });
      pass(60);
      expect((await login(service.send)).json.code).toBe('two_factor_code_required');
      expect((await login(service.send, codeAt(secret, clock.now()))).status).toBe(200);
    }
  });

  test('a declared key keeps its row', async () => {
    const dataDir = temporaryDirectory();
    const declared = 'team-a-key-abc123-0123456789abcdef';
    const gateway = { KEYHEARTH_GATEWAY_CONFIG: gatewayFile(`api-keys: [${declared}]\n`) };
    const first = await serve(dataDir, { ...before, ...gateway });
    await register(first.send);
    const old = await fingerprints(dataDir);
    await first.close();
    const service = await serve(dataDir, { ...during, ...gateway });
    expect((await client(service.gatewayOrigin)({ path: '/v1/models', key: declared })).status).toBe(200);
    const now = await fingerprints(dataDir);
    expect([...now.keys()]).toEqual([...old.keys()]);
    const [id = 0] = (await sqlIn(dataDir, "select id from api_keys where source = 'config'")).map((row) =>
      Number(row.id),
    );
    expect(now.get(id)).not.toBe(old.get(id));
  });
});

test('a start with another previous pepper, or with the old one alone, is refused', async () => {
  const { dataDir } = await withKeys(0);
  const other = { ...during, KEYHEARTH_PEPPER_PREVIOUS: randomBytes(32).toString('hex') };
  await expect(startService({ dataDir, env: other })).rejects.toThrow(
    /does not fit the database .*, and neither does KEYHEARTH_PEPPER_PREVIOUS;/,
  );
  await (await serve(dataDir, during)).close();
  await expect(startService({ dataDir, env: before })).rejects.toThrow(
    /does not fit the database .*set KEYHEARTH_PEPPER_PREVIOUS_FILE/,
  );
});
