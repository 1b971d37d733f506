import { readDocument } from '../gateway-file/document.ts';
import { readGatewayFile } from '../gateway-file/file.ts';
import { isProblem, parseGatewayFile } from '../gateway-file/parse.ts';
import type { KeySettings } from '../keys/key.ts';
import { MIN_DECLARED_LENGTH, MIN_KEY_LENGTH } from '../keys/key-format.ts';
import { toLabel } from '../keys/label.ts';
import { GATEWAY_USE } from '../keys/scopes.ts';
import { isMissing } from '../lib/private-files.ts';
import { type Item, missingFile, UnreadableFile } from './record.ts';
import { readRawKey } from './secret.ts';

/** The keys of clients in a file of CLI Proxy API. */
export type CliProxyFile = Readonly<{ items: readonly Item[]; warnings: readonly string[] }>;

/**
 * Reads the keys that clients use, and no credential of an upstream. They get what a declared key has: the gateway.
 * A look-up treats a key of 8 characters like any other, so short keys can be imported too.
 * @throws UnreadableFile
 */
export function readCliProxy(path: string): CliProxyFile {
  if (isMissing(path)) throw missingFile();
  const content = readGatewayFile(path);
  if (isProblem(content)) throw new UnreadableFile(content.sentence);
  // Paths in the file are of no interest here.
  const parsed = parseGatewayFile(content.text, { directory: '/', home: '/' });
  if (isProblem(parsed)) throw new UnreadableFile(parsed.sentence);
  const lineOf = lines(content.text);
  const items = parsed.config.clientKeys.map(({ rawKey, label }): Item => {
    const place = lineOf(rawKey);
    const secret = readRawKey(rawKey, MIN_DECLARED_LENGTH);
    if (typeof secret === 'string') return { place, field: 'api-keys', reason: secret };
    const settings: KeySettings = {
      ...{ label: toLabel(label), owner: '', scopes: [GATEWAY_USE], expiresAt: null },
      ...{ allowedIps: [], rateLimits: [], maxConcurrent: null, metadata: {} },
    };
    return { place, key: { secret, settings, isActive: true, createdAt: null } };
  });
  const short = parsed.config.clientKeys.filter(({ rawKey }) => rawKey.length < MIN_KEY_LENGTH);
  const warnings = short.map(
    ({ rawKey }) =>
      `Line ${lineOf(rawKey)}: the key has fewer than ${MIN_KEY_LENGTH} characters. It works, but is easier to guess; replace it by a longer one.`,
  );
  return { items, warnings };
}

/** The line of a key; 0 for one that the file has by reference only. */
function lines(text: string): (rawKey: string) => number {
  const read = readDocument(text);
  const listed = 'value' in read ? (read.value as { 'api-keys'?: unknown } | null)?.['api-keys'] : undefined;
  const keys = Array.isArray(listed) ? listed : [];
  return (rawKey) => ('lineOf' in read ? read.lineOf(['api-keys', keys.indexOf(rawKey)]) : undefined) ?? 0;
}
