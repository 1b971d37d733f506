import { z } from '@hono/zod-openapi';

/** What all lists in pages have in common. */

const MAX_PAGE = 1_000;
export const DEFAULT_PAGE = 100;

/** A query parameter that has one value. */
export const once = { error: 'must be given once' };

const size = { error: `must be a whole number from 1 to ${MAX_PAGE}` };

/** The number of entries in a page, from the query. */
export const pageSize = () =>
  z
    .string(once)
    .regex(/^[1-9]\d{0,3}$/, size)
    .transform(Number)
    .refine((limit) => limit <= MAX_PAGE, size);

/** How OpenAPI describes it. */
export const pageSizeOf = (entries: string) => ({
  param: {
    name: 'limit',
    in: 'query' as const,
    description: `The largest number of ${entries} in the page. A page is at most about one megabyte, so it can have fewer`,
  },
  type: 'integer' as const,
  minimum: 1,
  maximum: MAX_PAGE,
  default: DEFAULT_PAGE,
});

export const nextCursor = (example: string) =>
  z
    .string()
    .optional()
    .openapi({ description: 'The `cursor` of the next page. Absent on the last page', example });
