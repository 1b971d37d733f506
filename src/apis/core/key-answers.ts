import { CreatedKeySchema, KeySchema } from './key-schemas.ts';

/** What several routes of keys answer and take, for OpenAPI. */

export const aKey = {
  description: 'The key as it is now',
  content: { 'application/json': { schema: KeySchema } },
};

export const aNewKey = {
  description: 'The new key, with the raw key',
  headers: {
    Location: {
      description: 'The path of the new key',
      schema: { type: 'string' as const },
      example: '/auth/keys/2',
    },
  },
  content: { 'application/json': { schema: CreatedKeySchema } },
};

/** Without a body, the validator does not run, so its defaults are missing. */
export const graceOf = ({ grace = 0 }: Readonly<{ grace?: number }>) => grace;
