/** Which database, and how it is to be used. */
export type DatabaseLocation =
  | Readonly<{ engine: 'sqlite'; path: string }>
  | Readonly<{
      engine: 'postgres';
      /** With its password. */
      url: string;
      /** Connections of each worker, besides the one that listens. */
      pool: number;
      /** Whether what keys are may be remembered between requests. */
      cache: boolean;
    }>;

/** `postgres://host:port/database`: what may be read by anybody of a URL that has a password in it. */
export function nameOf(location: DatabaseLocation): string {
  if (location.engine === 'sqlite') return location.path;
  const { hostname, port, pathname } = new URL(location.url);
  return `postgres://${hostname}${port && `:${port}`}${pathname}`;
}
