import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import { expiringCache } from '../lib/lazily.ts';

/** The proofs of all clients, those that wait and those that run. */
const MAX_PROOFS = 32;

/** How long the hashes count that a client has caused. */
const SPENT_MS = 3_600_000;
const MAX_REMEMBERED = 10_000;

/** Runs one step of a proof, when it is the turn of its client. @param hashes how many it compares */
export type TakeTurn = <Result>(hashes: number, step: () => Promise<Result>) => Promise<Result>;

type Proof = {
  client: string;
  /** How many hashes it compares at most. */
  cost: number;
  /** How many hashes its client has spent, and may spend for the proofs before this one. */
  rank: number;
  /** Whether somebody waits for its result. */
  isWanted: () => boolean;
  /** Its step that waits. */
  waiting: { start: () => void; refuse: () => void } | undefined;
  isRefused: boolean;
};

/**
 * Shares threads between long proofs, which anybody can cause from many addresses. A proof has steps. The next step is
 * always one of the client that has spent least in the last hour on proofs that found nothing. So a client without such
 * proofs waits for other clients like it only. A client has one proof at a time.
 *
 * A proof whose clients are gone continues while nobody else needs its thread or its place, because a client that gave up
 * usually comes back with the same key.
 */
export function createForeignTurns(threads: number, clock: Pick<Clock, 'monotonic'>) {
  const spent = expiringCache<string, number>(clock, { max: MAX_REMEMBERED, ttl: SPENT_MS });
  /** In the order in which they came. */
  const proofs: Proof[] = [];
  let running = 0;

  const spentBy = (client: string) => spent().get(client) ?? 0;

  function isFirstOfClient(proof: Proof): boolean {
    const ofClient = proofs.filter(({ client }) => client === proof.client);
    return proof === (ofClient.find(({ isWanted }) => isWanted()) ?? ofClient[0]);
  }

  function startNext(): void {
    const [next] = proofs
      .filter((proof) => proof.waiting && isFirstOfClient(proof))
      .sort((a, b) => Number(b.isWanted()) - Number(a.isWanted()) || spentBy(a.client) - spentBy(b.client));
    if (running < threads) next?.waiting?.start();
  }

  function takeTurn<Result>(proof: Proof, hashes: number, step: () => Promise<Result>): Promise<Result> {
    const turn = new Promise<void>((resolve, reject) => {
      const start = () => {
        proof.waiting = undefined;
        running++;
        spent().set(proof.client, spentBy(proof.client) + hashes);
        resolve();
      };
      proof.waiting = { start, refuse: () => reject(overloaded()) };
      if (proof.isRefused) proof.waiting.refuse();
      else startNext();
    });
    return turn.then(() => step().finally(ended));
  }

  function ended(): void {
    running--;
    // The same proof can ask for its next step before that.
    setImmediate(startNext);
  }

  /** Without a place, a proof that nobody wants is refused, or else the latest one of the highest rank. */
  function add(proof: Proof): void {
    if (proofs.length >= MAX_PROOFS) {
      const unwanted = proofs.find(({ isWanted }) => !isWanted());
      const last = unwanted ?? proofs.reduce((a, b) => (b.rank >= a.rank ? b : a));
      if (!unwanted && last.rank <= proof.rank) throw overloaded();
      last.isRefused = true;
      last.waiting?.refuse();
      remove(last);
    }
    proofs.push(proof);
  }

  function remove(proof: Proof): void {
    const index = proofs.indexOf(proof);
    if (index !== -1) proofs.splice(index, 1);
    startNext();
  }

  /**
   * Runs a proof. One that finds something costs its client nothing, and forgives the earlier ones.
   * @param cost how many hashes it compares at most
   * @param isWanted whether somebody waits for its result
   * @throws DomainError `overloaded` when there is no place for it
   */
  return async <Found>(
    client: string | undefined,
    cost: number,
    isWanted: () => boolean,
    prove: (takeTurn: TakeTurn) => Promise<Found | undefined>,
  ): Promise<Found | undefined> => {
    const name = client ?? '';
    const others = proofs.filter((other) => other.client === name);
    const rank = others.reduce((sum, other) => sum + other.cost, spentBy(name));
    const proof: Proof = { client: name, cost, rank, isWanted, waiting: undefined, isRefused: false };
    add(proof);
    try {
      const found = await prove((hashes, step) => takeTurn(proof, hashes, step));
      if (found !== undefined) spent().delete(name);
      return found;
    } finally {
      remove(proof);
    }
  };
}

const overloaded = () => new DomainError({ code: 'overloaded', reason: 'hashing', retryAfter: 5 });
