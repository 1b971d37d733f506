/** A URL has each IPv4 address in four numbers. A name may begin like one. */
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[?::1\]?)$/;

/** Whether a host of a URL or of a setting is this machine. An IPv6 address may have brackets. */
export const isLoopbackHost = (host: string): boolean => LOOPBACK.test(host);
