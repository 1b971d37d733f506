import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { generateConfigurationPage } from '../docs/generate.ts';
import type { Json } from './support/http.ts';
import { service } from './support/keyhearth.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** What is another every time: shown as an example, compared by kind. */
const VARYING = new Set(['raw_key', 'hint', 'created_at', 'last_used_at']);

function shapeOf(value: Json, name = ''): Json {
  if (Array.isArray(value)) return value.map((item) => shapeOf(item));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item, key)]));
  }
  return VARYING.has(name) ? typeof value : value;
}

test('its commands do what it says, one after the other', async () => {
  const { origin } = await service();
  const steps = [...readme.matchAll(/```sh\n([\s\S]*?)```\n\n```json\n([\s\S]*?)```/g)];
  expect(steps.length).toBe(8);
  const script = steps.map(([, command]) => `${command}\necho; echo ---`).join('\n');
  const { stdout } = await promisify(execFile)('bash', [
    '-euc',
    script.replaceAll('http://127.0.0.1:8800', origin),
  ]);
  const outputs = stdout.split('---\n');
  steps.forEach(([, command, expected = ''], i) => {
    expect({ command, answer: shapeOf(JSON.parse(outputs[i] ?? '')) }).toEqual({
      command,
      answer: shapeOf(JSON.parse(expected)),
    });
  });
});

test('its two commands are scripts of the package', () => {
  expect([...readme.matchAll(/```\n(npm ci && npm (\w+))\n```/g)].map(([, command]) => command)).toEqual([
    'npm ci && npm start',
    'npm ci && npm test',
  ]);
  expect(manifest.scripts).toMatchObject({ start: 'exec node src/main.ts', test: 'vitest run' });
});

test('the table of variables in docs/configuration.md is the schema (npm run generate brings it up to date)', () => {
  const page = readFileSync(new URL('../docs/configuration.md', import.meta.url), 'utf8');
  expect(page).toBe(generateConfigurationPage());
  expect(page).toContain('| `KEYHEARTH_LOCKOUT_ATTEMPTS` | `5` |');
});

test('the files that it points to are there', () => {
  for (const [, path = ''] of readme.matchAll(/\]\((?!http)([^)#]+)\)/g)) {
    expect(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')).not.toBe('');
  }
});
