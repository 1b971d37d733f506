/** Where the service is, as this browser sees it. A proxy may add a path in front. */
export const ROOT = new URL('../../', import.meta.url);

/**
 * Whether the path is one that an operator would choose. Some proxies decode `%2f..`, which browsers do not. Then a link
 * of somebody else opens the dashboard below any text, and the dashboard would show that as the address of the service.
 */
export const isPlain = ({ pathname }: URL) => /^[\w.~/-]*$/.test(pathname);

/** Its address, as people write it: without a slash at the end. */
export const ORIGIN = ROOT.href.replace(/\/$/, '');

/** The path of the dashboard, without a slash at the end. */
export const BASE = new URL('dashboard', ROOT).pathname;
