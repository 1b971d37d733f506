import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { Snippet } from '../../dashboard/src/lib/snippet.ts';
import { clientSnippets, guardSnippets, keySnippets } from '../../dashboard/src/lib/snippets.ts';
import { userSnippets } from '../../dashboard/src/lib/user-snippets.ts';
import { bootstrapped, FIRST_KEY, temporaryDirectory } from '../support/keyhearth.ts';

const run = promisify(execFile);
/** Every sign that a shell or a string treats as something else. */
const ODD_KEY = String.raw`odd"'$(exit 1)${'`id`'}\key%HOME%!-0123456789abcdefghij`;
const DEPLOY = join(import.meta.dirname, '../../deploy');

function codeOf(snippets: readonly Snippet[], title: string): string {
  const found = snippets.find((snippet) => snippet.title === title);
  if (!found) throw new Error(`There is no code for ${title}.`);
  return found.code;
}

/** Runs the code as a program of its language. */
async function execute(title: string, code: string): Promise<string> {
  if (title === 'curl') return (await run('sh', ['-c', `${code} -s`])).stdout;
  if (title === 'Python') return (await run('python3', ['-c', code])).stdout;
  return (await run(process.execPath, ['--input-type=module', '-e', code])).stdout;
}

const hasPython = await run('python3', ['-c', 'import requests']).then(
  () => true,
  () => false,
);

const LANGUAGES = ['curl', 'JavaScript', ...(hasPython ? ['Python'] : [])];

test.each(LANGUAGES)('the code for %s proves the key', async (title) => {
  const { origin } = await bootstrapped();
  const output = await execute(title, codeOf(clientSnippets({ origin, key: FIRST_KEY }), title));
  expect(output).toMatch(/["']?valid["']?: ?(true|True)/);
});

test.each(['curl', 'JavaScript', 'Python'])('the code for %s carries every sign of a key', async (title) => {
  const code = codeOf(clientSnippets({ origin: 'http://localhost:8800', key: ODD_KEY }), title);
  const [literal = ''] = /(?<=-H |Authorization"?: )(?:"(?:[^"\\]|\\.)*"|'.*')/.exec(code) ?? [];
  const value =
    title === 'curl' ? (await run('sh', ['-c', `printf %s ${literal}`])).stdout : JSON.parse(literal);
  expect(value.replace(/^(X-API-Key:|Bearer) /, '')).toBe(ODD_KEY);
});

test.each([
  ['a key', clientSnippets, '/auth/verify'],
  ['the account', (parts: { origin: string }) => userSnippets(parts.origin), '/v1/auth/user'],
])('the code about %s carries every sign of an address, and runs none of them', async (_, of, path) => {
  const origin = String.raw`https://localhost/x;touch$IFS'PWNED';${'`id`'}&"(b)\n|>#`;
  for (const { title, code } of of({ origin })) {
    const [, literal = ''] = /(?:curl |get\(\s*|fetch\(|"GET", )("(?:[^"\\]|\\.)*"|'.*')/.exec(code) ?? [];
    const url =
      title === 'curl' ? (await run('sh', ['-c', `printf %s ${literal}`])).stdout : JSON.parse(literal);
    expect({ title, url }).toEqual({ title, url: origin + path });
  }
});

test('the code for TypeScript asks about the key of a client', async () => {
  const { origin } = await bootstrapped();
  const file = join(temporaryDirectory(), 'verify.ts');
  writeFileSync(file, codeOf(guardSnippets({ origin, key: FIRST_KEY }), 'TypeScript'));
  const { verifyKey } = await import(/* @vite-ignore */ pathToFileURL(file).href);
  expect(await verifyKey(FIRST_KEY, '198.51.100.7')).toMatchObject({ valid: true, code: 'VALID' });
  expect(await verifyKey('unknown-key-of-the-tests-0123456789abc', '198.51.100.7')).toMatchObject({
    valid: false,
    code: 'NOT_FOUND',
  });
});

test('a key gets into the code for TypeScript only if it may ask about other keys', () => {
  const parts = { origin: 'http://localhost:8800', key: FIRST_KEY };
  expect(codeOf(keySnippets({ ...parts, mayVerify: true }), 'TypeScript')).toContain(FIRST_KEY);
  expect(codeOf(keySnippets({ ...parts, mayVerify: false }), 'TypeScript')).not.toContain(FIRST_KEY);
});

const FILES = [
  ['nginx', 'nginx/keyhearth.conf'],
  ['Caddy', 'caddy/Caddyfile'],
  ['HAProxy', 'haproxy/haproxy.cfg'],
  ['HAProxy: Lua', 'haproxy/keyhearth.lua'],
] as const;

test.each(FILES)(
  'the code for %s is the file in deploy/, with the address of this service',
  (title, path) => {
    const file = readFileSync(join(DEPLOY, path), 'utf8').trimEnd();
    const codeAt = (origin: string) => codeOf(guardSnippets({ origin, key: FIRST_KEY }), title);
    expect(codeAt('http://localhost:8800')).toBe(file);
    expect(codeAt('http://localhost:9001')).toBe(file.replaceAll('127.0.0.1:8800', '127.0.0.1:9001'));
    // The port of a proxy with TLS is not the one of Keyhearth. But its host is one that people use.
    expect(codeAt('https://keys.example.com')).toBe(
      file.replace('ALLOWED_HOSTS=localhost,127.0.0.1', 'ALLOWED_HOSTS=localhost,127.0.0.1,keys.example.com'),
    );
  },
);

test('the code for the OpenAI SDK uses the key at the proxy', () => {
  const parts = { origin: 'http://localhost:8800', key: FIRST_KEY, mayVerify: false };
  const code = codeOf(keySnippets(parts), 'OpenAI SDK');
  expect(code).toContain(`api_key="${FIRST_KEY}"`);
  expect(code).toContain('base_url="http://127.0.0.1:8000/v1"');
});
