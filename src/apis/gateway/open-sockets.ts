import type { LiveConfig } from '../../gateway-file/live.ts';
import type { KeyUse } from '../../keys/recheck.ts';
import type { Bridge } from './socket-bridge.ts';

const PING_EVERY_MS = 30_000;
const CHECK_KEYS_EVERY_MS = 5_000;

const POLICY_VIOLATION = 1008;
const GOING_AWAY = 1001;

/** A WebSocket, and the key that it was opened with; undefined when it needed none. */
export type OpenSocket = Readonly<{ bridge: Bridge; key: KeyUse | undefined }>;

export type OpenSockets = ReturnType<typeof trackOpenSockets>;

/**
 * Tracks the open WebSockets, and closes those that may no longer be open.
 * @param findInvalid returns the keys that are no longer valid
 */
export function trackOpenSockets(
  live: Pick<LiveConfig, 'current' | 'onChange'>,
  findInvalid: (keys: readonly KeyUse[]) => Promise<ReadonlySet<KeyUse>>,
) {
  const sockets = new Set<OpenSocket>();

  const closeWhere = (isOver: (socket: OpenSocket) => boolean, code: number, reason: string) => {
    for (const socket of sockets) if (isOver(socket)) socket.bridge.close(code, reason);
  };

  function closeWithoutKey(): void {
    const { wsAuth, clientKeys } = live.current();
    if (!wsAuth || clientKeys.length === 0) return;
    closeWhere(({ key }) => key === undefined, POLICY_VIOLATION, 'An API key is needed now.');
  }

  /** While the database cannot be read, nothing is closed: new requests are refused then. */
  async function checkKeys(): Promise<void> {
    const keys = [...sockets].flatMap(({ key }) => key ?? []);
    if (keys.length === 0) return;
    const invalid = await findInvalid(keys).catch(() => new Set<KeyUse>());
    closeWhere(({ key }) => key !== undefined && invalid.has(key), POLICY_VIOLATION, 'Invalid API key.');
  }

  live.onChange(() => {
    closeWithoutKey();
    // A key that left the file is revoked already.
    void checkKeys();
  });

  const timers = [
    setInterval(() => {
      for (const { bridge } of sockets) bridge.ping();
    }, PING_EVERY_MS),
    setInterval(() => {
      closeWithoutKey();
      void checkKeys();
    }, CHECK_KEYS_EVERY_MS),
  ].map((timer) => timer.unref());

  return {
    size: () => sockets.size,
    add: (socket: OpenSocket) => void sockets.add(socket),
    remove: (socket: OpenSocket) => void sockets.delete(socket),
    closeAll: () => closeWhere(() => true, GOING_AWAY, 'The gateway stops.'),
    close(): void {
      for (const timer of timers) clearInterval(timer);
    },
  };
}
