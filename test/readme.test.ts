import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { Json } from './support/http.ts';
import { service } from './support/keyhearth.ts';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Values that differ in each run. */
const VARYING = new Set(['raw_key', 'hint', 'created_at', 'last_used_at', 'use_count']);

function shapeOf(value: Json, name = ''): Json {
  if (VARYING.has(name)) return name;
  if (Array.isArray(value)) return value.map((item) => shapeOf(item));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item, key)]));
  }
  return value;
}

test('its commands do what it says, one after the other', async () => {
  const { origin } = await service();
  const steps = [...readme.matchAll(/```sh\n([\s\S]*?)```\n\n```json\n([\s\S]*?)```/g)];
  expect(steps.length).toBe(5);
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

test('it says that every key can manage all others', () => {
  expect(readme.replaceAll('\n', ' ')).toContain(
    'Every key that you create with `POST /auth/keys` can manage all other keys',
  );
});

test('it has at most 150 lines, and no paragraph or list item has more than four', () => {
  expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(150);
  const prose = readme.replaceAll(/```[\s\S]*?```/g, '');
  for (const paragraph of prose.split(/\n\n+|\n(?=- )/)) {
    const lines = paragraph.trim().split('\n');
    expect(lines.length, paragraph).toBeLessThanOrEqual(4);
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(120);
  }
});
