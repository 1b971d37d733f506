import { api, body } from '../../lib/api.ts';
import { useLoad } from '../../lib/use-load.ts';
import { time } from '../../lib/words.ts';
import { Card, Shown } from '../../ui/blocks.tsx';

/** Whether the service and its database work, and which version answers. */
export function Health() {
  const [health, check] = useLoad(async () => {
    const { gateway } = await body(api.health.$get());
    return { gateway, at: Date.now() / 1_000 };
  }, []);
  const [meta, reload] = useLoad(() => body(api.meta.$get()), []);
  return (
    <Card title="Health">
      <Shown of={health} retry={check}>
        {({ gateway, at }) => (
          <dl class="facts">
            <dt>Service and database</dt>
            <dd>
              <span class={health.state === 'failed' ? 'badge bad' : 'badge good'}>
                {health.state === 'failed' ? 'Failing' : 'Working'}
              </span>
            </dd>
            {gateway && (
              <>
                <dt>Gateway</dt>
                <dd>
                  <span class={gateway.status === 'ok' ? 'badge good' : 'badge bad'}>
                    {gateway.status === 'ok' ? 'Working' : 'Its file is not in force'}
                  </span>
                </dd>
              </>
            )}
            <dt>Checked</dt>
            <dd>{time(at)}</dd>
          </dl>
        )}
      </Shown>
      <div class="row ends next">
        <button type="button" class="small" onClick={check}>
          Check again
        </button>
        <Shown of={meta} retry={reload}>
          {({ version }) => <span class="quiet small">Keyhearth {version}</span>}
        </Shown>
      </div>
    </Card>
  );
}
