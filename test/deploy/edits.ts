import type { ReverseProxy } from './proxies.ts';

type Edit = (text: string) => string;
type Edits = Record<ReverseProxy['name'], Edit>;

/** A line of the configuration: a sentence has one space after its "#". */
const COMMENTED_OUT = /^\s*#(\S|\t| {2})/;

/** Removes the "#" from the lines below a comment, up to the next line that has none. */
export function uncommentBelow(text: string, comment: RegExp): string {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => comment.test(line)) + 1;
  const count = lines.slice(start).findIndex((line) => !COMMENTED_OUT.test(line));
  if (start === 0 || count < 1) throw new Error(`there is nothing to uncomment below ${comment}`);
  const block = lines.slice(start, start + count).map((line) => line.replace('#', ''));
  return lines.toSpliced(start, count, ...block).join('\n');
}

const allowPreflight: Edit = (text) => uncommentBelow(text, /# CORS preflights carry no key/);

const deleteKeyRemoval: Edit = (text) => text.replace(/(Delete these three lines.*\n)(.*\n){3}/, '$1');

const HAPROXY_LOG = '    log stdout format raw daemon\n';

/** What the comments in the files of deploy/ offer to an operator. */
export const edits: Record<'showKey' | 'allowPreflight' | 'writeAccessLog' | 'askForScope', Edits> = {
  showKey: {
    nginx: (text) =>
      text.replaceAll(
        /(X-Proxbox-API-Key|X-API-Key|Authorization) "";/g,
        (_, name: string) => `${name} $http_${name.toLowerCase().replaceAll('-', '_')};`,
      ),
    caddy: deleteKeyRemoval,
    haproxy: deleteKeyRemoval,
  },
  allowPreflight: { nginx: allowPreflight, caddy: allowPreflight, haproxy: allowPreflight },
  /** nginx writes one unless told otherwise. HAProxy needs two usual lines. */
  writeAccessLog: {
    nginx: (text) => text,
    caddy: (text) => uncommentBelow(text, /# An access log of this site/),
    haproxy: (text) =>
      text
        .replace('global\n', `global\n${HAPROXY_LOG}`)
        .replace('mode http\n', 'mode http\n    log global\n    option httplog\n'),
  },
  /** The changes in docs/scopes.md. */
  askForScope: {
    nginx: (text) => text.replace('/auth/verify?deny=403;', '/auth/verify?deny=403&scope=invoices:read;'),
    caddy: (text) => text.replace('uri /auth/verify?\n', 'uri /auth/verify?scope=invoices:read\n'),
    haproxy: (text) => text.replace('8800/auth/verify unless', '8800/auth/verify?scope=invoices:read unless'),
  },
};
