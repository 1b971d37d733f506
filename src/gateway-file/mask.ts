import { z } from 'zod';
import { DomainError } from '../lib/failure.ts';
import { isYamlProblem, readDocument } from './document.ts';
import { fileSchema } from './schema.ts';

const MASK = '********';

/** Fields of the schema whose values are secret. */
const SECRET_NAME = /(?:key|secret|password|token)s?$/i;

/** The operator knows clients by their keys, and `tls.key` is a path. */
const SHOWN: ReadonlySet<string> = new Set(['api-keys', 'key']);

/** Fields of other programs that may have a number as a secret. */
const SENSITIVE_NAME = /key|secret|pass|pwd|token|cred|auth|cookie|header/i;

/** Up to the last "@", because a password may have any other character in it. */
const USER_OF_URL = /\/\/\S*@/g;

/**
 * The file as plain values, with each secret hidden: also those of fields that the gateway does not use.
 * @throws DomainError `gateway_config_invalid` when it is not YAML
 */
export function maskedConfig(text: string): unknown {
  const read = readDocument(text);
  if (!isYamlProblem(read)) return masked(fileSchema, read.value ?? {}, '');
  const { sentence } = read;
  // An empty answer would look like an empty file.
  throw new DomainError({ code: 'gateway_config_invalid', reason: 'invalid_yaml', field: '', sentence });
}

/** The same for fields of the file. */
export const maskedFields = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  maskedObject(fileSchema, fields);

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const maskedObject = ({ shape }: z.ZodObject, value: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(value).map(([name, inner]): [string, unknown] => [
      name,
      Object.hasOwn(shape, name) ? masked(shape[name], inner, name) : hidden(inner, name),
    ]),
  );

/** What stands where the schema expects something else is hidden: it may be a secret at the wrong place. */
function masked(schema: z.core.$ZodType | undefined, value: unknown, name: string): unknown {
  if (schema instanceof z.ZodOptional) return masked(schema.def.innerType, value, name);
  if (schema instanceof z.ZodArray && Array.isArray(value))
    return value.map((item) => masked(schema.def.element, item, name));
  if (schema instanceof z.ZodObject && isObject(value)) return maskedObject(schema, value);
  const isText = schema instanceof z.ZodString || schema instanceof z.ZodUnknown;
  if (isText && typeof value === 'string' && (SHOWN.has(name) || !SECRET_NAME.test(name)))
    return value.replaceAll(USER_OF_URL, `//${MASK}@`);
  return hidden(value, name);
}

/** What is not set is no secret, and a number is one only where its name says so. */
function hidden(value: unknown, name: string): unknown {
  if (value === '' || value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number' && !SENSITIVE_NAME.test(name)) return value;
  if (Array.isArray(value)) return value.map((item) => hidden(item, name));
  if (!isObject(value)) return MASK;
  return Object.fromEntries(
    Object.entries(value).map(([each, inner]) => [each, hidden(inner, `${name}.${each}`)]),
  );
}
