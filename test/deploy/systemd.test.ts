import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/keyhearth.ts';

const UNIT = join(import.meta.dirname, '../../deploy/systemd/keyhearth.service');
const text = readFileSync(UNIT, 'utf8');

/** What the drop-in for the gateway adds. */
const gateway = readFileSync(join(UNIT, '../gateway.conf'), 'utf8');

/** On a scale of 100. */
const MOST_EXPOSURE = 20;

test.each([
  'LimitCORE=0',
  'MemoryMax=75%',
  'NoNewPrivileges=yes',
  'ProtectSystem=strict',
  'CapabilityBoundingSet=',
  'UMask=0077',
  'StateDirectoryMode=0700',
])('the unit says %s', (line) => {
  expect(text.split('\n')).toContain(line);
});

test('the unit gives the program more time to stop than it needs', () => {
  expect(Number(/^TimeoutStopSec=(\d+)s$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(25);
});

test('the gateway finds its file in a directory that its user owns', () => {
  const [, directory] = /^StateDirectory=(.*)$/m.exec(gateway) ?? [];
  expect(gateway).toContain(`KEYHEARTH_GATEWAY_CONFIG=/var/lib/${directory}/config.yaml`);
});

const socket = readFileSync(join(UNIT, '../keyhearth.socket'), 'utf8');
const withSocket = readFileSync(join(UNIT, '../socket.conf'), 'utf8');

test('the service takes the port of the socket, which is the usual one', () => {
  expect(withSocket).toContain('Requires=keyhearth.socket\nAfter=keyhearth.socket\n');
  expect(withSocket).toContain('Environment=KEYHEARTH_LISTEN=systemd\n');
  expect(socket).toContain('ListenStream=127.0.0.1:8800\n');
  expect(socket).toContain('WantedBy=sockets.target\n');
});

/** What as-keyhearth starts, through a link to it as in docs/systemd.md. */
function startedBy(...command: string[]): string[] {
  const folder = temporaryDirectory();
  const link = join(folder, 'as-keyhearth');
  symlinkSync(join(import.meta.dirname, '../../deploy/systemd/as-keyhearth'), link);
  writeFileSync(join(folder, 'systemd-run'), '#!/bin/sh\nprintf "%s\\0" "$@"\n', { mode: 0o755 });
  const env = { PATH: `${folder}:${process.env.PATH}` };
  const { status, stdout, stderr } = spawnSync(link, command, { encoding: 'utf8', env });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\0').slice(0, -1);
}

const settingsOf = (started: readonly string[]) =>
  started.flatMap((option) => /^--property=(.*)$/.exec(option)?.[1] ?? []);

test('a command on the database has the files, the user and the settings of the unit', () => {
  const started = startedBy('backup', '/a file');
  const [program = '', ...command] = started.slice(started.indexOf('/usr/bin/node') + 1);
  expect(command).toEqual(['backup', '/a file']);
  expect(realpathSync(program)).toBe(realpathSync(join(UNIT, '../../../bin/keyhearth.js')));
  const settings = settingsOf(started);
  expect(settings).toContain('User=keyhearth');
  for (const same of ['DynamicUser', 'StateDirectoryMode', 'UMask', 'LimitCORE', 'EnvironmentFile'])
    expect(settings).toContain(new RegExp(`^${same}=.*$`, 'm').exec(text)?.[0]);
  expect(text).toContain(/^--setenv=(.*)$/m.exec(started.join('\n'))?.[1]);
});

test('a backup has a place that is not the place of the pepper, and that the service cannot write', () => {
  const [directories = ''] = settingsOf(startedBy('backup')).filter((each) =>
    each.startsWith('StateDirectory='),
  );
  expect(directories).toBe('StateDirectory=keyhearth keyhearth-backup');
  expect(text).toContain('\nStateDirectory=keyhearth\n');
  expect(readFileSync(join(UNIT, '../../../docs/systemd.md'), 'utf8')).toContain(
    'as-keyhearth backup "/var/lib/keyhearth-backup/',
  );
});

test('a variable takes the key of a command alone, without its messages', () => {
  expect(startedBy('recover')).toEqual(expect.arrayContaining(['--pipe', '--pty', '--quiet', '--wait']));
});

const isInstalled = spawnSync('systemd-analyze', ['--version']).error === undefined;

/** With a Node and a folder that are on this machine. */
function unitForThisMachine(more = ''): string {
  const path = join(temporaryDirectory(), 'keyhearth.service');
  writeFileSync(path, text.replace('/usr/bin/node', process.execPath) + more);
  return path;
}

test.runIf(isInstalled).each([
  ['the unit', ''],
  ['the unit with deploy/systemd/gateway.conf', gateway],
])('systemd finds no mistake in %s', (_, more) => {
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', unitForThisMachine(more)], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test.runIf(isInstalled)('systemd finds no mistake in the settings of a command on the database', () => {
  const path = join(temporaryDirectory(), 'command.service');
  const service = [...settingsOf(startedBy('doctor')), 'ExecStart=/bin/sh'];
  writeFileSync(path, `[Service]\n${service.join('\n')}\n`);
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test.runIf(isInstalled)('systemd finds no mistake in the socket with its unit', () => {
  const folder = dirname(unitForThisMachine());
  writeFileSync(join(folder, 'keyhearth.socket'), socket);
  mkdirSync(join(folder, 'keyhearth.service.d'));
  writeFileSync(join(folder, 'keyhearth.service.d/socket.conf'), withSocket);
  const units = ['keyhearth.socket', 'keyhearth.service'].map((name) => join(folder, name));
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...units], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test.runIf(isInstalled)('systemd finds the unit hardened', () => {
  const { status, stdout } = spawnSync(
    'systemd-analyze',
    ['security', '--offline=yes', `--threshold=${MOST_EXPOSURE}`, unitForThisMachine()],
    { encoding: 'utf8' },
  );
  expect(status, stdout).toBe(0);
});
