import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** The shortest queue that Linux keeps without a warning. It has room for one connection more. */
const BACKLOG = 1;
const PLACES = BACKLOG + 1;
/** On average, so many of them reach this listener. */
const ATTEMPTS_FOR_EACH_LISTENER = 2 * PLACES;

/** Ports to connect from. 0 means any port. */
export type LocalPorts = readonly number[];

export const ANY_PORTS: LocalPorts = Array.from({ length: PLACES }, () => 0);

/** Methods of Node that are not public. */
type Handle = { listen(backlog: number): number; getpeername(address: object): number };

const handleOf = (owner: object) => (owner as { _handle?: Partial<Handle> | null })._handle;

const isConnected = (socket: Socket) => handleOf(socket)?.getpeername?.({}) === 0;

/** Lets the system queue as few new connections as possible. */
export const shortenQueue = (server: Server): void => void handleOf(server)?.listen?.(BACKLOG);

/** The default of Node. */
export const lengthenQueue = (server: Server): void => void handleOf(server)?.listen?.(511);

/**
 * Watches for packets of handshakes that the system drops because the queue of a listener is full.
 * @returns whether it may have dropped the last packet of a client of this port since. Always false where the system does
 * not say it
 */
export function watchHandshakes(port: number): () => boolean {
  const before = counters();
  return () => {
    const now = counters();
    if (now.overflows === before.overflows) return false;
    // The system counts for all listeners together. It also counts first packets, whose clients know that they wait.
    return now.cookies !== before.cookies || isMidHandshake(port);
  };
}

/** https://docs.kernel.org/networking/snmp_counter.html. A handshake with a cookie is in no table. */
function counters(): { overflows: number; cookies: number } {
  const [names = [], values = []] = (readIfThere('/proc/net/netstat') ?? '')
    .split('\n', 2)
    .map((line) => line.split(' '));
  const counted = (name: string) => Number(values[names.indexOf(name)] ?? 0);
  return { overflows: counted('ListenOverflows'), cookies: counted('SyncookiesSent') };
}

/** Whether the last packet of some client of this port is missing. True where the system does not say it. */
function isMidHandshake(port: number): boolean {
  const tables = ['/proc/net/tcp', '/proc/net/tcp6'].map(readIfThere).filter((table) => table !== undefined);
  return tables.length === 0 || tables.some((table) => listsHandshake(table, port));
}

/** Whether a table as in proc_net_tcp(5) lists a connection of this local port in the state 3: SYN_RECV. */
export function listsHandshake(table: string, port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return new RegExp(`^ *\\d+: [0-9A-F]+:${hex} [0-9A-F:]+ 03 `, 'm').test(table);
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}

/**
 * Fills the short queue of a listener with connections of this process, before the event loop accepts again. While the
 * queue is full, the system does not answer clients that connect.
 * @param from ports that lead to this listener
 * @param mayStay whether the queue may stay full
 * @returns true if the queue is full, and has no other connection. Otherwise it stays as it was
 */
export async function fillQueue(
  address: AddressInfo,
  from: LocalPorts,
  mayStay: () => boolean,
): Promise<boolean> {
  const sockets = from.map((localPort) => connectTo(address, localPort));
  // Node connects in the next tick.
  await new Promise<void>((resolve) => process.nextTick(resolve));
  if (sockets.every(isConnected) && mayStay()) return true;
  for (const socket of sockets) {
    if (isConnected(socket)) socket.resetAndDestroy();
    else socket.destroy();
  }
  return false;
}

/**
 * Finds ports from which connections reach this listener, and no other one of the same address. Linux chooses by both
 * addresses, and chooses again when the number of listeners changes.
 * @param listeners the number of listeners
 */
export async function portsTo(server: Server, listeners: number, giveUpAt: number): Promise<LocalPorts> {
  const address = server.address() as AddressInfo;
  const reached = new Set<number | undefined>();
  const remember = ({ remotePort }: Socket) => reached.add(remotePort);
  server.on('connection', remember);
  const sockets: Socket[] = [];
  const found = () => sockets.map(({ localPort }) => localPort).filter((port) => reached.has(port));
  while (found().length < PLACES && performance.now() < giveUpAt) {
    const attempts = Array.from({ length: listeners * ATTEMPTS_FOR_EACH_LISTENER }, () => connectTo(address));
    sockets.push(...attempts);
    while (attempts.some(({ connecting }) => connecting) && performance.now() < giveUpAt) await nextTurn();
  }
  server.off('connection', remember);
  const ports = found().slice(0, PLACES);
  for (const socket of sockets) socket.resetAndDestroy();
  return ports.filter((port) => port !== undefined);
}

function connectTo({ address, port }: AddressInfo, localPort = 0): Socket {
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[address] ?? address;
  return connect({ host, port, localAddress: host, localPort }).on('error', () => undefined);
}
