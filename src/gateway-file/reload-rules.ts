import { isSeq } from 'yaml';
import { isLoopbackHost } from '../lib/network.ts';
import type { FileProblem } from './config.ts';
import type { ParsedFile } from './parse.ts';
import type { LoadedState } from './reload-memory.ts';

/** Rules that hold when a file takes the place of another one. */

const refused = (field: string, sentence: string): FileProblem => ({
  kind: 'invalid_config',
  line: undefined,
  field,
  sentence,
});

/** The process keeps its address, whatever the file says about it now. */
export function faultOfAddress({ config }: ParsedFile, { boundHost }: LoadedState): FileProblem | undefined {
  if (config.clientKeys.length > 0 || config.allowUnauthenticatedRemote || isLoopbackHost(boundHost))
    return undefined;
  return refused(
    'api-keys',
    'api-keys must have a key until the next start, because the gateway listens on an address that is no loopback address.',
  );
}

/** A file must not open the gateway because its list of keys is forgotten, or has a typing mistake in its name. */
export function faultOfMissingKeys(
  { config, document }: ParsedFile,
  hadKeys: boolean,
): FileProblem | undefined {
  if (!hadKeys || config.clientKeys.length > 0 || isSeq(document.get('api-keys'))) return undefined;
  return refused(
    'api-keys',
    'api-keys is missing, although the last file had keys. Perhaps its name has a typing mistake. If everybody who reaches the gateway may use it, write "api-keys: []".',
  );
}

/**
 * Whether a file that somebody else wrote seems to end too early. A part of a file must neither open the gateway, nor make a
 * part of a key a key.
 */
export function faultOfTornFile(
  text: string,
  parsed: ParsedFile,
  before: LoadedState,
): FileProblem | undefined {
  const { clientKeys } = parsed.config;
  const missing = faultOfMissingKeys(parsed, before.config.clientKeys.length > 0);
  if (missing) return missing;
  if (text.endsWith('\n')) return undefined;
  const lastLine = text.slice(text.lastIndexOf('\n') + 1).trimEnd();
  const last = clientKeys.at(-1)?.rawKey;
  const isNewKey =
    last !== undefined &&
    lastLine.endsWith(last) &&
    !before.config.clientKeys.some(({ rawKey }) => rawKey === last);
  const isPartOfLine =
    lastLine.trim() !== '' &&
    before.text
      .split('\n')
      .some((line) => line.startsWith(lastLine) && line.trimEnd().length > lastLine.length);
  if (isNewKey || isPartOfLine)
    return refused('', 'The last line seems to be incomplete; end the file with a line break.');
  return undefined;
}
