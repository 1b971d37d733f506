import type { InferResponseType } from 'hono/client';
import { api, body } from '../lib/api.ts';
import { hrefOf } from '../lib/router.ts';
import { useLoad } from '../lib/use-load.ts';
import { Card, Empty, PageHead, Shown } from '../ui/blocks.tsx';
import { When } from '../ui/key-status.tsx';
import { say } from '../ui/toast.tsx';
import { ModelUsage } from './gateway/model-usage.tsx';
import { GatewaySessions } from './gateway/sessions.tsx';
import { Upstreams } from './gateway/upstreams.tsx';

export type Gateway = NonNullable<InferResponseType<typeof api.auth.gateway.$get, 200>['gateway']>;

/** What the gateway does with the file of the operator: for admins. */
export function GatewayPage() {
  const [loaded, reload] = useLoad(() => body(api.auth.gateway.$get()), []);
  return (
    <>
      <PageHead title="Gateway" intro="The port for the clients of AI model providers.">
        <button type="button" onClick={reload}>
          Load again
        </button>
      </PageHead>
      <Shown of={loaded} retry={reload}>
        {({ gateway }) =>
          gateway ? (
            <>
              <FileState of={gateway} />
              <Upstreams of={gateway.upstreams} />
              <ModelUsage />
              <GatewaySessions
                gateway={gateway}
                onChange={(text) => {
                  reload();
                  say(text);
                }}
              />
            </>
          ) : (
            <div class="card">
              <Empty title="There is no gateway">
                <p>
                  Set <code>KEYHEARTH_GATEWAY_CONFIG</code> to the path of a <code>config.yaml</code>, and
                  start Keyhearth again.
                </p>
              </Empty>
            </div>
          )
        }
      </Shown>
    </>
  );
}

const FileState = ({ of: gateway }: { of: Gateway }) => (
  <Card title="Configuration">
    {gateway.problem && (
      <div class="message bad" role="alert">
        <p>
          <strong>The file is not in force.</strong> {gateway.problem.message}
        </p>
        <p>The last valid configuration stays in force until you correct the file.</p>
      </div>
    )}
    <dl class="facts">
      <dt>Address</dt>
      <dd>
        <code>{gateway.address}</code>
      </dd>
      <dt>Last reload</dt>
      <dd>
        <When at={gateway.loaded_at} never="never" />
      </dd>
      <dt>Declared keys</dt>
      <dd>
        {gateway.declared_keys === 0 ? (
          'none, so clients need no key'
        ) : (
          <a href={hrefOf('/keys?source=config')}>{gateway.declared_keys}</a>
        )}
      </dd>
      <dt>WebSockets</dt>
      <dd>{gateway.websockets_need_keys ? 'need a key' : 'need no key'}</dd>
      <dt>Name of the key set</dt>
      <dd>{gateway.name}</dd>
    </dl>
  </Card>
);
