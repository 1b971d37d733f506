import { expect, test } from 'vitest';
import { service, sqlIn } from '../support/keyhearth.ts';
import { ADMIN, peopled } from '../support/people.ts';

test('a sign-in gives a password the present cost of bcrypt, and the password stays the same', async () => {
  const { dataDir, adminId } = await peopled();
  const cost = async () => {
    const [row] = await sqlIn(dataDir, `select password_hash from accounts where id = '${adminId}'`);
    return String(row?.password_hash).slice(0, 7);
  };
  expect(await cost()).toBe('$2b$04$');
  const { send } = await service({ dataDir, config: { bcryptCost: 5 } });
  const login = (password: string) =>
    send({ method: 'POST', path: '/auth/login', body: { ...ADMIN, password } });
  expect((await login(`${ADMIN.password}!`)).status).toBe(401);
  expect(await cost()).toBe('$2b$04$');
  for (let i = 0; i < 2; i++) {
    expect((await login(ADMIN.password)).status).toBe(200);
    expect(await cost()).toBe('$2b$05$');
  }
});
