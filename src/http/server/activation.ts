import { StartupError } from '../../lib/startup-error.ts';
import type { InheritedSocket } from './bind.ts';

/** The first descriptor that systemd passes: sd_listen_fds(3). */
const FIRST_DESCRIPTOR = 3;

/**
 * The socket that systemd has opened for this process.
 * @throws StartupError when there is none, or more than one
 */
export function activatedSocket(
  { LISTEN_FDS: count, LISTEN_PID: pid }: Readonly<Record<string, string | undefined>>,
  ownPid: number,
): InheritedSocket {
  if (count === undefined || Number(pid) !== ownPid)
    throw new StartupError(
      'KEYHEARTH_LISTEN is systemd, but systemd has passed no socket to this process; start it with keyhearth.socket.',
    );
  if (count !== '1')
    throw new StartupError(`systemd has passed ${count} sockets; leave one in keyhearth.socket.`);
  return { descriptor: FIRST_DESCRIPTOR };
}
