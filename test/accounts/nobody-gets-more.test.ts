import fc from 'fast-check';
import { expect, test } from 'vitest';
import { grantedScopes, standingOf } from '../../src/accounts/account.ts';
import { toAccount } from '../../src/accounts/account-store.ts';
import { isManaging } from '../../src/keys/permission.ts';
import { toApiKey } from '../../src/keys/row.ts';
import { missingScopes } from '../../src/keys/scopes.ts';
import { sqlIn } from '../support/keyhearth.ts';
import { LONG } from '../support/long.ts';
import { ADMIN, cookiesOf, peopled } from '../support/people.ts';

/**
 * Random sequences of sign-ins, changes of roles and scopes, invitations and changes of keys, by people and by their keys,
 * over the real service. After each step, the database is compared with what it was before.
 */

const SCOPES = ['keys:read', 'keys:write', 'keys:*', 'a:b', 'a:*', '*'];

const who = fc.nat();
const scopes = fc.subarray(SCOPES);
const role = fc.constantFrom('admin', 'member');

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('invite' as const), by: who, of: who, role, scopes }) },
  ...(
    [
      ['grant', 4],
      ['create key', 6],
      ['patch key', 4],
      ['activate', 1],
      ['deactivate', 1],
      ['rotate', 2],
      ['sign in', 1],
      ['delete account', 1],
      ['hand over', 1],
      ['approve', 1],
    ] as const
  ).map(([name, weight]) => ({
    weight,
    arbitrary: fc.record({ do: fc.constant(name), by: who, of: who, role, scopes }),
  })),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A way to act: the session of an account, or a key, which may get another account later. */
type Actor = { headers: Record<string, string>; account: string; key?: number };

