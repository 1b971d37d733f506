import type { KeyPrincipal } from '../../lib/principal.ts';

/** So much is held of all long bodies and messages together. */
const ALL_BYTES = 256 * 1024 * 1024;

/** What one body or one side of a WebSocket holds. It begins with nothing. */
export type Reservation = Readonly<{
  /** Says how much it holds from now on. @returns false when not so much is left; then nothing has changed */
  resize(bytes: number): boolean;
}>;

/** Who shares one part of the budget. */
export type BudgetClient = `account ${string}` | `key ${number}` | 'no key';

/** Opens a reservation of a client. */
export type ByteBudget = (client: BudgetClient) => Reservation;

/** All keys of an account are one client. Without an account, it is the chain of rotations of the key. */
export function budgetClientOf(
  principal: Pick<KeyPrincipal, 'account' | 'rootId'> | undefined,
): BudgetClient {
  if (!principal) return 'no key';
  const { account, rootId } = principal;
  return account ? `account ${account.id}` : `key ${rootId}`;
}

/**
 * Opens a budget. A client gets a quarter of it, and at most half of what it leaves free. So a few clients cannot use
 * it up. Of 256 MiB, the first two greedy clients hold 64 MiB each. Each next one holds a third of the rest: 43, 28, 19,
 * 13 and 8 MiB.
 */
export function createByteBudget(total = ALL_BYTES, share = total / 4): ByteBudget {
  let taken = 0;
  const byClient = new Map<BudgetClient, number>();
  return (client) => {
    let held = 0;
    return {
      resize(bytes) {
        const more = bytes - held;
        const ofClient = (byClient.get(client) ?? 0) + more;
        const free = total - taken - more;
        if (more > 0 && ofClient > Math.min(share, free / 2)) return false;
        taken += more;
        held = bytes;
        if (ofClient === 0) byClient.delete(client);
        else byClient.set(client, ofClient);
        return true;
      },
    };
  };
}
