import type { Protocol } from '../gateway-file/config.ts';
import type { Credential } from './credential.ts';

/** The credentials that a model may be asked with, and the prefix to remove from its name. */
export type Route = Readonly<{ pool: readonly Credential[]; prefix: string | null }>;

/** A token has the name of its file, and the file says nothing about the provider. */
const isSameProvider = (one: Credential, other: Credential): boolean =>
  one.isToken && other.isToken
    ? one.origin === other.origin && one.basePath === other.basePath
    : one.name === other.name;

/** The credentials by what a request names: its protocol, and the prefix of its model. */
export function createRoutes(credentials: readonly Credential[]) {
  const ofProtocol = Object.groupBy(credentials, ({ protocol }) => protocol);
  const prefixes = new Map<string, Credential[]>();
  for (const credential of credentials) {
    if (credential.prefix === null) continue;
    const known = prefixes.get(credential.prefix);
    if (known) known.push(credential);
    else prefixes.set(credential.prefix, [credential]);
  }
  const pools = new Map<string, readonly Credential[]>();

  /** One list for each pool, so that its credentials take turns. */
  function poolOf(key: string, find: () => readonly Credential[]): readonly Credential[] {
    const known = pools.get(key);
    if (known) return known;
    const pool = find();
    pools.set(key, pool);
    return pool;
  }

  /** A prefix may be shared. Then the protocol of the path decides, and else that of the first credential. */
  function withPrefix(protocol: Protocol, prefix: string): readonly Credential[] {
    const all = prefixes.get(prefix) ?? [];
    const chosen = all.some((credential) => credential.protocol === protocol) ? protocol : all[0]?.protocol;
    return all.filter((credential) => credential.protocol === chosen);
  }

  /** Providers of the protocol of OpenAI have different models, so only the credentials of the first one take turns. */
  function withoutPrefix(protocol: Protocol): readonly Credential[] {
    const all = (ofProtocol[protocol] ?? []).filter(({ prefix }) => prefix === null);
    const [first] = all;
    return protocol === 'openai' && first ? all.filter((each) => isSameProvider(each, first)) : all;
  }

  return {
    /** Finds the credentials for a model. A part of its name that is no prefix belongs to the name. */
    route(protocol: Protocol, model: string | null): Route {
      const slash = model?.indexOf('/') ?? -1;
      const prefix = slash > 0 ? (model?.slice(0, slash) ?? '') : '';
      if (prefixes.has(prefix))
        return { pool: poolOf(`${protocol} ${prefix}`, () => withPrefix(protocol, prefix)), prefix };
      return { pool: poolOf(protocol, () => withoutPrefix(protocol)), prefix: null };
    },
  };
}
