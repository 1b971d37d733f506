import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { errorCode } from '../../lib/error-code.ts';
import { StartupError } from '../../lib/startup-error.ts';

/** The paths of a certificate with its chain, and of its private key. */
export type CertificateFiles = Readonly<{ cert: string; key: string }>;

/** What is in these files. */
export type KeyPair = Readonly<{ cert: Buffer; key: Buffer }>;

const CHECK_EVERY_MS = 1_000;

/**
 * Reads a certificate and its key, and checks that they belong together.
 * @throws StartupError a sentence that names the file
 */
export async function readKeyPair({ cert, key }: CertificateFiles): Promise<KeyPair> {
  const pair = { cert: await read(cert), key: await read(key) };
  const certificate = parse(
    () => new X509Certificate(pair.cert),
    `${cert} is not a certificate in PEM format; make it again or correct its path.`,
  );
  const privateKey = parse(
    () => createPrivateKey(pair.key),
    `${key} is not a private key in PEM format without a passphrase; make it again or correct its path.`,
  );
  if (!certificate.checkPrivateKey(privateKey))
    throw new StartupError(`The key in ${key} does not belong to the certificate in ${cert}; replace one.`);
  parse(() => createSecureContext(pair), `TLS cannot use the certificate in ${cert}; make a stronger one.`);
  return pair;
}

/** When a certificate expires, in milliseconds since 1970. */
export const expiryOf = ({ cert }: KeyPair): number => Date.parse(new X509Certificate(cert).validTo);

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new StartupError(
      `${path} cannot be read (${errorCode(error)}); correct the path or the rights of the file.`,
    );
  }
}

/** The error of OpenSSL says nothing that an operator could use. */
function parse<T>(work: () => T, sentence: string): T {
  try {
    return work();
  } catch {
    throw new StartupError(sentence);
  }
}

type Following = Readonly<{
  /** Where the files are now. */
  files: () => CertificateFiles;
  onChange: (pair: KeyPair) => void;
  /** The files cannot be used, so the last good certificate stays. */
  onProblem: (sentence: string) => void;
  everyMs?: number;
}>;

/**
 * Follows the files of a certificate. It compares what their paths lead to, so that it also sees a symbolic link that
 * leads elsewhere, as in Kubernetes. A program that renews them writes one after the other. So they are a problem only
 * when they are the same for two checks.
 * @param inUse the certificate that is used now
 */
export function followCertificate(inUse: KeyPair, { files, onChange, onProblem, everyMs }: Following) {
  let current = inUse;
  let seen = '';
  let isDecided = false;

  async function check(): Promise<void> {
    const stamp = await stampOf(files());
    const isSettled = stamp === seen;
    if (isSettled && isDecided) return;
    seen = stamp;
    isDecided = await apply(isSettled);
  }

  /** @returns whether nothing is left to do until the files change */
  async function apply(isSettled: boolean): Promise<boolean> {
    try {
      const pair = await readKeyPair(files());
      if (!pair.cert.equals(current.cert) || !pair.key.equals(current.key)) onChange(pair);
      current = pair;
      return true;
    } catch (error) {
      if (!(error instanceof StartupError)) throw error;
      if (isSettled) onProblem(error.message);
      return isSettled;
    }
  }

  /** One check at a time. */
  let checking: Promise<void> | undefined;

  function once(work: () => Promise<void>): Promise<void> {
    checking = work().finally(() => {
      checking = undefined;
    });
    return checking;
  }

  const timer = setInterval(() => void (checking ?? once(check)), everyMs ?? CHECK_EVERY_MS).unref();

  return {
    /** Reads the files now. The person who asks for it has written both of them. */
    async reload(): Promise<void> {
      await checking;
      await once(async () => {
        seen = await stampOf(files());
        isDecided = await apply(true);
      });
    },
    close: () => clearInterval(timer),
  };
}

async function stampOf({ cert, key }: CertificateFiles): Promise<string> {
  const stamps = await Promise.all([cert, key].map(stampOfFile));
  return JSON.stringify([cert, key, ...stamps]);
}

async function stampOfFile(path: string): Promise<readonly unknown[]> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(path);
    return [dev, ino, size, mtimeMs, ctimeMs];
  } catch (error) {
    return [errorCode(error)];
  }
}
