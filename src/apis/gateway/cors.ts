/**
 * A page of any origin may use the gateway with a key that it has. A browser sends no credential by itself, so this gives
 * a page nothing that a program could not do. `Authorization` must be named: `*` does not stand for it (Fetch standard,
 * CORS protocol).
 */
export const CORS = [
  ...['Access-Control-Allow-Origin', '*'],
  ...['Access-Control-Expose-Headers', '*'],
] as const;

/** The answer to a preflight. */
export const PREFLIGHT = [
  ...['Access-Control-Allow-Origin', '*'],
  ...['Access-Control-Allow-Methods', 'GET, POST, PUT, PATCH, DELETE, OPTIONS'],
  ...['Access-Control-Allow-Headers', 'Authorization, *'],
  ...['Access-Control-Max-Age', '7200'],
] as const;
