import { errorCode } from './error-code.ts';

/** Why the process cannot start, in one sentence that says what to do. */
export class StartupError extends Error {
  constructor(sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = 'StartupError';
  }
}

export const diskFull = (path: string) =>
  new StartupError(`The disk of ${path} is full; make room and start again.`);

/**
 * Why a file cannot be used.
 * @param sentence for an error that is neither a StartupError nor a full disk
 */
export function fileError(error: unknown, path: string, sentence: string): StartupError {
  if (error instanceof StartupError) return error;
  // The disk has no space or no room for another file, or the quota of the user is used up.
  if (['ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '')) return diskFull(path);
  return new StartupError(sentence);
}
