/** Which database, and how it is used. */
export type DatabaseLocation =
  | Readonly<{ engine: 'sqlite'; path: string }>
  | Readonly<{
      engine: 'postgres';
      /** With its password. */
      url: string;
      /** Connections of each worker, besides the one that listens. */
      pool: number;
      /** Whether keys may be cached between requests. */
      cache: boolean;
    }>;

/** `postgres://host:port/database`: the parts of a URL that are not secret. */
export function displayName(location: DatabaseLocation): string {
  if (location.engine === 'sqlite') return location.path;
  const { hostname, port, pathname } = new URL(location.url);
  return `postgres://${hostname}${port && `:${port}`}${pathname}`;
}
