import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { keyhearth } from '../cli/command.ts';
import {
  begunTasks,
  bootstrapped,
  databaseFor,
  FIRST_KEY,
  service,
  sqlIn,
  startService,
  temporaryDirectory,
} from '../support/keyhearth.ts';

describe('what is stored of a key', () => {
  test('is two digests, the hint and nothing of the rest', async () => {
    const { dataDir } = await bootstrapped();
    expect(await sqlIn(dataDir, 'select * from api_keys')).toEqual([
      {
        id: 1,
        label: 'first',
        hint: FIRST_KEY.slice(0, 12),
        fingerprint: expect.stringMatching(/^[\w-]{43}$/),
        hash: expect.stringMatching(/^\$2b\$04\$.{53}$/),
        is_active: 1,
        created_at: expect.any(Number),
        last_used_at: null,
        max_concurrent: null,
        use_count: 0,
        owner: '',
        label_folded: null,
        owner_folded: null,
        prefix: null,
        scopes: '*',
        expires_at: null,
        is_expired: 0,
        allowed_ips: '',
        rate_limits: '[]',
        metadata: '{}',
        source: 'registered',
        rotated_from: null,
        rotated_to: null,
        root_id: null,
        account_id: null,
        account_standing: null,
      },
    ]);
    for (const file of readdirSync(dataDir)) {
      expect(readFileSync(`${dataDir}/${file}`).includes(FIRST_KEY)).toBe(false);
    }
  });

  test('has the configured bcrypt cost', async () => {
    const { dataDir } = await bootstrapped({ env: { KEYHEARTH_BCRYPT_COST: '11' } });
    expect(await sqlIn(dataDir, 'select hash from api_keys')).toEqual([
      { hash: expect.stringMatching(/^\$2b\$11\$/) },
    ]);
  });
});

describe('a key without a fingerprint', () => {
  const forgetFingerprints = (dataDir: string) => sqlIn(dataDir, 'update api_keys set fingerprint = null');
  const fingerprints = async (dataDir: string) =>
    (await sqlIn(dataDir, 'select fingerprint from api_keys order by id')).map(
      ({ fingerprint }) => fingerprint,
    );

  test('is proven by its hash, and has a fingerprint from then on', async () => {
    const { send, dataDir } = await bootstrapped();
    const before = await fingerprints(dataDir);
    await forgetFingerprints(dataDir);
    expect((await send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(200);
    expect(await fingerprints(dataDir)).toEqual(before);
  });

  test('is proven although it came while the service ran and had refused others', async () => {
    const { send, dataDir } = await bootstrapped();
    const { json } = await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY });
    for (const key of [`${FIRST_KEY}-wrong`, FIRST_KEY]) await send({ path: '/auth/keys', key });
    await forgetFingerprints(dataDir);
    expect((await send({ path: '/auth/verify', key: json.raw_key })).status).toBe(200);
  });

  test('is not mistaken for another key with the same hint', async () => {
    const { send, dataDir } = await bootstrapped();
    await forgetFingerprints(dataDir);
    expect((await send({ path: '/auth/keys', key: `${FIRST_KEY.slice(0, -1)}X` })).status).toBe(401);
    expect(await fingerprints(dataDir)).toEqual([null]);
    expect((await send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(200);
  });

  test('is refused when it is inactive', async () => {
    const { send, dataDir } = await bootstrapped();
    const { json } = await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY });
    await send({ method: 'POST', path: `/auth/keys/${json.id}/deactivate`, key: FIRST_KEY });
    await forgetFingerprints(dataDir);
    expect((await send({ path: '/auth/keys', key: json.raw_key })).status).toBe(401);
  });

  test('an unknown key never waits for bcrypt', async () => {
    const { send } = await bootstrapped({ env: { KEYHEARTH_LOCKOUT_ATTEMPTS: '0' } });
    const before = begunTasks();
    for (let i = 0; i < 50; i++)
      await send({ path: '/auth/keys', key: `an-unknown-key-of-32-characters-${i}` });
    expect(begunTasks()).toBe(before);
    await send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY });
    expect(begunTasks()).toBe(before + 1);
  });

  test('is how every key survives a lost pepper, as docs/lost-pepper.md says', async () => {
    const dataDir = temporaryDirectory();
    const first = await startService({ dataDir });
    await first.send({ method: 'POST', path: '/auth/register-key', body: { api_key: FIRST_KEY } });
    await first.close();
    const env = { ...(await databaseFor(dataDir)), KEYHEARTH_DATA_DIR: dataDir };
    const recover = (...options: string[]) => keyhearth(['recover', '--pepper', ...options], { env });
    rmSync(`${dataDir}/pepper`);
    await expect(startService({ dataDir })).rejects.toThrow(/pepper .* is missing/);
    expect(await recover()).toMatchObject({ code: 2, stdout: '' });
    expect(existsSync(`${dataDir}/pepper`)).toBe(false);
    expect(await recover('--yes')).toMatchObject({ code: 0, stdout: '' });
    expect(await recover('--yes')).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/fits the database/),
    });
    const events = await sqlIn(
      dataDir,
      "select actor_kind from audit_events where action = 'pepper.replaced'",
    );
    expect(events).toHaveLength(1);

    writeFileSync(`${dataDir}/pepper`, `${'ab'.repeat(32)}\n`);
    await expect(startService({ dataDir })).rejects.toThrow(/pepper does not fit/);
    expect(await recover('--yes')).toMatchObject({ code: 0 });

    const second = await startService({ dataDir });
    for (let i = 0; i < 2; i++) {
      expect((await second.send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(200);
    }
    await second.close();
    const third = await startService({ dataDir });
    expect((await third.send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(200);
    await third.close();
  });
});

test('a key that another process deactivates on the same file is refused at once', async () => {
  const dataDir = temporaryDirectory();
  const one = await service({ dataDir });
  await one.send({ method: 'POST', path: '/auth/register-key', body: { api_key: FIRST_KEY } });
  const two = await service({ dataDir });
  const { json } = await one.send({ method: 'POST', path: '/auth/keys', key: FIRST_KEY });
  for (let round = 0; round < 50; round++) {
    expect((await two.send({ path: '/auth/keys', key: json.raw_key })).status).toBe(200);
    await one.send({ method: 'POST', path: `/auth/keys/${json.id}/deactivate`, key: FIRST_KEY });
    expect((await two.send({ path: '/auth/keys', key: json.raw_key })).status).toBe(401);
    await one.send({ method: 'POST', path: `/auth/keys/${json.id}/activate`, key: FIRST_KEY });
  }
});
