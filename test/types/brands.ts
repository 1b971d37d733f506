import type { fingerprinter } from '../../src/keys/digests.ts';
import { hintOf } from '../../src/keys/key-format.ts';
import type { createKeyService } from '../../src/keys/service.ts';
import { findKey } from '../../src/keys/store.ts';
import { Fingerprint, KeyId, RawKey } from '../../src/lib/brand.ts';

/** Compiled, never run: swapping an id, a raw key and a fingerprint must not compile. */

type Key = ReturnType<typeof createKeyService>;
declare const keys: Key;
declare const db: Parameters<typeof findKey>[0];
declare const fingerprintOf: ReturnType<typeof fingerprinter>;

const rawKey = RawKey('raw');
const fingerprint = Fingerprint('digest');
const id = KeyId(1);
const viewer = { api: 'core', principal: { kind: 'key', account: null } } as const;

fingerprintOf(rawKey) satisfies Fingerprint;
hintOf(rawKey);
void findKey(db, id);
void keys.get(id, viewer);

// @ts-expect-error a fingerprint is not a raw key
fingerprintOf(fingerprint);
// @ts-expect-error a fingerprint has no hint
hintOf(fingerprint);
// @ts-expect-error a raw key is not a fingerprint
rawKey satisfies Fingerprint;
// @ts-expect-error plain text is not a raw key
fingerprintOf('raw');
// @ts-expect-error a number is not an id
void findKey(db, 1);
// @ts-expect-error the actor is a principal, not an id
void keys.rename(id, 'label', id);
// @ts-expect-error an id is not a limit's cursor in text
void keys.list(10, '1');
