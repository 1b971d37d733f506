import { z } from '@hono/zod-openapi';
import { DEFAULT_SORT, SORTS } from '../../keys/cursor.ts';
import { PREFIX_PATTERN } from '../../keys/key-format.ts';
import { isVisible, MAX_LABEL_LENGTH } from '../../keys/label.ts';
import { MAX_SCOPE_LENGTH, SCOPE_PATTERN } from '../../keys/scopes.ts';
import { Scope } from '../../lib/brand.ts';
import { accountId } from './account-schemas.ts';
import { KeySchema } from './key-schemas.ts';
import { DEFAULT_PAGE, nextCursor, once, pageSize, pageSizeOf } from './page-schemas.ts';

/** What a client can ask of a list of keys. */

const MAX_CURSOR_LENGTH = 100;

const inQuery = (name: string, description: string) => ({
  param: { name, in: 'query' as const, description },
});

const part = (name: string, description: string) =>
  z
    .string(once)
    .refine((text) => text !== '' && [...text].length <= MAX_LABEL_LENGTH, {
      error: `must be 1 to ${MAX_LABEL_LENGTH} characters`,
      abort: true,
    })
    .refine(isVisible, {
      error: 'must be well-formed Unicode without control, direction or other invisible characters',
    })
    .optional()
    .openapi({ ...inQuery(name, description), type: 'string', minLength: 1, maxLength: MAX_LABEL_LENGTH });

const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.string(once).pipe(z.enum(values, { error: `must be ${listed(values)}` }));

const listed = (values: readonly string[]) => `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;

const STATUSES = ['active', 'inactive', 'expired'] as const;
const SOURCES = ['registered', 'created', 'imported', 'config'] as const;

export const ListQuerySchema = z.strictObject({
  label: part('label', 'Keys whose label contains this text, in upper or lower case'),
  owner: part('owner', 'Keys whose owner contains this text, in upper or lower case'),
  status: oneOf(STATUSES)
    .optional()
    .openapi({ ...inQuery('status', 'Keys with this status'), type: 'string', enum: [...STATUSES] }),
  scope: z
    .string(once)
    .max(MAX_SCOPE_LENGTH, { error: `must be at most ${MAX_SCOPE_LENGTH} characters`, abort: true })
    .regex(SCOPE_PATTERN, { error: 'must be one scope, like invoices:read' })
    .transform(Scope)
    .optional()
    .openapi({
      ...inQuery('scope', 'Keys that have exactly this scope in their list. Wildcards are not expanded'),
      type: 'string',
      pattern: SCOPE_PATTERN.source,
    }),
  source: oneOf(SOURCES)
    .optional()
    .openapi({ ...inQuery('source', 'Keys that came here in this way'), type: 'string', enum: [...SOURCES] }),
  prefix: z
    .string(once)
    .regex(PREFIX_PATTERN, {
      error: 'must be 2 to 16 lower-case letters, digits and underscores, and begin with a letter',
    })
    .optional()
    .openapi({
      ...inQuery('prefix', 'Generated keys whose prefix is exactly this'),
      type: 'string',
      pattern: PREFIX_PATTERN.source,
    }),
  account_id: accountId()
    .optional()
    .openapi({
      ...inQuery('account_id', 'Keys that belong to this account'),
      type: 'string',
      format: 'uuid',
    }),
  sort: oneOf(SORTS as [(typeof SORTS)[number], ...typeof SORTS])
    .prefault(DEFAULT_SORT)
    .openapi({
      ...inQuery(
        'sort',
        'The order of the keys. With `-` in front, the largest value comes first. A key that was never used is older than all others. A key that never expires comes after all others',
      ),
      type: 'string',
      enum: SORTS,
      default: DEFAULT_SORT,
    }),
  limit: pageSize().prefault(String(DEFAULT_PAGE)).openapi(pageSizeOf('keys')),
  cursor: z
    .string(once)
    .max(MAX_CURSOR_LENGTH, { error: 'must be the next_cursor of an earlier page' })
    .optional()
    .openapi({
      ...inQuery('cursor', 'The `next_cursor` of the previous page. It belongs to its sort'),
      type: 'string',
    }),
});

export const KeyPageSchema = z
  .object({
    keys: z.array(KeySchema).openapi({ description: 'Keys, in the order of `sort`' }),
    next_cursor: nextCursor('LWNyZWF0ZWRfYXQgMTcxMjM0NTY3ODEyMyA0MQ'),
  })
  .openapi('KeyPage');
