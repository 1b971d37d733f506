import type { Logger } from '../../lib/logger.ts';
import { isNews, type News } from '../../lib/news.ts';
import { type CertificateFiles, expiryOf, followCertificate, type KeyPair } from './certificate.ts';

export type KeptCertificate = Readonly<{
  /** Reads the files now, and does not wait until they settle. */
  reload(): Promise<void>;
  close(): void;
}>;

type Kept = Readonly<{
  /** For the log: "the certificate of the gateway". */
  name: string;
  /** Where the files are now. */
  files: () => CertificateFiles;
  /** What the threads have logged. */
  said: News;
  logger: Logger;
  /** Called with the time at which the certificate expires, in milliseconds since 1970, and again after a change. */
  onExpiry: (expiresAt: number) => void;
}>;

/** Keeps the certificate of a server like its files. Of the threads that serve together, one logs what has changed. */
export function keepCertificate(
  server: { useCertificate(pair: KeyPair): void },
  first: KeyPair,
  { name, files, said, logger, onExpiry }: Kept,
): KeptCertificate {
  onExpiry(expiryOf(first));
  return followCertificate(first, {
    files,
    onChange(next) {
      server.useCertificate(next);
      onExpiry(expiryOf(next));
      if (isNews(said, next.cert.toString('latin1'))) logger.info(`${name} was reloaded`);
    },
    onProblem(sentence) {
      const problem = `${name} was not reloaded, and the last one stays: ${sentence}`;
      if (isNews(said, problem)) logger.warn(problem);
    },
  });
}
