import { expect, test } from 'vitest';
import { ADMIN, peopled } from '../support/people.ts';

const LIMIT = 300;
/** So many keys the member of a test makes. */
const MADE = 2;

/** Sends requests, ten at a time: with more, PostgreSQL may have no connection left. */
async function sendMany<Answer>(count: number, send: (number: number) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  while (answers.length < count) {
    const first = answers.length;
    const batch = Array.from({ length: Math.min(10, count - first) }, (_, i) => send(first + i));
    answers.push(...(await Promise.all(batch)));
  }
  return answers;
}

test('an account changes its keys 300 times in an hour, and can always make them invalid', async () => {
  const { add, admin, call, signIn } = await peopled();
  await add('member@example.com');
  await add('other@example.com');
  const member = await signIn({ ...ADMIN, email: 'member@example.com' });
  const other = await signIn({ ...ADMIN, email: 'other@example.com' });
  const made = async (person: typeof member) => (await person('POST', '/auth/keys')).json;
  const [first, second, others] = [await made(member), await made(member), await made(other)];
  const activate = (person: typeof member, { id }: { id: number }) =>
    person('POST', `/auth/keys/${id}/activate`);
  const answers = await sendMany(LIMIT - MADE, (i) => activate(member, i % 2 ? first : second));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(LIMIT - MADE);

  const refused = await member('PATCH', `/auth/keys/${first.id}`, { label: 'other' });
  expect(refused).toMatchObject({ status: 429, json: { code: 'rate_limited' } });
  expect(refused.json.detail).toBe(
    'The account has reached a rate limit: account:changes (300 in 1h). Try again later.',
  );
  expect((await activate(member, first)).status).toBe(429);
  expect((await member('POST', '/auth/keys')).status).toBe(429);
  expect((await member('POST', `/auth/keys/${first.id}/rotate`)).status).toBe(429);
  expect((await member('POST', `/auth/keys/${first.id}/deactivate`)).status).toBe(200);
  expect((await member('DELETE', `/auth/keys/${second.id}`)).status).toBe(204);

  expect((await activate(other, others)).status).toBe(200);
  expect((await activate(admin, first)).status).toBe(200);
  expect((await call('PATCH', `/auth/keys/${first.id}`, { label: 'other' })).status).toBe(200);
});

test('an admin has no such limit', async () => {
  const { admin } = await peopled();
  const answers = await sendMany(LIMIT + 1, () => admin('POST', '/auth/keys/1/activate'));
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
});
