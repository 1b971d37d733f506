import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject, test } from 'vitest';
import { client } from '../../support/http.ts';
import { bootstrapped, FIRST_KEY, service, temporaryDirectory } from '../../support/keyhearth.ts';
import { createDatabase, nameFor, query } from '../../support/postgres.ts';

/** A database in which another program has tables of the same names, and two schemas that are ours. */
async function sharedDatabase() {
  const url = await createDatabase(inject('postgres').server ?? '', nameFor(temporaryDirectory()));
  await query(
    url,
    `create schema one; create schema two; create schema others;
    create table others.kysely_migration (name text, timestamp text);
    insert into others.kysely_migration values ('9999_of_another_program', '2040-01-01');
    create table others.kysely_migration_lock (id text);
    create table others.database_identity (x text)`,
  );
  return (schema: string) => {
    const own = new URL(url);
    own.searchParams.set('options', `-c search_path=${schema}`);
    return { DATABASE_URL: own.href };
  };
}

test('a database may have tables of other programs in other schemas', async () => {
  const within = await sharedDatabase();
  const { send, dataDir } = await bootstrapped({ env: within('one') });
  expect((await send({ path: '/auth/verify', key: FIRST_KEY })).status).toBe(200);
  const again = await service({ env: within('one'), dataDir });
  expect((await again.send({ path: '/auth/verify', key: FIRST_KEY })).status).toBe(200);
});

test('two services in schemas of one database have nothing to do with each other', async () => {
  const within = await sharedDatabase();
  const one = await bootstrapped({ env: within('one') });
  const two = await bootstrapped({ env: within('two') });
  const guesser = client(one.origin, '127.0.0.7');
  for (let i = 0; i < 5; i++) await guesser({ path: '/auth/verify', key: `${FIRST_KEY}-wrong` });
  expect((await guesser({ path: '/auth/verify', key: FIRST_KEY })).status).toBe(429);
  await sleep(300);
  const elsewhere = client(two.origin, '127.0.0.7');
  expect((await elsewhere({ path: '/auth/verify', key: FIRST_KEY })).status).toBe(200);
});

test('a place in which no table may be made is named as the reason', async () => {
  const within = await sharedDatabase();
  await expect(service({ env: within('pg_catalog') })).rejects.toThrow(
    /permission denied to create "pg_catalog/,
  );
});
