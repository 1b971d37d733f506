import { hc } from 'hono/client';
import type { ExtractSchema } from 'hono/types';
import type document from '../../openapi/openapi.json';
import type { AppType } from '../../src/app.ts';

/**
 * Compiled, never run: a typed client knows every route of the OpenAPI document, and no other. After a change of routes,
 * `npm run generate` brings the document up to date.
 */

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type HonoPath<Path extends string> = Path extends `${infer Before}{${infer Name}}${infer After}`
  ? HonoPath<`${Before}:${Name}${After}`>
  : Path;

type Documented = {
  [Path in keyof typeof document.paths as HonoPath<Path>]: `$${keyof (typeof document.paths)[Path] & string}`;
};
type Typed = { [Path in keyof ExtractSchema<AppType>]: keyof ExtractSchema<AppType>[Path] };

true satisfies Equal<keyof Documented, keyof Typed>;
true satisfies Equal<Documented[keyof Documented], Typed[keyof Documented]>;

const client = hc<AppType>('http://localhost');

const created = await client.auth.keys.$post({ json: { label: 'typed' } });
if (created.status === 201) (await created.json()).raw_key satisfies string;
const verified = await client.auth.verify.$get({ query: {} });
if (verified.ok) (await verified.json()).key.id satisfies number;
await client.auth.keys[':id'].$delete({ param: { id: '1' } });

// @ts-expect-error there is no such route
client.auth.nothing.$get();
// @ts-expect-error the label is text
await client.auth.keys.$post({ json: { label: 1 } });
