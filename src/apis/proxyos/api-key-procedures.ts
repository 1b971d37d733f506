import { z } from 'zod';
import type { ApiKey } from '../../keys/key.ts';
import { isUsable } from '../../keys/key.ts';
import type { KeyListing } from '../../keys/listing.ts';
import { PROXYOS_SCOPE } from '../../keys/proxyos-scopes.ts';
import { ALL_SCOPES } from '../../keys/scopes.ts';
import type { KeyService } from '../../keys/service.ts';
import { KeyId, Scope } from '../../lib/brand.ts';
import type { Clock } from '../../lib/clock.ts';
import { DomainError } from '../../lib/failure.ts';
import { type Actor, clientOf } from '../../lib/principal.ts';
import { SCOPES } from './needs.ts';
import { dateOrNull } from './present.ts';
import { visibleText } from './schemas.ts';
import { procedure, router } from './trpc.ts';

const MS_PER_DAY = 86_400_000;
const PAGE = 1_000;

export type ApiKeyParts = {
  keys: KeyService;
  listing: KeyListing;
  clock: Pick<Clock, 'now'>;
};

/** A field that is not known, such as `expires_in`, would be a limit that does not hold. */
const NewKeySchema = z.strictObject({
  name: visibleText(64).min(1, { error: 'must not be empty' }),
  scopes: z
    .array(z.enum(SCOPES, { error: `must be one of ${SCOPES.join(', ')}` }))
    .min(1, { error: 'must have at least one scope' }),
  expiresInDays: z
    .int({ error: 'must be a whole number' })
    .min(1, { error: 'must be at least 1' })
    .max(3650, { error: 'must be at most 3650' })
    .nullish(),
});

const KeyIdSchema = z.object({
  id: z.union([z.string(), z.number().transform(String)], {
    error: 'must be the id of a key, for example "2"',
  }),
});

/** The scopes that count here, as the clients know them. */
const presentScopes = (scopes: readonly Scope[]) =>
  scopes
    .filter((scope) => scope === ALL_SCOPES || scope.startsWith(PROXYOS_SCOPE))
    .map((scope) => scope.replace(PROXYOS_SCOPE, ''));

const presentKey = (key: ApiKey) => ({
  id: String(key.id),
  name: key.label,
  prefix: key.hint,
  scopes: presentScopes(key.scopes),
  lastUsed: dateOrNull(key.lastUsedAt),
  expiresAt: dateOrNull(key.expiresAt),
  createdAt: new Date(key.createdAt),
});

/** The keys of this API. */
export function apiKeyProcedures({ keys, listing, clock }: ApiKeyParts) {
  /** All of them, the newest first. A page is short, because nothing else runs while SQLite reads it. */
  async function listActive(viewer: Actor): Promise<ApiKey[]> {
    const found: ApiKey[] = [];
    const common = {
      filters: {},
      sort: '-created_at',
      limit: PAGE,
      client: clientOf(viewer.principal),
    } as const;
    let cursor: string | undefined;
    do {
      const page = await listing.list({ ...common, cursor, viewer });
      found.push(...page.keys.filter((key) => isUsable(key, clock.now())));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return found;
  }

  /** Nothing happens for a key that does not exist here, or is revoked already. */
  async function revoke(id: string, actor: Actor): Promise<void> {
    const number = /^[1-9]\d{0,14}$/.test(id) ? Number(id) : undefined;
    if (number === undefined) return;
    await keys.deactivate(KeyId(number), actor).catch((error: unknown) => {
      if (!(error instanceof DomainError) || error.failure.code !== 'api_key_not_found') throw error;
    });
  }

  return router({
    list: procedure('key admin').query(async ({ ctx: { actor } }) =>
      (await listActive(actor)).map(presentKey),
    ),

    create: procedure('key admin')
      .input(NewKeySchema)
      .mutation(async ({ ctx: { actor }, input: { name, scopes, expiresInDays } }) => {
        const wanted = {
          label: name,
          scopes: [...new Set(scopes)].map((scope) => Scope(PROXYOS_SCOPE + scope)),
          ...(typeof expiresInDays === 'number' && { expiresIn: expiresInDays * MS_PER_DAY }),
        };
        const { key, rawKey } = await keys.create(wanted, actor);
        return { id: String(key.id), key: rawKey as string };
      }),

    revoke: procedure('key admin')
      .input(KeyIdSchema)
      .mutation(async ({ ctx: { actor }, input }) => {
        await revoke(input.id, actor);
        return { ok: true };
      }),
  });
}
