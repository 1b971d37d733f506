import { expect, test } from 'vitest';
import { createPasswords, weaknessOf } from '../../src/accounts/passwords.ts';

type Task = { client: string | undefined; input: string; hashes?: string[] };

/** Writes down what bcrypt has to do. The hash of an input is the input. */
function recordingBcrypt() {
  const tasks: string[] = [];
  const bcrypt = {
    cost: 12,
    async hash({ input }: Task) {
      tasks.push('hash');
      return input;
    },
    async find({ input, hashes = [] }: Required<Task>) {
      tasks.push(`compare with ${hashes.length}`);
      return hashes.indexOf(input);
    },
  };
  return { bcrypt, tasks };
}

test.each([
  ['the first attempt after a start', 0],
  ['a later attempt', 1],
])('%s has the same work for an account and for an unknown e-mail address', async (_, before) => {
  const work = async (stored: string | undefined) => {
    const { bcrypt, tasks } = recordingBcrypt();
    const passwords = createPasswords(bcrypt);
    for (let i = 0; i < before; i++) await passwords.matches('a', 'a guess', undefined);
    tasks.splice(0);
    expect(await passwords.matches('a', 'a guess', stored)).toBe(false);
    return tasks;
  };
  expect(await work('another hash')).toEqual(await work(undefined));
  expect((await work(undefined)).at(-1)).toBe('compare with 1');
});

test('nobody has the password whose hash stands in for one', async () => {
  const passwords = createPasswords(recordingBcrypt().bcrypt);
  expect(await passwords.matches('a', 'the password of nobody', undefined)).toBe(false);
});

test('a thread that could not hash is asked again at the next attempt', async () => {
  const { bcrypt } = recordingBcrypt();
  let fails = true;
  const passwords = createPasswords({
    ...bcrypt,
    hash: (task) => (fails ? Promise.reject(new Error('overloaded')) : bcrypt.hash(task)),
  });
  await expect(passwords.matches('a', 'a guess', undefined)).rejects.toThrow('overloaded');
  fails = false;
  expect(await passwords.matches('a', 'a guess', undefined)).toBe(false);
});

test('a password is its characters, not their encoding', async () => {
  const passwords = createPasswords(recordingBcrypt().bcrypt);
  const stored = await passwords.hash('a', 'caf\u00e9 con leche');
  expect(await passwords.matches('a', 'cafe\u0301 con leche', stored)).toBe(true);
});

test.each(['password1234', 'PASSWORD1234', 'unbelievable', 'qwertyuiop12'])(
  '%s is too common',
  async (password) => {
    expect(await weaknessOf(password)).toBe('is one of the most common passwords');
  },
);

test.each(['correct horse battery staple', 'tr0ub4dor & 3 more'])('%j is good enough', async (password) => {
  expect(await weaknessOf(password)).toBeUndefined();
});
