import { expect, test } from 'vitest';
import { ADMIN, peopled } from '../support/people.ts';

/** An admin could keep a link, and come back with it. */

const OTHER = { email: 'other@example.com', password: ADMIN.password };

test.each([
  ['demoted', 'PATCH', '', { role: 'member' }],
  ['deleted', 'DELETE', '?keys=delete', undefined],
] as const)(
  'the invitations of an admin who is %s are gone, and no others',
  async (_, method, query, body) => {
    const { admin, add, signIn, send } = await peopled();
    const id = await add(OTHER.email, 'admin');
    const other = await signIn(OTHER);
    const key = (await other('POST', '/auth/keys', {})).json.raw_key;
    const invitation = (email: string) => ({ email, role: 'admin' });
    const made = [
      await other('POST', '/auth/invitations', invitation('one@example.com')),
      await send({ method: 'POST', path: '/auth/invitations', key, body: invitation('two@example.com') }),
      await admin('POST', '/auth/invitations', invitation('three@example.com')),
    ];
    expect(made.map(({ status }) => status)).toEqual([201, 201, 201]);

    const answer = await admin(method, `/auth/accounts/${id}${query}`, body);
    expect(answer.status).toBeLessThan(300);
    const accepted = [];
    for (const { json } of made) {
      const acceptance = { token: json.token, password: ADMIN.password };
      accepted.push(await send({ method: 'POST', path: '/auth/accept-invitation', body: acceptance }));
    }
    expect(accepted.map(({ status }) => status)).toEqual([404, 404, 201]);
    const { json } = await admin('GET', '/auth/audit?action=invitation.deleted');
    expect(json.events.map(({ changes }: { changes: { email: object } }) => changes.email)).toEqual([
      { from: 'two@example.com', to: null },
      { from: 'one@example.com', to: null },
    ]);
  },
);
