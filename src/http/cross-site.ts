/** These methods change nothing (RFC 9110, section 9.2.1). */
const SAFE_METHODS: readonly (string | undefined)[] = ['GET', 'HEAD', 'OPTIONS'];

type Request = Readonly<{
  method?: string | undefined;
  headers: Readonly<Record<string, string | string[] | undefined>>;
}>;

/**
 * Whether a page of another site may have sent an unsafe request. The browser adds the cookie by itself, so the cookie
 * does not show that the person wants the change. A request without `Sec-Fetch-Site` and `Origin` is not from a browser.
 * Another subdomain of the same site is refused too. See https://www.w3.org/TR/fetch-metadata/ and RFC 6454, section 7.
 */
export function isCrossSite({ method, headers }: Request): boolean {
  if (SAFE_METHODS.includes(method)) return false;
  const site = headers['sec-fetch-site'];
  // Browsers send it on HTTPS and on localhost only.
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const { origin, host } = headers;
  return origin !== undefined && hostOf(String(origin)) !== String(host).toLowerCase();
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
