import { expect, test } from 'vitest';
import { FIRST_KEY, service, sqlIn } from '../../support/keyhearth.ts';
import { oldDirectory } from '../../support/old-database.ts';

test('a database from before scopes is migrated: its keys hold everything, and the filters find them', async () => {
  const dataDir = await oldDirectory();
  await sqlIn(
    dataDir,
    `insert into api_keys (label, hint, hash, is_active, created_at) values
      ('ÄRGER', 'kh_abcdefghi', 'hash', 1, 1000), ('supplied', 'my-own-key-a', 'hash', 0, 2000)`,
  );
  const { send } = await service({ dataDir });
  expect((await send({ path: '/auth/verify', key: FIRST_KEY })).status).toBe(200);
  const found = async (query: string) =>
    (await send({ path: `/auth/keys?${query}`, key: FIRST_KEY })).json.keys.map(
      ({ id }: { id: number }) => id,
    );

  const { json } = await send({ path: '/auth/keys?sort=created_at', key: FIRST_KEY });
  const plain = {
    scopes: ['*'],
    owner: '',
    expires_at: null,
    allowed_ips: [],
    rate_limits: [],
    metadata: {},
  };
  expect(json.keys).toMatchObject([
    { ...plain, id: 2, label: 'ÄRGER', source: 'created', prefix: 'kh', status: 'active' },
    { ...plain, id: 3, label: 'supplied', source: 'created', prefix: null, status: 'inactive' },
    { ...plain, id: 1, label: 'first', source: 'registered', prefix: null, status: 'active' },
  ]);
  expect(await found('label=%C3%A4rger')).toEqual([2]);
  expect(await found('label=SUPPLIED')).toEqual([3]);
  expect(await found('scope=*')).toEqual([1, 3, 2]);
  expect(await found('scope=a')).toEqual([]);
  expect(await found('status=inactive')).toEqual([3]);
  expect(await found('source=registered')).toEqual([1]);
  expect(await found('prefix=kh')).toEqual([2]);
});

test('the list has every key of a large old database, which is read in parts', async () => {
  const dataDir = await oldDirectory();
  const COUNT = 100_001;
  await sqlIn(
    dataDir,
    `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${COUNT})
      insert into api_keys (id, label, hint, hash, is_active, created_at)
      select 5 + 2 * n, 'Number ' || n, 'kh_abcdefghi', 'hash', 1, 1000 - n % 7 from numbers`,
  );
  const { send } = await service({ dataDir });
  const [listed] = await sqlIn(
    dataDir,
    `select count(*) as n from api_keys join api_key_listing as listed
      on listed.id = api_keys.id and listed.created_at = api_keys.created_at`,
  );
  expect(listed?.n).toBe(COUNT + 1);
  const { json } = await send({ path: `/auth/keys?label=number%20${COUNT}`, key: FIRST_KEY });
  expect(json.keys.map(({ id }: { id: number }) => id)).toEqual([5 + 2 * COUNT]);
});
