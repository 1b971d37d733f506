import type { InferResponseType } from 'hono/client';
import type { api } from './api.ts';

export type Key = InferResponseType<typeof api.auth.keys.$get, 200>['keys'][number];

/** Whether the file of a gateway decides about the key. */
export const isDeclared = ({ source }: Pick<Key, 'source'>) => source === 'config';

/** What people call a key. */
export const nameOf = ({ label, id }: Pick<Key, 'label' | 'id'>) => label || `Key ${id}`;
