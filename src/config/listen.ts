import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { StartupError } from '../lib/startup-error.ts';
import type { Values } from './fields.ts';

const UNIX = 'unix:';

export const listenVariables = {
  KEYHEARTH_LISTEN: z
    .string()
    .refine((text) => text === 'systemd' || (text.startsWith(UNIX) && isAbsolute(text.slice(UNIX.length))), {
      error:
        'must be unix: with an absolute path, for example unix:/run/keyhearth/keyhearth.sock, or systemd',
    })
    .optional()
    .meta({
      description:
        'Where to listen instead of `HOST` and `PORT`: `unix:` and the path of a socket, or `systemd` for a socket that systemd opens. It needs one worker. See [Listen on a Unix socket](unix-socket.md).',
    }),
  KEYHEARTH_SOCKET_MODE: z
    .string()
    .regex(/^0?[67][0-7]{2}$/, { error: 'must be the rights of a file in octal, for example 0660' })
    .default('0660')
    .meta({
      description:
        'The rights of the file of a Unix socket. Who may write to the file may send requests. The default is the user of Keyhearth and its group.',
    }),
};

/** Undefined for a port. */
export type ListenConfig = Readonly<{
  listen: 'systemd' | Readonly<{ path: string; mode: number }> | undefined;
}>;

/** @throws StartupError for several workers, which can share a port and no other socket */
export function listenConfig(env: Values<typeof listenVariables>, workers: number): ListenConfig {
  const { KEYHEARTH_LISTEN: listen, KEYHEARTH_SOCKET_MODE: mode } = env;
  if (listen === undefined) return { listen };
  if (workers > 1)
    throw new StartupError('KEYHEARTH_LISTEN needs one worker; set KEYHEARTH_WORKERS to 1, or use PORT.');
  if (listen === 'systemd') return { listen };
  return { listen: { path: listen.slice(UNIX.length), mode: Number.parseInt(mode, 8) } };
}
