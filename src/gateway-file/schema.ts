import { z } from 'zod';
import { hidesAddress, parseBaseUrl, parseHttpUrl } from '../lib/base-url.ts';

/** The fields of `config.yaml`, as they are written. Messages name no value: most of them are secret. */

const missingOr = (message: string) => (issue: { input?: unknown }) =>
  issue.input === undefined ? 'is missing' : message;

const text = () => z.string({ error: missingOr('must be text; put it into quotes') });
const flag = () => z.boolean({ error: missingOr('must be true or false') });
const listOf = <Item extends z.ZodType>(item: Item) => z.array(item, { error: missingOr('must be a list') });
const fields = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.object(shape, { error: missingOr('must have fields with names') });

const SECRET = 'printable ASCII characters without spaces';

/** Nothing in it can begin another header. */
const secret = () => text().regex(/^[\x21-\x7e]{1,4096}$/, { error: `must be 1 to 4096 ${SECRET}` });

const secretOrNone = () => text().regex(/^[\x21-\x7e]{0,4096}$/, { error: `must be at most 4096 ${SECRET}` });

const prefix = () =>
  text()
    .regex(/^(?:[\x21-\x2e\x30-\x7e]{1,64})?$/, {
      error: 'must be at most 64 printable ASCII characters without spaces and slashes',
    })
    .optional();

const PORT = 'must be a whole number from 1 to 65535';

const BASE_URL = 'must be an http or https URL without user name, password, query and fragment';
const HIDDEN = 'must have the address of its host in its usual form, such as 169.254.169.254';

const baseUrlError = ({ input }: { input?: unknown }) => (hidesAddress(String(input)) ? HIDDEN : BASE_URL);

/** An address to which paths are added. */
const baseUrl = () =>
  text().refine((written) => parseBaseUrl(written) !== undefined, { error: baseUrlError });

/** Empty, it stands for the default. */
const baseUrlOrNone = () =>
  text()
    .refine((written) => written === '' || parseBaseUrl(written) !== undefined, { error: baseUrlError })
    .optional();

/** An address of an authorization server or of this one. It may have a query. */
const url = () =>
  text()
    .refine((written) => written === '' || parseHttpUrl(written) !== undefined, {
      error: 'must be an http or https URL without user name and password',
    })
    .optional();

const path = () => text().regex(/^[^\0]{0,4096}$/, { error: 'must be a path' });

/** Everybody can read the file that it names, so it must not name a secret. */
const page = () =>
  text().regex(/^(?:[^\0]{0,4091}\.html)?$/i, { error: 'must be a path that ends in ".html"' });

const credential = () =>
  fields({
    'api-key': secret(),
    prefix: prefix(),
    'base-url': baseUrlOrNone(),
  });

const openaiCompatibility = () =>
  fields({
    name: text()
      .regex(/^[\x20-\x7e]{1,200}$/, { error: 'must be 1 to 200 printable ASCII characters' })
      .optional(),
    disabled: flag().optional(),
    prefix: prefix(),
    'base-url': baseUrl(),
    'api-key-entries': listOf(fields({ 'api-key': secretOrNone().optional() })).optional(),
  });

const oauth = () =>
  fields({
    'client-id': text().optional(),
    'client-secret': text().optional(),
    'authorize-url': url(),
    'token-url': url(),
    scopes: listOf(text().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, { error: 'must be a scope' })).optional(),
    'redirect-url': url(),
    'base-url': baseUrlOrNone(),
    prefix: prefix(),
  }).optional();

export const fileSchema = fields({
  host: text()
    .regex(/^[\w.:[\]%-]{0,253}$/, { error: 'must be an IP address or a host name' })
    .optional(),
  port: z.int({ error: PORT }).min(0, { error: PORT }).max(65_535, { error: PORT }).optional(),
  tls: fields({ enable: flag().optional(), cert: path().optional(), key: path().optional() }).optional(),
  'api-keys': listOf(text()).optional(),
  'allow-unauthenticated-remote': flag().optional(),
  'auth-dir': path().optional(),
  'ws-auth': flag().optional(),
  'remote-management': fields({
    'allow-remote': flag().optional(),
    'secret-key': text().optional(),
    'disable-control-panel': flag().optional(),
    'panel-file': page().optional(),
    'panel-github-repository': z.unknown().optional(),
  }).optional(),
  ampcode: fields({
    'upstream-url': baseUrlOrNone(),
    'upstream-api-key': secretOrNone().optional(),
    'upstream-api-keys': listOf(
      fields({ 'upstream-api-key': secret(), 'api-keys': listOf(text()) }),
    ).optional(),
  }).optional(),
  'gemini-api-key': listOf(credential()).optional(),
  'claude-api-key': listOf(credential()).optional(),
  'codex-api-key': listOf(credential()).optional(),
  'openai-compatibility': listOf(openaiCompatibility()).optional(),
  oauth: fields({
    anthropic: oauth(),
    codex: oauth(),
    google: oauth(),
    iflow: oauth(),
    antigravity: oauth(),
  }).optional(),
});

/** The values of the file that this service uses. */
export type FileValues = z.infer<typeof fileSchema>;

/** The names of all fields, wherever they are. */
export const FIELD_NAMES: ReadonlySet<string> = new Set(namesIn(fileSchema));

function namesIn(schema: z.core.$ZodType): string[] {
  if (schema instanceof z.ZodObject)
    return Object.entries(schema.shape).flatMap(([name, inner]) => [name, ...namesIn(inner)]);
  if (schema instanceof z.ZodOptional) return namesIn(schema.def.innerType);
  if (schema instanceof z.ZodArray) return namesIn(schema.def.element);
  return [];
}
