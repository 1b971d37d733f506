/** Where the service is, as this browser sees it. A proxy may add a path in front. */
export const ROOT = new URL('../../', import.meta.url);

/** Its address, as people write it: without a slash at the end. */
export const ORIGIN = ROOT.href.replace(/\/$/, '');

/** The path of the dashboard, without a slash at the end. */
export const BASE = new URL('dashboard', ROOT).pathname;
