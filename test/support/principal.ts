import { everyScope } from '../../src/keys/scopes.ts';
import { KeyId } from '../../src/lib/brand.ts';
import type { KeyPrincipal } from '../../src/lib/principal.ts';

/** A key that holds everything, as a request sees it. */
export const keyPrincipal = (id = 1, label = ''): KeyPrincipal => ({
  kind: 'key',
  id: KeyId(id),
  label,
  owner: '',
  scopes: everyScope,
  rateLimits: [],
  maxConcurrent: null,
  rootId: KeyId(id),
  account: null,
});
