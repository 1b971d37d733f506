import { api, body } from '../lib/api.ts';
import { ORIGIN, ROOT } from '../lib/base.ts';
import { hrefOf } from '../lib/router.ts';
import { clientSnippets } from '../lib/snippets.ts';
import { useLoad } from '../lib/use-load.ts';
import { userSnippets } from '../lib/user-snippets.ts';
import { Card, PageHead, Shown } from '../ui/blocks.tsx';
import { CopyButton } from '../ui/copy.tsx';
import { GuardSnippets } from '../ui/guard-snippets.tsx';
import { Snippets } from '../ui/snippets.tsx';

/** What a programmer needs: the address, the headers, and code to copy. */
export function ApiPage() {
  const [meta, reload] = useLoad(() => body(api.meta.$get()), []);
  return (
    <>
      <PageHead title="API" intro="How programs use their keys, and how your services check them.">
        <a class="button main" href={hrefOf('/keys/new')}>
          New API Key
        </a>
      </PageHead>
      <Card title="Address and headers">
        <Shown of={meta} retry={reload}>
          {({ key_headers: headers, version }) => (
            <dl class="facts">
              <dt>Address</dt>
              <dd class="row">
                <code>{ORIGIN}</code> <CopyButton text={ORIGIN} label="Copy the address" />
              </dd>
              <dt>Headers for a key</dt>
              <dd>
                {headers.map((name) => (name === 'Authorization' ? `${name}: Bearer` : name)).join(', ')}
              </dd>
              <dt>Version</dt>
              <dd>{version}</dd>
              <dt>Documentation</dt>
              <dd class="row">
                <a href={new URL('docs', ROOT).href}>Swagger UI</a>
                <a href={new URL('redoc', ROOT).href}>ReDoc</a>
                <a href={new URL('openapi.json', ROOT).href}>OpenAPI document</a>
              </dd>
            </dl>
          )}
        </Shown>
      </Card>
      <Card title="Check that a key is valid">
        <Snippets of={clientSnippets({ origin: ORIGIN })} label="Code that checks a key" />
      </Card>
      <Card title="Read the account of a key">
        <p>
          Keys of an account work at the ProxyHat API as well. Put your key in the place of{' '}
          <code>__API_KEY__</code>.
        </p>
        <Snippets of={userSnippets(ORIGIN)} label="Code that reads the account" />
      </Card>
      <Card title="Guard a service">
        <p>Your reverse proxy asks Keyhearth about each request, and lets only valid keys through.</p>
        <GuardSnippets />
      </Card>
    </>
  );
}
