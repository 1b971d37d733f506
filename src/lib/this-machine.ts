import { parseAddress } from './network.ts';

/** The headers with which proxies say that they have forwarded a request, or for whom. */
const FORWARDING =
  /^(?:forwarded|via|cdn-loop|x-forwarded(?:-.+)?|x-original-forwarded-for|x-real-ip|(?:cf-|fastly-|fly-|do-)(?:connecting|client)-ip|true-client-ip|x-(?:cluster-)?client-ip|x-envoy-external-address|x-azure-(?:clientip|socketip)|x-appengine-user-ip)$/;

function isLoopback(peer: string | undefined): boolean {
  const text = parseAddress(peer ?? '')?.text;
  return text !== undefined && (text === '::1' || text.startsWith('127.'));
}

/** The sender of a request. `peer`: the address of the connection. */
export type Sender = Readonly<{
  peer: string | undefined;
  headers: Readonly<Record<string, unknown>>;
}>;

/** Whether a program on this machine has sent a request itself. */
export const isFromThisMachine = ({ peer, headers }: Sender): boolean =>
  isLoopback(peer) && !Object.keys(headers).some((name) => FORWARDING.test(name));
