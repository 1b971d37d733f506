import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

test('its two commands are scripts of the package', () => {
  expect([...readme.matchAll(/```\n(npm ci && npm (\w+))\n```/g)].map(([, command]) => command)).toEqual([
    'npm ci && npm start',
    'npm ci && npm test',
  ]);
  expect(manifest.scripts).toMatchObject({ start: 'exec node src/start.js', test: 'vitest run' });
});

test('it says what a key can do that is created without scopes', () => {
  expect(readme.replaceAll('\n', ' ')).toContain(
    'A key that you create without `scopes` can do what the key of the request can.',
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
