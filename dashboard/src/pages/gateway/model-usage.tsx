import { api, body } from '../../lib/api.ts';
import { hrefOf } from '../../lib/router.ts';
import { useLoad } from '../../lib/use-load.ts';
import { number } from '../../lib/words.ts';
import { Card, Shown } from '../../ui/blocks.tsx';

/** What keys asked of which models since the gateway first started. */
export function ModelUsage() {
  const [loaded, reload] = useLoad(async () => (await body(api.auth.gateway.usage.$get())).usage, []);
  return (
    <Card title="Usage by key and model">
      <Shown of={loaded} retry={reload}>
        {(usage) =>
          usage.length === 0 ? (
            <p class="quiet">No request has been forwarded yet.</p>
          ) : (
            <div class="scroll">
              <table class="folds">
                <thead>
                  <tr>
                    <th scope="col">Key</th>
                    <th scope="col">Model</th>
                    <th scope="col" class="number">
                      Requests
                    </th>
                    <th scope="col" class="number">
                      Failures
                    </th>
                    <th scope="col" class="number">
                      Tokens in
                    </th>
                    <th scope="col" class="number">
                      Tokens out
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {usage.map((each) => (
                    <tr key={`${each.key_id} ${each.model}`}>
                      <th scope="row">
                        <KeyName of={each} />
                      </th>
                      <td data-label="Model">
                        {each.model === '' ? <span class="quiet">none</span> : <bdi>{each.model}</bdi>}
                      </td>
                      <td class="number" data-label="Requests">
                        {number(each.requests)}
                      </td>
                      <td class="number" data-label="Failures">
                        {number(each.failures)}
                      </td>
                      <td class="number" data-label="Tokens in">
                        {number(each.input_tokens)}
                      </td>
                      <td class="number" data-label="Tokens out">
                        {number(each.output_tokens)}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Shown>
    </Card>
  );
}

type Named = { key_id: number | null; label: string | null; hint: string | null };

function KeyName({ of: { key_id, label, hint } }: { of: Named }) {
  if (key_id === null) return <span class="quiet">without a key</span>;
  if (hint === null) return <span class="quiet">{key_id}, deleted</span>;
  return (
    <a href={hrefOf(`/keys/${key_id}`)}>
      <bdi>{label || hint}</bdi>
    </a>
  );
}
