import { isYamlProblem, readDocument } from './document.ts';

const MASK = '********';

/** Fields whose values are secret, wherever they are. */
const SECRET_NAME = /(?:key|secret|password|token|credential|auth|authorization|cookie)s?$/i;

/** The keys of clients are shown: the operator knows clients by them. These fields are no secrets. */
const SHOWN = new Set(['api-keys', 'ws-auth', 'tls.key']);

/** Lists and groups whose names sound like secrets, and which have secrets in them. */
const SECTIONS = new Set(['gemini-api-key', 'claude-api-key', 'codex-api-key', 'upstream-api-keys']);

const USER_OF_URL = /\/\/[^/@\s]+@/g;

/** The file as plain values, with each secret hidden: also those of fields that the gateway does not use. */
export function maskedConfig(text: string): unknown {
  const read = readDocument(text);
  return isYamlProblem(read) ? {} : masked(read.value ?? {}, []);
}

/** The same for fields of the file. */
export const maskedFields = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, maskedField(value, [name])]));

function masked(value: unknown, path: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => masked(item, path));
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, maskedField(inner, [...path, name])]),
    );
  return typeof value === 'string' ? value.replaceAll(USER_OF_URL, `//${MASK}@`) : value;
}

function maskedField(value: unknown, path: readonly string[]): unknown {
  const name = path.at(-1) ?? '';
  if (SHOWN.has(name) || SHOWN.has(path.join('.')) || SECTIONS.has(name)) return masked(value, path);
  // Somebody may put any header there.
  if (SECRET_NAME.test(name) || path.includes('headers')) return hidden(value);
  return masked(value, path);
}

/** What is not set is no secret. */
function hidden(value: unknown): unknown {
  if (value === '' || value === null || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(hidden);
  if (typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, hidden(inner)]));
  return MASK;
}
