/** Where the service is, as this browser sees it. A proxy may add a path in front. */
export const ROOT = new URL('../../', import.meta.url);

/** The path of the dashboard, without a slash at the end. */
export const BASE = new URL('dashboard', ROOT).pathname;
