import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { environmentSchema, parseConfig } from '../../src/config.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';
import { isRoot } from '../support/root.ts';

const TOKEN = 'geheim-0123456789';
const URL = 'postgres://keyhearth:geheim@db.example/keyhearth';
const PEPPER = 'ab'.repeat(32);

function fileWith(content: string, mode = 0o600): string {
  const path = join(temporaryDirectory(), 'secret');
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

const tokenFrom = (path: string) => parseConfig({ KEYHEARTH_BOOTSTRAP_TOKEN_FILE: path }).bootstrapToken;

describe('a secret may be in a file, which the variable with _FILE names:', () => {
  test('the bootstrap token', () => {
    expect(tokenFrom(fileWith(TOKEN))).toBe(TOKEN);
  });

  test('the URL of the database', () => {
    expect(parseConfig({ DATABASE_URL_FILE: fileWith(URL) }).database).toMatchObject({ url: URL });
  });

  test.each([['\n'], ['\r\n'], ['  \n\n'], ['\uFEFF']])('%j around it is no part of it', (around) => {
    expect(tokenFrom(fileWith(around + TOKEN + around))).toBe(TOKEN);
  });

  test.each<[string, string, string]>([
    ['KEYHEARTH_BOOTSTRAP_TOKEN_FILE', 'two words', 'must be 1 to 512 printable ASCII characters'],
    ['KEYHEARTH_BOOTSTRAP_TOKEN_FILE', '\n', 'must be 1 to 512 printable ASCII characters'],
    ['DATABASE_URL_FILE', 'mysql://root:geheim@db/keys', 'must be sqlite:PATH'],
  ])(
    'bad content is refused in a sentence that names %s, and does not show it: %j',
    (variable, content, reason) => {
      const parse = () => parseConfig({ [variable]: fileWith(content) });
      expect(parse).toThrow(new RegExp(`^The content of ${variable} ${reason}.*\\.$`));
      expect(parse).not.toThrow(/geheim|words/);
    },
  );

  test.each([`"${TOKEN}"\n`, `'${TOKEN}'`])('quotes in the file are named: %s', (content) => {
    const path = fileWith(content);
    expect(() => tokenFrom(path)).toThrow(
      `KEYHEARTH_BOOTSTRAP_TOKEN_FILE: ${path} has quotes around the secret; remove them.`,
    );
  });

  test.each(['KEYHEARTH_BOOTSTRAP_TOKEN', 'DATABASE_URL', 'KEYHEARTH_PEPPER'])(
    'not both %s and the file',
    (name) => {
      const value = { KEYHEARTH_BOOTSTRAP_TOKEN: TOKEN, DATABASE_URL: URL, KEYHEARTH_PEPPER: PEPPER }[name];
      const parse = () => parseConfig({ [name]: value, [`${name}_FILE`]: fileWith(value ?? '') });
      expect(parse).toThrow(`${name} and ${name}_FILE are both set; set one of them.`);
    },
  );

  test('a file that does not exist is named', () => {
    const path = join(temporaryDirectory(), 'missing');
    expect(() => tokenFrom(path)).toThrow(
      `KEYHEARTH_BOOTSTRAP_TOKEN_FILE names ${path}, which does not exist`,
    );
  });

  test('a directory, which Docker makes where there is no file, is named', () => {
    const path = join(temporaryDirectory(), 'secret');
    mkdirSync(path);
    expect(() => tokenFrom(path)).toThrow(`${path} is not a file`);
  });

  test.each(['644', '604', '666', '601'])('a file of mode %s is refused, and says what to do', (mode) => {
    const path = fileWith(TOKEN, Number.parseInt(mode, 8));
    expect(() => tokenFrom(path)).toThrow(
      `${path} can be read or changed by other users; run: chmod 600 ${path}`,
    );
  });

  test('a file with rights of its group loses them', () => {
    const path = fileWith(TOKEN, 0o660);
    expect(tokenFrom(path)).toBe(TOKEN);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});

describe('in a variable itself,', () => {
  test('a line end after a secret is no part of it', () => {
    expect(parseConfig({ KEYHEARTH_BOOTSTRAP_TOKEN: `${TOKEN}\r\n` }).bootstrapToken).toBe(TOKEN);
    expect(parseConfig({ DATABASE_URL: `${URL}\n` }).database).toMatchObject({ url: URL });
    expect(parseConfig({ KEYHEARTH_PEPPER: `${PEPPER}\n` }).pepper).toEqual({
      from: 'environment',
      bytes: Buffer.from(PEPPER, 'hex'),
    });
  });

  test.each(Object.keys(environmentSchema.shape))('quotes around the value of %s are named', (variable) => {
    for (const quote of [`"`, `'`]) {
      const parse = () => parseConfig({ [variable]: `${quote}geheim${quote}` });
      expect(parse).toThrow(`${variable} has quotes around its value`);
      expect(parse).not.toThrow('geheim');
    }
  });
});

/** Only root can give a file away. */
test.skipIf(!isRoot)('a file of another user is refused, whatever its mode', () => {
  const path = fileWith(TOKEN);
  chownSync(path, 65_534, 65_534);
  expect(() => tokenFrom(path)).toThrow(
    `${path} belongs to another user, who can change it; run: chown 0 ${path}`,
  );
});
