import type { InferResponseType } from 'hono/client';
import type { api } from './api.ts';

export type Key = InferResponseType<typeof api.auth.keys.$get, 200>['keys'][number];

/** What people call a key. */
export const nameOf = ({ label, id }: Pick<Key, 'label' | 'id'>) => label || `Key ${id}`;
