import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { canBeNobody, keyhearthAsNobody, NOBODY } from '../cli/command.ts';
import {
  FIRST_KEY,
  type Process,
  register,
  spawnProcess,
  startProcess,
  startService,
  temporaryDirectory,
} from '../support/keyhearth.ts';
import { isRoot } from '../support/root.ts';

const SECRET_FILE = join(import.meta.dirname, '../../src/lib/secret-file.ts');

const GROUP = 4711;
const OTHER_USER = 4712;

/** What Kubernetes does to a volume at each mount when a pod has an `fsGroup`. */
function mountWithGroup(dataDir: string): void {
  for (const path of [dataDir, ...readdirSync(dataDir).map((name) => join(dataDir, name))]) {
    const { mode, uid } = statSync(path);
    if (isRoot) chownSync(path, uid, GROUP);
    chmodSync(path, (mode & 0o7777) | (path === dataDir ? 0o2770 : 0o660));
  }
}

function modesIn(dataDir: string): string[] {
  const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);
  return [modeOf(dataDir), ...new Set(readdirSync(dataDir).map((name) => modeOf(join(dataDir, name))))];
}

async function end({ child, ended }: Process, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  await ended;
}

async function refusalOf(dataDir: string): Promise<string> {
  const { ended, stderr } = spawnProcess({ KEYHEARTH_DATA_DIR: dataDir });
  expect(await ended).toBe(1);
  return stderr();
}

test('a volume whose group got rights at each mount: they are taken away, and the service starts', async () => {
  const dataDir = temporaryDirectory();
  const env = { KEYHEARTH_DATA_DIR: dataDir };
  const first = await startProcess(env);
  await register(first.send);
  await end(first, 'SIGKILL');
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    mountWithGroup(dataDir);
    const again = await startProcess(env);
    expect(modesIn(dataDir)).toEqual(['700', '600']);
    expect((await again.send({ path: '/auth/keys', key: FIRST_KEY })).status).toBe(200);
    await end(again, signal);
  }
});

test.skipIf(!isRoot)('files that another user put into such a volume stop the start', async () => {
  const dataDir = temporaryDirectory();
  await (await startService({ dataDir })).close();
  mountWithGroup(dataDir);
  const database = join(dataDir, 'keyhearth.db');
  chownSync(database, OTHER_USER, GROUP);
  expect(await refusalOf(dataDir)).toBe(
    `keyhearth: Other users could write to ${dataDir}, so its files may be theirs; check the files, then run: chmod 700 ${dataDir}\n`,
  );
  expect(statSync(database).mode & 0o777).toBe(0o660);
});

test.skipIf(!isRoot)('a volume of another user stops the start, and says what to set', async () => {
  const dataDir = temporaryDirectory();
  chownSync(dataDir, OTHER_USER, GROUP);
  expect(await refusalOf(dataDir)).toMatch(/belongs to another user; start Keyhearth as that user\.$/m);
});

test.skipIf(!canBeNobody).each([
  ['755', ''],
  ['777', 'set KEYHEARTH_DATA_DIR to a directory in it, or '],
])('a folder of root with mode %s stops the start of another user, and says what to do', (mode, other) => {
  const dataDir = temporaryDirectory();
  chmodSync(dataDir, Number.parseInt(mode, 8));
  const { status, stderr } = keyhearthAsNobody(dataDir, 'serve');
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: `keyhearth: ${dataDir} belongs to another user; ${other}give it to this user: chown ${NOBODY} "${dataDir}"\n`,
  });
});

test.each(['640', '620'])('a pepper of our own with mode %s loses the rights of its group', async (mode) => {
  const dataDir = temporaryDirectory();
  const pepper = join(temporaryDirectory(), 'pepper');
  writeFileSync(pepper, 'ab'.repeat(32));
  chmodSync(pepper, Number.parseInt(mode, 8));
  const env = { KEYHEARTH_DATA_DIR: dataDir, KEYHEARTH_PEPPER_FILE: pepper };
  await end(await startProcess(env), 'SIGTERM');
  expect(statSync(pepper).mode & 0o777).toBe(0o600);
});

/** Reads a secret as an ordinary user of the group. */
function readAsUser(path: string): string {
  const script = `
    const { readSecretFile } = await import(${JSON.stringify(SECRET_FILE)});
    process.setgroups([${GROUP}]);
    process.setgid(${OTHER_USER});
    process.setuid(${OTHER_USER});
    try {
      console.log(readSecretFile(${JSON.stringify(path)}, 'The pepper'));
    } catch ({ message }) {
      console.log(message);
    }`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).stdout;
}

test.skipIf(!isRoot).each([
  ['440', /^geheim$/m],
  ['640', /^geheim$/m],
  [
    '444',
    /can be read or changed by other users; give it to the user 4712 with mode 0400.*Docker.*defaultMode/,
  ],
  ['460', /can be read or changed by other users; give it to the user 4712/],
  ['400', /Cannot read .* \(EACCES\); check its permissions/],
])('a mounted secret of root with mode %s: %s', (mode, expected) => {
  const directory = temporaryDirectory();
  const path = join(directory, 'secret');
  writeFileSync(path, 'geheim\n');
  chownSync(path, 0, GROUP);
  chmodSync(path, Number.parseInt(mode, 8));
  chmodSync(directory, 0o755);
  expect(readAsUser(path)).toMatch(expected);
});
