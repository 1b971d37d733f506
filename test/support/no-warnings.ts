import type { ProxyWarnings } from '../../src/http/proxy-warnings.ts';

/** For tests that are not about warnings. */
export const noWarnings: ProxyWarnings = { untrusted: () => undefined, unreadable: () => undefined };
