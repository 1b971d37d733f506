import type { InferResponseType } from 'hono/client';
import type { api } from './api.ts';

export type Key = InferResponseType<typeof api.auth.keys.$get, 200>['keys'][number];
