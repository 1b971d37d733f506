import { createHmac } from 'node:crypto';
import type { BcryptPool } from '../keys/bcrypt-pool.ts';
import { DomainError } from '../lib/failure.ts';
import type { Visitor } from './sessions.ts';

const MIN_LENGTH = 12;
const MAX_LENGTH = 512;

let commonPasswords: ReadonlySet<string> | undefined;

/** The list is read when the first password is set, because that would make each start longer. */
async function isCommon(password: string): Promise<boolean> {
  if (!commonPasswords) {
    const { dictionary } = await import('@zxcvbn-ts/language-common');
    commonPasswords = new Set(dictionary['passwords-common']);
  }
  return commonPasswords.has(password);
}

/** Two ways to type a character are one password (NIST SP 800-63B-4, section 3.1.1.2). */
const normalized = (password: string) => password.normalize('NFKC');

/** The input for bcrypt: 44 characters for any password. bcrypt ignores everything after byte 72. */
const bcryptInputOf = (password: string) =>
  createHmac('sha256', 'keyhearth:password:v1').update(normalized(password)).digest('base64');

/** What is wrong with a new password; undefined when it is good enough. There are no rules of composition. */
export async function weaknessOf(password: string): Promise<string | undefined> {
  const length = [...normalized(password)].length;
  if (length < MIN_LENGTH) return `must have at least ${MIN_LENGTH} characters`;
  if (length > MAX_LENGTH) return `must have at most ${MAX_LENGTH} characters`;
  if (normalized(password).trim() === '') return 'must not be spaces alone';
  if (await isCommon(normalized(password).toLowerCase())) return 'is one of the most common passwords';
  return undefined;
}

/**
 * @param path the field of the request
 * @throws DomainError `invalid_request` for a password that is too short, too long or too common
 */
export async function assertAcceptable(password: string, path = 'password'): Promise<void> {
  const message = await weaknessOf(password);
  if (message !== undefined) throw new DomainError({ code: 'invalid_request', errors: [{ path, message }] });
}

/** Whether two texts are the same password. */
export const isSamePassword = (one: string, other: string): boolean => normalized(one) === normalized(other);

/** Who waits for bcrypt: all addresses of one IPv6 network are one client. */
export const waiterOf = ({ address, lockoutKey }: Pick<Visitor, 'address' | 'lockoutKey'>): string =>
  lockoutKey ?? address;

/** The cost in a bcrypt hash: `$2b$12$...`. */
const costOf = (stored: string) => Number(stored.split('$')[2]);

export type Passwords = ReturnType<typeof createPasswords>;

/** Hashes and compares passwords in the threads of the keys. `client` waits, and the clients are served in turn. */
export function createPasswords(bcrypt: Pick<BcryptPool, 'hash' | 'find' | 'cost'>) {
  /** For an e-mail address without an account, so that the answer takes as long as for a wrong password. */
  let hashOfNobody: Promise<string> | undefined;

  const hash = (client: string, password: string): Promise<string> =>
    bcrypt.hash({ client, isPassword: true, input: bcryptInputOf(password) });

  return {
    /** @throws DomainError what `assertAcceptable` throws */
    async hash(client: string, password: string, path?: string): Promise<string> {
      await assertAcceptable(password, path);
      return hash(client, password);
    },

    /** A new hash of a right password, when the cost of the stored one is not the present cost. */
    async renewed(client: string, password: string, stored: string): Promise<string | undefined> {
      return costOf(stored) === bcrypt.cost ? undefined : hash(client, password);
    },

    /** Whether a password is that of an account. Without an account, it takes the same time. */
    async matches(client: string, password: string, stored: string | undefined): Promise<boolean> {
      if (password.length > 4 * MAX_LENGTH) return false;
      // The first attempt waits for it, whatever the e-mail address.
      hashOfNobody ??= hash(client, 'the password of nobody').catch((error: unknown) => {
        hashOfNobody = undefined;
        throw error;
      });
      const ofNobody = await hashOfNobody;
      const hashes = [stored ?? ofNobody];
      const found = await bcrypt.find({ client, isPassword: true, input: bcryptInputOf(password), hashes });
      return found === 0 && stored !== undefined;
    },
  };
}