test('no sequence gives a member more than a member may', { timeout: 600_000 }, async () => {
  const it = await peopled({ env: { KEYHEARTH_LOCKOUT_ATTEMPTS: '0', KEYHEARTH_LOG_LEVEL: 'error' } });
  const { send, dataDir, adminId } = it;
  await sqlIn(dataDir, 'create table first_admin as select * from accounts');
  await sqlIn(dataDir, 'create table first_key as select * from api_keys');
  const outcomes = new Map<string, number>();
  let invited = 0;

  const accounts = async () =>
    (await sqlIn(dataDir, 'select * from accounts order by id')).map((row) => toAccount(row as never));
  const keys = async () =>
    (await sqlIn(dataDir, 'select * from api_keys order by id')).map((row) =>
      toApiKey({ ...row, last_used_at: null, use_count: 0 } as never),
    );
  const state = async () => ({ accounts: await accounts(), keys: await keys() });
  type State = Awaited<ReturnType<typeof state>>;

  async function signIn(email: string): Promise<Actor['headers']> {
    const answer = await send({ method: 'POST', path: '/auth/login', body: { ...ADMIN, email } });
    expect(answer, answer.text).toMatchObject({ status: 200 });
    return { Cookie: cookiesOf(answer) };
  }

  /** Sends a step. @returns the status, and a new way to act */
  async function act(
    { do: name, of, role: wanted, scopes: some }: Step,
    by: Actor,
    { accounts: all, keys: known }: State,
  ) {
    const { headers } = by;
    // An admin holds everything.
    const granted = wanted === 'admin' ? {} : { scopes: some.filter((scope) => scope !== '*') };
    const account = all[of % all.length];
    const key = known[of % known.length];
    const post = (path: string, body?: object) =>
      send({ method: 'POST', path, headers, ...(body && { body }) });
    switch (name) {
      case 'invite': {
        const email = `person-${invited++}@example.com`;
        const invitation = await post('/auth/invitations', { email, role: wanted, ...granted });
        if (invitation.status !== 201) return { answer: invitation };
        const { token } = invitation.json;
        const body = { token, password: ADMIN.password, name: '' };
        const answer = await send({ method: 'POST', path: '/auth/accept-invitation', body });
        return { answer, headers: { Cookie: cookiesOf(answer) } };
      }
      case 'grant':
        return {
          answer: await send({
            method: 'PATCH',
            path: `/auth/accounts/${account?.id}`,
            headers,
            body: { role: wanted, ...granted },
          }),
        };
      case 'create key': {
        const answer = await post('/auth/keys', { scopes: some });
        return { answer, headers: { 'X-API-Key': String(answer.json?.raw_key) } };
      }
      case 'patch key':
        return {
          answer: await send({
            method: 'PATCH',
            path: `/auth/keys/${key?.id}`,
            headers,
            body: { scopes: some },
          }),
        };
      case 'activate':
      case 'deactivate':
        return { answer: await post(`/auth/keys/${key?.id}/${name}`) };
      case 'rotate': {
        const answer = await post(`/auth/keys/${key?.id}/rotate`, { grace: '1h' });
        return { answer, headers: { 'X-API-Key': String(answer.json?.raw_key) } };
      }
      case 'sign in':
        return { headers: await signIn(String(account?.email)) };
      case 'delete account':
        return {
          answer: await send({
            method: 'DELETE',
            path: `/auth/accounts/${account?.id}?keys=delete`,
            headers,
          }),
        };
      case 'hand over':
        return {
          answer: await send({
            method: 'DELETE',
            path: `/auth/accounts/${account?.id}?keys_to=${all[(of + 1) % all.length]?.id}`,
            headers,
          }),
        };
      case 'approve':
        return { answer: await post(`/auth/accounts/${account?.id}/approve`) };
    }
  }

  /** What holds after every step. */
  function assertSound({ accounts: all, keys: known }: State): void {
    expect(all.some((account) => standingOf(account) === 'admin')).toBe(true);
    expect(known.some(isManaging)).toBe(true);
    for (const key of known) {
      if (!key.account) continue;
      const owner = all.find(({ id }) => id === key.account?.id);
      expect(owner, `the account of key ${key.id}`).toBeDefined();
      if (!owner) continue;
      expect(key.account.standing).toBe(standingOf(owner));
      expect(missingScopes(grantedScopes(owner), key.scopes), `key ${key.id} of ${owner.email}`).toEqual([]);
    }
  }

  /** What somebody who is no admin left alone: all accounts, and the keys of others. */
  const ofOthers = ({ accounts: all, keys: known }: State, account: string) => ({
    accounts: all.map(({ lastSignInAt: _, ...rest }) => rest),
    keys: known.filter((key) => key.account?.id !== account),
  });

  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      // Each sequence begins with the first admin and the first key.
      await sqlIn(dataDir, 'delete from accounts; insert into accounts select * from first_admin');
      await sqlIn(dataDir, 'delete from api_keys; insert into api_keys select * from first_key');
      const actors: Actor[] = [{ headers: await signIn(ADMIN.email), account: adminId }];
      let before = await state();
      for (const each of steps) {
        const by = actors[each.by % actors.length] as Actor;
        const owner = before.keys.find(({ id }) => id === by.key)?.account?.id ?? by.account;
        const actor = before.accounts.find(({ id }) => id === owner);
        const { answer, headers } = await act(each, by, before);
        const after = await state();
        const status = answer?.status ?? 200;
        outcomes.set(`${each.do} ${status}`, (outcomes.get(`${each.do} ${status}`) ?? 0) + 1);
        expect(status, answer?.text).toBeLessThan(500);
        assertSound(after);
        if (status >= 400 && each.do !== 'invite') expect(after).toEqual(before);
        // A key without an account reaches all keys.
        const isMember = owner !== '' && (!actor || standingOf(actor) !== 'admin');
        if (isMember && each.do !== 'sign in')
          expect(ofOthers(after, owner), each.do).toEqual(ofOthers(before, owner));
        if (headers && status < 300) {
          const made = madeBy(each, before, after);
          if (made) actors.push({ headers, ...made });
        }
        before = after;
      }
    }),
    { numRuns: LONG ? 80 : 15, endOnFailure: true },
  );
  // The sequences reach what they are about.
  for (const outcome of [
    'invite 201',
    'grant 200',
    'grant 403',
    'create key 201',
    'create key 403',
    'rotate 201',
  ])
    expect([...outcomes.keys()]).toContain(outcome);
});

/** Whose the new way to act is. */
function madeBy(
  { do: name, of }: Step,
  before: { accounts: { id: string }[]; keys: { id: number }[] },
  after: { accounts: { id: string }[]; keys: { id: number; account: { id: string } | null }[] },
): Pick<Actor, 'account' | 'key'> | undefined {
  const account =
    name === 'sign in'
      ? before.accounts[of % before.accounts.length]?.id
      : after.accounts.find(({ id }) => !before.accounts.some((old) => old.id === id))?.id;
  if (account !== undefined) return { account };
  const key = after.keys.find(({ id }) => !before.keys.some((old) => old.id === id));
  return key && { account: key.account?.id ?? '', key: key.id };
}
