import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { signatureOf, watchFile } from '../../src/gateway-file/watch.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';
import { KEY_A, KEY_B, processWithFile, withKeys } from './live-file.ts';

/** So soon only an event can tell. */
const BY_EVENT = { settleMs: 5, pollMs: 60_000 };
const BY_POLL = { settleMs: 5, pollMs: 10 };

function watched(path: string, times: { settleMs: number; pollMs: number }, onChange = async () => {}) {
  const calls: string[] = [];
  const watching = watchFile(path, {
    known: signatureOf(path),
    onChange: () => {
      calls.push(signatureOf(path));
      return onChange();
    },
    ...times,
  });
  onTestFinished(() => watching.close());
  return { calls, watching };
}

/** The file of a ConfigMap: a link to a link, and a change replaces the link between. */
function configMap() {
  const directory = temporaryDirectory();
  const version = (name: string, text: string) => {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'config.yaml'), text);
    symlinkSync(name, join(directory, '..data.new'));
    renameSync(join(directory, '..data.new'), join(directory, '..data'));
  };
  version('..1', 'a');
  symlinkSync('..data/config.yaml', join(directory, 'config.yaml'));
  return { path: join(directory, 'config.yaml'), version };
}

describe.each([
  ['by an event', BY_EVENT],
  ['by the poll', BY_POLL],
])('%s', (_, times) => {
  function plainFile() {
    const path = join(temporaryDirectory(), 'config.yaml');
    writeFileSync(path, 'a');
    return path;
  }

  test('a write in place is noticed', async () => {
    const path = plainFile();
    const { calls } = watched(path, times);
    writeFileSync(path, 'changed');
    await expect.poll(() => calls.at(-1)).toBe(signatureOf(path));
  });

  test('a file that takes its place is noticed', async () => {
    const path = plainFile();
    const { calls } = watched(path, times);
    writeFileSync(`${path}.new`, 'a');
    renameSync(`${path}.new`, path);
    await expect.poll(() => calls.at(-1)).toBe(signatureOf(path));
  });

  test('its deletion and its return are noticed', async () => {
    const path = plainFile();
    const { calls } = watched(path, times);
    rmSync(path);
    await expect.poll(() => calls.at(-1)).toBe('missing');
    writeFileSync(path, 'b');
    await expect.poll(() => calls.at(-1)).toBe(signatureOf(path));
  });

  test('another version of a ConfigMap is noticed', async () => {
    const { path, version } = configMap();
    const { calls } = watched(path, times);
    version('..2', 'b');
    await expect.poll(() => calls.at(-1)).toBe(signatureOf(path));
    version('..3', 'c');
    await expect.poll(() => calls.at(-1)).toBe(signatureOf(path));
  });

  test('a write to the target of a link is noticed', async () => {
    const path = plainFile();
    const link = join(temporaryDirectory(), 'config.yaml');
    symlinkSync(path, link);
    const { calls } = watched(link, times);
    writeFileSync(path, 'changed');
    await expect.poll(() => calls.at(-1)).toBe(signatureOf(path));
  });

  test('other files of the directory are not', async () => {
    const path = plainFile();
    const { calls } = watched(path, times);
    const other = watched(`${path}.other`, times);
    writeFileSync(`${path}.other`, 'x');
    await expect.poll(() => other.calls.length).toBeGreaterThan(0);
    expect(calls).toEqual([]);
  });
});

test('a change that could not be used is tried again', async () => {
  const path = join(temporaryDirectory(), 'config.yaml');
  let failures = 2;
  const { calls } = watched(path, BY_POLL, async () => {
    if (failures-- > 0) throw new Error('not yet');
  });
  writeFileSync(path, 'a');
  await expect.poll(() => calls.length).toBe(3);
});

test('many writes one after another are one change', async () => {
  const path = join(temporaryDirectory(), 'config.yaml');
  const { calls } = watched(path, { settleMs: 40, pollMs: 5 });
  for (let i = 0; i < 20; i++) {
    writeFileSync(path, 'x'.repeat(i));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await expect.poll(() => calls.at(-1)).toBe(signatureOf(path));
  expect(calls.length).toBeLessThanOrEqual(2);
});

test('after close, nothing is noticed', async () => {
  const path = join(temporaryDirectory(), 'config.yaml');
  const closed = watched(path, { settleMs: 1, pollMs: 2 });
  closed.watching.close();
  const open = watched(path, { settleMs: 5, pollMs: 5 });
  writeFileSync(path, 'a');
  await expect.poll(() => open.calls.length).toBe(1);
  expect(closed.calls).toEqual([]);
});

test('a configuration follows its file by itself, in each thread', async () => {
  const file = processWithFile(withKeys(KEY_A));
  const threads = [await file.thread(BY_EVENT), await file.thread(BY_POLL)];
  file.write(withKeys(KEY_A, KEY_B));
  for (const live of threads) await expect.poll(() => live.current().clientKeys.length).toBe(2);
  expect(file.messages().filter((msg) => msg.endsWith('was reloaded')).length).toBe(1);
});
