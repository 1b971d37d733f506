/** So much is held of all long bodies and messages together. */
const ALL_BYTES = 256 * 1024 * 1024;

/** What one body or one side of a WebSocket holds. It begins with nothing. */
export type Reservation = Readonly<{
  /** Says how much it holds from now on. @returns false when not so much is left; then nothing has changed */
  resize(bytes: number): boolean;
}>;

/** Opens a reservation of a client: the first key of its chain of rotations, or 0 while no key is needed. */
export type ByteBudget = (client: number) => Reservation;

/** Opens a budget. A client gets a quarter of it, so that one alone cannot use it up. */
export function createByteBudget(total = ALL_BYTES, share = total / 4): ByteBudget {
  let taken = 0;
  const byClient = new Map<number, number>();
  return (client) => {
    let held = 0;
    return {
      resize(bytes) {
        const more = bytes - held;
        const ofClient = (byClient.get(client) ?? 0) + more;
        if (more > 0 && (taken + more > total || ofClient > share)) return false;
        taken += more;
        held = bytes;
        if (ofClient === 0) byClient.delete(client);
        else byClient.set(client, ofClient);
        return true;
      },
    };
  };
}
