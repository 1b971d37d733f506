import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Json } from '../support/http.ts';
import { pages, placeOf, stepsOf } from './blocks.ts';
import { isProxyMissing, openSession } from './session.ts';

/** Runs the commands of the documentation as a reader does, page by page. */

/** Values that differ in each run. */
const VARYING = new Set([
  ...['raw_key', 'hint', 'created_at', 'expires_at', 'last_used_at', 'use_count'],
  ...['at', 'request_id', 'next_cursor', 'locked_until', 'buckets'],
  'token',
  'url',
]);

function shapeOf(value: Json, name = ''): Json {
  if (VARYING.has(name)) return name;
  if (Array.isArray(value)) return value.map((item) => shapeOf(item));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item, key)]));
  }
  return value;
}

const isMissing = (program: string) => spawnSync(program, ['--version']).error !== undefined;

/** What a page needs and this machine does not have. */
function missingFor(page: string): string | undefined {
  if (isProxyMissing(page)) return 'the proxy';
  const commands = stepsOf(page).map(({ block }) => block.text);
  return ['curl', 'openssl', 'sqlite3'].find(
    (program) => commands.some((text) => text.includes(`${program} `)) && isMissing(program),
  );
}

const withSteps = pages.filter((page) => stepsOf(page).length > 0);

describe.concurrent('the commands of', () => {
  for (const page of withSteps) {
    const missing = missingFor(page);
    test.skipIf(missing)(
      `${page} do what it says${missing ? `: ${missing} is not installed` : ''}`,
      async ({ onTestFinished }) => {
        const session = await openSession(page);
        onTestFinished(() => session.close());
        for (const { block, printed } of stepsOf(page)) {
          const output = await session.run(block);
          const at = placeOf(block);
          if (printed?.language === 'json') {
            expect({ at, output: shapeOf(JSON.parse(output)) }).toEqual({
              at,
              output: shapeOf(JSON.parse(printed.text)),
            });
          } else if (printed) {
            expect({ at, output: output.trim() }).toEqual({ at, output: printed.text.trim() });
          } else {
            expect(output, at).not.toContain('"code":');
          }
        }
      },
    );
  }
});
