import type { InferResponseType } from 'hono/client';
import { api, body } from '../../lib/api.ts';
import { hrefOf } from '../../lib/router.ts';
import { lastBuckets, outcomesOf } from '../../lib/usage.ts';
import { useLoad } from '../../lib/use-load.ts';
import { number } from '../../lib/words.ts';
import { Card, Empty, Name, Shown } from '../../ui/blocks.tsx';
import { chosenPeriod } from '../../ui/usage-panel.tsx';

type KeyUsage = InferResponseType<typeof api.auth.usage.keys.$get, 200>['keys'][number];

/** In the time that the chart shows. */
export function MostUsedKeys() {
  const [bucket, count, text] = chosenPeriod();
  const [loaded, reload] = useLoad(() => {
    const { from } = lastBuckets(count, bucket);
    return body(api.auth.usage.keys.$get({ query: { from, limit: '8' } }));
  }, [bucket]);
  return (
    <Card title={`Most used keys in ${text}`}>
      <Shown of={loaded} retry={reload}>
        {({ keys }) =>
          keys.length === 0 ? (
            <Empty title="No key was used">
              <p>The keys that are sent most often appear here.</p>
            </Empty>
          ) : (
            <Table of={keys} />
          )
        }
      </Shown>
    </Card>
  );
}

const Table = ({ of }: { of: readonly KeyUsage[] }) => (
  <table class="folds fixed">
    <thead>
      <tr>
        <th scope="col">Key</th>
        <th scope="col" class="number">
          Valid
        </th>
        <th scope="col" class="number">
          Refused
        </th>
      </tr>
    </thead>
    <tbody>
      {of.map((key) => {
        const { valid, refused, limited } = outcomesOf(key);
        return (
          <tr key={key.id}>
            <th scope="row">
              <KeyName of={key} />
            </th>
            <td class="number" data-label="Valid">
              {number(valid)}
            </td>
            <td class="number" data-label="Refused">
              {number(refused + limited)}
            </td>
          </tr>
        );
      })}
    </tbody>
  </table>
);

const KeyName = ({ of: { id, label } }: { of: KeyUsage }) =>
  label === null ? (
    <span class="quiet">Key {id}, deleted</span>
  ) : (
    <a class="clip" href={hrefOf(`/keys/${id}`)}>
      <Name none={`Key ${id}`}>{label}</Name>
    </a>
  );
