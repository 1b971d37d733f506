import type { Command } from 'commander';
import { containsNetwork, parseNetwork } from '../../lib/network.ts';
import type { Context } from '../context.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { time } from '../format.ts';
import { type Column, table } from '../table.ts';

type Lockout = { kind: string; address: string; failures: number; locked_until: number | null };

const columns: readonly Column<Lockout>[] = [
  { title: 'ADDRESS', of: ({ address }) => address },
  { title: 'KIND', of: ({ kind }) => kind },
  { title: 'FAILURES', of: ({ failures }) => failures },
  {
    title: 'LOCKED UNTIL',
    of: ({ locked_until }) => time(locked_until, 'not locked'),
    style: ({ locked_until }) => (locked_until === null ? undefined : 'red'),
  },
];

/** The service lists no more. */
const LONGEST_LIST = 1_000;

/** A list names the network of an IPv6 address. */
function isOf(listed: string, asked: string): boolean {
  const [network, part] = [parseNetwork(listed), parseNetwork(asked)];
  return network && part ? containsNetwork(network, part) : listed === asked.trim().toLowerCase();
}

/** Shows who is locked out, and ends lockouts. */
export function addLockouts(program: Command, context: Context): void {
  const { request, output } = context;
  const lockouts = program.command('lockouts').description('see who is locked out, and end lockouts');

  const list = () => request<{ lockouts: Lockout[] }>({ method: 'GET', path: 'auth/lockouts' });

  lockouts
    .command('list')
    .description('list the locked addresses, and those with failed attempts')
    .action(async () => {
      const found = await list();
      output.print(found.lockouts, (paint) => table(columns, found.lockouts, paint));
    });

  lockouts
    .command('clear')
    .argument('<address>', 'an IP address, a network of the list, or an e-mail address')
    .description('end the lockouts of an address, and forget its failed attempts')
    .addHelpText(
      'after',
      '\nExamples:\n  keyhearth lockouts clear 198.51.100.7\n  keyhearth lockouts clear ops@example.com',
    )
    .action(async (address: string) => {
      const { lockouts: before } = await list();
      // Other replicas may know failed attempts, so they hear of it in any case.
      await request({ method: 'DELETE', path: `auth/lockouts/${encodeURIComponent(address)}` });
      if (before.length < LONGEST_LIST && !before.some((lockout) => isOf(lockout.address, address)))
        throw new CommandError(
          `${address} was not locked out, and had no failed attempts; see keyhearth lockouts list.`,
          EXIT.notFound,
        );
      output.done(`Ended the lockouts of ${address}.`, { address });
    });
}
