import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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
  'NoNewPrivileges=yes',
  'ProtectSystem=strict',
  'CapabilityBoundingSet=',
  'UMask=0077',
  'StateDirectoryMode=0700',
])('the unit says %s', (line) => {
  expect(text.split('\n')).toContain(line);
});

test('the unit gives the program more than ten seconds to stop', () => {
  expect(Number(/^TimeoutStopSec=(\d+)s$/m.exec(text)?.[1])).toBeGreaterThan(10);
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
