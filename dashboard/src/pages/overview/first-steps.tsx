import { api, body } from '../../lib/api.ts';
import type { Key } from '../../lib/key.ts';
import { hrefOf } from '../../lib/router.ts';
import { useLoad } from '../../lib/use-load.ts';
import { Card } from '../../ui/blocks.tsx';

/** The key of the set-up manages the service. It is none that a program should use. */
const isOfSetUp = ({ id }: Key) => id === 1;

/** What to do when there are no keys yet. The list of keys says it when they cannot be read. */
export function FirstSteps() {
  const [loaded] = useLoad(() => body(api.auth.keys.$get({ query: { limit: '2' } as object })), []);
  if (!loaded.value) return null;
  if (!loaded.value.keys.every(isOfSetUp))
    return (
      <p>
        <a href={hrefOf('/api')}>Guard your service</a>{' '}
        <span class="quiet">with your proxy or with your own code.</span>
      </p>
    );
  return (
    <Card title="Start here">
      <ol class="steps">
        <li>
          <strong>Make a key</strong> for each program that will use your service.
        </li>
        <li>
          <strong>Guard your service</strong>: let your proxy, or your own code, ask Keyhearth about each key
          that arrives.
        </li>
        <li>
          <strong>Come back here</strong> to see which key is used how often.
        </li>
      </ol>
      <div class="actions">
        <a class="button main" href={hrefOf('/keys/new')}>
          New API Key
        </a>
        <a class="button" href={hrefOf('/api')}>
          Guard your service
        </a>
      </div>
    </Card>
  );
}
