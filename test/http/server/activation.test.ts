import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { activatedSocket } from '../../../src/http/server/activation.ts';
import { bind } from '../../../src/http/server/bind.ts';
import { temporaryDirectory } from '../../support/keyhearth.ts';

const OWN_PID = 7;
const socket = (LISTEN_FDS?: string, LISTEN_PID = String(OWN_PID)) =>
  activatedSocket({ LISTEN_FDS, LISTEN_PID }, OWN_PID);

test('the socket that systemd passes is the descriptor 3', () => {
  expect(socket('1')).toEqual({ descriptor: 3 });
});

test.each([
  [undefined, '7', /no socket to this process/],
  // A child inherits the variables of its parent.
  ['1', '8', /no socket to this process/],
  ['1', '', /no socket to this process/],
  ['0', '7', /passed 0 sockets/],
  ['2', '7', /passed 2 sockets/],
  ['01', '7', /passed 01 sockets/],
  ['one', '7', /passed one sockets/],
])('LISTEN_FDS=%s LISTEN_PID=%s is refused', (count, pid, sentence) => {
  expect(() => socket(count, pid)).toThrow(sentence);
});

test.each(['/dev/null', 'a file'])(
  'a descriptor that is no socket is refused in a sentence: %s',
  async (name) => {
    const path = name.startsWith('/') ? name : join(temporaryDirectory(), name);
    const descriptor = openSync(path, 'a');
    const server = createServer();
    onTestFinished(() => {
      server.close();
      closeSync(descriptor);
    });
    await expect(bind(server, { descriptor })).rejects.toThrow(/socket of systemd cannot be used \(EINVAL\)/);
  },
);
