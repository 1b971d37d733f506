import { unlinkSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { LONG } from '../support/long.ts';
import { processWithFile } from './live-file.ts';

/** Never a key accepted that the last good file lacks, and never a good key lost, whatever happens to the file. */

const EDITS_PER_FILE = 20;
const FILES = LONG ? 500 : 25;

const POOL = Array.from({ length: 8 }, (_, i) => `client-${i}-${'k'.repeat(i * 5)}end`);

/** A good file, in one of the ways in which people write it. */
const goodFile = fc
  .record({
    keys: fc.uniqueArray(fc.constantFrom(...POOL), { maxLength: 6 }),
    style: fc.constantFrom('plain', 'single', 'double', 'flow', 'label'),
    isLast: fc.boolean(),
    lineEnd: fc.constantFrom('\n', '\r\n'),
    wsAuth: fc.boolean(),
  })
  .map(({ keys, style, isLast, lineEnd, wsAuth }) => {
    const list =
      keys.length === 0 || style === 'flow'
        ? [`api-keys: [${keys.map((key) => `"${key}"`).join(', ')}]`]
        : ['api-keys:', ...keys.map((key) => `  - ${written(key, style)}`)];
    const others = [`ws-auth: ${wsAuth}`, 'claude-api-key:', '  - api-key: sk-1', '    prefix: "a"'];
    const lines = isLast ? ['# Clients', ...others, ...list] : [...list, '# Others', ...others];
    return { keys, text: lines.map((line) => line + lineEnd).join('') };
  });

function written(key: string, style: string): string {
  if (style === 'single') return `'${key}'`;
  if (style === 'double') return `"${key}"`;
  return style === 'label' ? `${key} # Team` : key;
}

const BREAKS = [
  '\tx: 1\n',
  'ws-auth: "no\n',
  'port: 1\nport: 1\n',
  'host: 5\n',
  '---\na: 1\n',
  'x: *y\n',
  'api-keys: {}\n',
];

const edit = fc.oneof(
  fc.record({ is: fc.constant('good' as const), file: goodFile }),
  fc.record({ is: fc.constant('broken' as const), file: goodFile, added: fc.constantFrom(...BREAKS) }),
  fc.record({
    is: fc.constant('torn' as const),
    file: goodFile,
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({
    is: fc.constant('garbled' as const),
    at: fc.nat(),
    byte: fc.constantFrom(...'\t\n "\'#:-[]{}&*!|>%@`x\0é'),
  }),
  fc.record({ is: fc.constant('deleted' as const) }),
  fc.record({ is: fc.constant('managed' as const), key: fc.constantFrom(...POOL) }),
  fc.record({ is: fc.constant('unsaved' as const), file: goodFile }),
);

type Edit = typeof edit extends fc.Arbitrary<infer Value> ? Value : never;

async function apply(edits: readonly Edit[]): Promise<void> {
  const file = processWithFile(`api-keys: ["${POOL[0]}"]\n`);
  const live = await file.thread();
  const other = await file.thread();
  let good: readonly string[] = [POOL[0] ?? ''];
  let exists = true;

  for (const change of edits) {
    const before = exists ? file.read() : '';
    let isGood: boolean | undefined;
    /** The keys that may be accepted next. */
    let known: readonly string[] | undefined;
    if (change.is === 'managed') {
      const wasBroken = live.problem() !== undefined;
      const add = live.edit((document) => {
        if (good.includes(change.key)) return;
        document.set('api-keys', [...good, change.key]);
      });
      if (wasBroken) await add.catch(() => undefined);
      else {
        await add;
        known = [...new Set([...good, change.key])];
        isGood = true;
      }
    } else {
      if (change.is === 'deleted') {
        if (exists) unlinkSync(file.path);
        isGood = false;
      } else if (change.is === 'garbled') {
        const at = change.at % (before.length + 1);
        file.write(before.slice(0, at) + change.byte + before.slice(at + 1));
      } else if (change.is === 'broken') {
        file.write(change.file.text + change.added);
        isGood = false;
      } else if (change.is === 'torn') {
        file.write(change.file.text.slice(0, Math.floor(change.file.text.length * change.part)));
        known = [...good, ...change.file.keys];
      } else {
        file.write(change.file.text);
        known = change.file.keys;
        isGood = true;
      }
      exists = change.is !== 'deleted';
      if (change.is === 'unsaved') {
        file.store.inTransaction = () => {
          throw new Error('no database');
        };
        const isNew = JSON.stringify(change.file.text) !== JSON.stringify(before);
        await live.reload().catch(() => undefined);
        if (isNew) expect(file.accepted()).toEqual(good);
        file.store.inTransaction = () => {};
      }
      await live.reload();
    }

    const accepted = file.accepted();
    if (isGood !== undefined) expect(live.problem() === undefined).toBe(isGood);
    if (live.problem()) expect(accepted).toEqual(good);
    else {
      const said: unknown = parse(file.read())?.['api-keys'] ?? [];
      expect(accepted).toEqual([...new Set(said as string[])]);
      if (known) expect(known).toEqual(expect.arrayContaining(accepted));
      if (change.is === 'torn' && good.length > 0 && change.file.keys.length > 0)
        expect(accepted.length).toBeGreaterThan(0);
      good = accepted;
    }
    await other.catchUp();
    for (const thread of [live, other])
      expect(thread.current().clientKeys.map(({ rawKey }) => String(rawKey))).toEqual(good);
  }
}

test(
  `${FILES * EDITS_PER_FILE} random edits`,
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: EDITS_PER_FILE, maxLength: EDITS_PER_FILE }), apply),
      { numRuns: FILES },
    );
  },
  LONG ? 600_000 : 60_000,
);
