/** On every answer. */
export const SECURITY_HEADERS = { 'X-Content-Type-Options': 'nosniff' } as const;

/** On every answer that depends on the client, or that a cache must not repeat. */
export const NO_STORE = { 'Cache-Control': 'no-store' } as const;

/** On a page for a browser. @param scriptHashes SHA-256 of each inline script, as base64 */
export const pageHeaders = (scriptHashes: readonly string[]) => ({
  'Content-Security-Policy': [
    "default-src 'none'",
    `script-src ${scriptHashes.map((hash) => `'sha256-${hash}'`).join(' ')}`,
    "style-src 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    'worker-src blob:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Referrer-Policy': 'no-referrer',
});
