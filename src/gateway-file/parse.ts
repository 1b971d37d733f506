import { isLoopbackHost } from '../lib/network.ts';
import { buildConfig, DEFAULT_HOST, type Place } from './build-config.ts';
import type { FileProblem, GatewayConfig } from './config.ts';
import { type Remark, readDeclaredKeys } from './declared.ts';
import { type FieldPath, isYamlProblem, type ReadDocument, readDocument } from './document.ts';
import { type FileValues, fileSchema } from './schema.ts';
import { findUnknown } from './unknown-fields.ts';

/** Larger files would stop the thread for too long. 10,000 keys need less than 1 MiB. */
export const MAX_FILE_BYTES = 1024 * 1024;

/** bcrypt ignores what follows. */
const MAX_SECRET_BYTES = 72;
const BEGINS_LIKE_A_HASH = /^\$2[aby]\$/;
const BCRYPT_HASH = /^\$2[aby]\$(?:0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}$/;

const SECRET = ['remote-management', 'secret-key'];

export type ParsedFile = Readonly<{
  /** Without a hash of the management key while the file has that key as plain text. */
  config: GatewayConfig;
  plainSecret: string | null;
  /** Sentences. */
  warnings: readonly string[];
  document: ReadDocument['document'];
}>;

export const isProblem = (result: object): result is FileProblem => 'sentence' in result && 'kind' in result;

/** A path as people write it, such as `api-keys[2]`. */
export const nameOf = (path: FieldPath): string =>
  path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');

/** @throws nothing: what is wrong with the text is a `FileProblem`, which has no value of the file in it */
export function parseGatewayFile(text: string, place: Place): ParsedFile | FileProblem {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES)
    return { kind: 'invalid_config', line: undefined, field: '', sentence: 'The file is larger than 1 MiB.' };
  const read = readDocument(text);
  if (isYamlProblem(read)) return { kind: 'invalid_yaml', field: '', ...read };

  const said = ({ path, message, at = path }: Remark): string => {
    const line = read.lineOf(at);
    return `${line === undefined ? '' : `Line ${line}: `}${nameOf(path) || 'The file'} ${message}.`;
  };
  const refused = (remark: Remark): FileProblem => ({
    kind: 'invalid_config',
    line: read.lineOf(remark.path),
    field: nameOf(remark.path),
    sentence: said(remark),
  });

  const { known, unknown } = findUnknown(fileSchema, read.value ?? {});
  const checked = fileSchema.safeParse(known);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    return refused({ path: issue?.path ?? [], message: issue?.message ?? 'is not valid' });
  }
  const file = checked.data;
  const declared = readDeclaredKeys(text, read, file['api-keys'] ?? []);
  if ('path' in declared) return refused(declared);
  const fault = faultBetweenFields(file) ?? secretFault(file);
  if (fault) return refused(fault);

  const secret = file['remote-management']?.['secret-key'] ?? '';
  const isHash = BCRYPT_HASH.test(secret);
  const warnings = [...unknown, ...declared.warnings, ...ampWarnings(file)];
  return {
    config: buildConfig(file, declared.keys, isHash ? secret : null, place),
    plainSecret: isHash || secret === '' ? null : secret,
    warnings: warnings.map(said),
    document: read.document,
  };
}

function faultBetweenFields(file: FileValues): Remark | undefined {
  if (file.tls?.enable === true) {
    for (const field of ['cert', 'key'] as const)
      if (!file.tls[field])
        return { path: ['tls', field], message: 'must be a path while tls.enable is true' };
  }
  const needsKeys =
    !isLoopbackHost(file.host ?? DEFAULT_HOST) && file['allow-unauthenticated-remote'] !== true;
  if (needsKeys && (file['api-keys'] ?? []).length === 0)
    return {
      path: ['api-keys'],
      message: `must have a key while host is no loopback address; without keys, everybody who reaches the gateway may use it (if you want that, set allow-unauthenticated-remote to true)`,
    };
  return undefined;
}

function secretFault(file: FileValues): Remark | undefined {
  const secret = file['remote-management']?.['secret-key'] ?? '';
  if (BEGINS_LIKE_A_HASH.test(secret) && !BCRYPT_HASH.test(secret))
    return {
      path: SECRET,
      message: 'begins like a bcrypt hash and is none; write the management key as plain text',
    };
  if (Buffer.byteLength(secret) > MAX_SECRET_BYTES)
    return { path: SECRET, message: `must have at most ${MAX_SECRET_BYTES} bytes` };
  if (/\p{Cc}/u.test(secret)) return { path: SECRET, message: 'must have no control characters' };
  return undefined;
}

function ampWarnings({ ampcode }: FileValues): Remark[] {
  const seen = new Set<string>();
  const warnings: Remark[] = [];
  for (const [i, { 'api-keys': clients }] of (ampcode?.['upstream-api-keys'] ?? []).entries()) {
    for (const [j, client] of clients.entries()) {
      const path = ['ampcode', 'upstream-api-keys', i, 'api-keys', j];
      if (seen.has(client)) warnings.push({ path, message: 'has an upstream key already, which is used' });
      seen.add(client);
    }
  }
  return warnings;
}
