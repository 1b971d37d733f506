import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { BcryptPool } from '../../keys/bcrypt-pool.ts';
import type { FailureOf } from '../../lib/failure.ts';
import { isFromThisMachine } from '../../lib/this-machine.ts';
import type { Lockout } from '../../lockout/lockout.ts';
import type { ReadHeader } from '../authenticator.ts';

/** Which secret opened the management API. The audit log names it. */
export type ManagementSecret = 'secret-key' | 'MANAGEMENT_PASSWORD' | 'KEYHEARTH_GATEWAY_LOCAL_PASSWORD';

/** What the file of the gateway says now. */
type InFile = Readonly<{ secretHash: string | null; allowRemote: boolean }>;

export type ManagementAuthParts = {
  inFile: () => InFile;
  /** Replaces the secret of the file. */
  password: string | undefined;
  /** Works from this machine only. */
  localPassword: string | undefined;
  bcrypt: Pick<BcryptPool, 'find'>;
  lockout: Lockout;
  /** For the pages in browsers of this machine, so that none can ban its programs. */
  pageLockout: Lockout;
};

export type ManagementRequest = Readonly<{
  /** The address of the connection. */
  peer: string | undefined;
  headers: Readonly<Record<string, unknown>>;
  header: ReadHeader;
  /** The address that failures count for. */
  address: string;
  /** A page in a browser of this machine sends it. */
  isFromLocalPage: boolean;
}>;

type Refused = FailureOf<'management_refused'>;
export type ManagementAuthentication =
  | { state: 'authenticated'; by: ManagementSecret }
  | { state: 'refused'; failure: Refused };

const refused = (reason: Refused['reason'], retryAfter = 0): ManagementAuthentication => ({
  state: 'refused',
  failure: { code: 'management_refused', reason, retryAfter },
});

/** `Authorization` decides when it is there. It may have the secret without a scheme, as some clients send it. */
function readSecret(header: ReadHeader): string {
  const authorization = header('authorization')
    ?.trim()
    .replace(/^bearer(?: +|$)/i, '');
  if (authorization) return authorization;
  return header('x-management-key')?.trim() ?? '';
}

/** bcrypt ignores what follows, so a longer secret would match another one. */
const MAX_BCRYPT_BYTES = 72;
const MAX_REMEMBERED = 1_000;

/** Compares a secret with bcrypt hashes. bcrypt takes long, so it runs once for a secret. */
function createHashCheck(bcrypt: Pick<BcryptPool, 'find'>) {
  const key = randomBytes(32);
  const digestOf = (secret: string, hash: string) =>
    createHmac('sha256', key).update(`${hash} ${secret}`).digest();
  let accepted: Buffer | undefined;
  const wrong = new LRUCache<string, true>({ max: MAX_REMEMBERED });
  /** Requests with one secret at the same time share one comparison. */
  const underWay = new Map<string, Promise<boolean>>();

  async function compare(secret: string, hash: string, client: string): Promise<boolean> {
    // Anybody can send a secret, as with passwords.
    const isValid = (await bcrypt.find({ client, isPassword: true, input: secret, hashes: [hash] })) === 0;
    const digest = digestOf(secret, hash);
    if (isValid) accepted = digest;
    else wrong.set(digest.toString('base64'), true);
    return isValid;
  }

  return async (secret: string, hash: string, client: string): Promise<boolean> => {
    if (Buffer.byteLength(secret) > MAX_BCRYPT_BYTES) return false;
    const digest = digestOf(secret, hash);
    if (accepted && timingSafeEqual(accepted, digest)) return true;
    const name = digest.toString('base64');
    if (wrong.has(name)) return false;
    const comparing =
      underWay.get(name) ?? compare(secret, hash, client).finally(() => underWay.delete(name));
    underWay.set(name, comparing);
    return comparing;
  };
}

const sha256 = (text: string) => createHash('sha256').update(text).digest();

/** Takes the same time for every secret. */
const isEqual = (one: string, other: string | undefined) =>
  other !== undefined && timingSafeEqual(sha256(one), sha256(other));

/**
 * Makes the function that decides whether a request may use the management API. The order of its checks is that of the
 * original: whether there is a secret at all, the ban, whether others than this machine may come, the secret.
 */
export function createManagementAuth({
  inFile,
  password,
  localPassword,
  bcrypt,
  ...lockouts
}: ManagementAuthParts) {
  const matchesHash = createHashCheck(bcrypt);

  async function secretOf(secret: string, isFromHere: boolean, client: string) {
    const { secretHash } = inFile();
    if (isFromHere && isEqual(secret, localPassword)) return 'KEYHEARTH_GATEWAY_LOCAL_PASSWORD';
    if (password !== undefined) return isEqual(secret, password) ? 'MANAGEMENT_PASSWORD' : undefined;
    if (secretHash === null) return undefined;
    return (await matchesHash(secret, secretHash, client)) ? 'secret-key' : undefined;
  }

  return {
    /** Without a secret, nobody may use the management API, and it does not show that it exists. */
    isEnabled: (): boolean =>
      password !== undefined || localPassword !== undefined || inFile().secretHash !== null,

    /** For an API that is enabled. */
    async authenticate(request: ManagementRequest): Promise<ManagementAuthentication> {
      const { address, header } = request;
      const lockout = request.isFromLocalPage ? lockouts.pageLockout : lockouts.lockout;
      const banned = lockout.retryAfter(address);
      if (banned > 0) return refused('banned', banned);
      const isFromHere = isFromThisMachine(request);
      if (!isFromHere && !inFile().allowRemote) return refused('remote');
      const secret = readSecret(header);
      if (secret === '') return refused('missing');
      const attempt = { address, credential: secret };
      const outcome = await lockout.reserve(attempt, async () => {
        const by = await secretOf(secret, isFromHere, address);
        const recorded = lockout.record(attempt, by ? 'valid' : 'invalid');
        if (recorded.state === 'locked') return recorded;
        return by ? ({ state: 'authenticated', by } as const) : refused('wrong');
      });
      return outcome.state === 'locked' ? refused('banned', outcome.retryAfter) : outcome;
    },
  };
}

export type ManagementAuth = ReturnType<typeof createManagementAuth>;
