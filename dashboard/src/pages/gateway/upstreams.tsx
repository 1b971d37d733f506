import { Card } from '../../ui/blocks.tsx';
import { When } from '../../ui/key-status.tsx';
import type { Gateway } from '../gateway.tsx';

const PROTOCOLS = {
  openai: 'OpenAI-compatible',
  claude: 'Claude',
  codex: 'Codex',
  gemini: 'Gemini',
  amp: 'Amp',
} as const;

/** The credentials that the gateway sends to model providers, without their secrets. */
export const Upstreams = ({ of: upstreams }: { of: Gateway['upstreams'] }) => (
  <Card title="Upstreams">
    {upstreams.length === 0 ? (
      <p class="quiet">The file names no upstream, so the gateway cannot forward any request.</p>
    ) : (
      <div class="scroll">
        <table class="folds">
          <thead>
            <tr>
              <th scope="col">Upstream</th>
              <th scope="col">Prefix</th>
              <th scope="col">Credential</th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {upstreams.map((each, i) => (
              <tr key={i}>
                <th scope="row">
                  {PROTOCOLS[each.protocol]} {each.protocol === 'openai' && <bdi>{each.name}</bdi>}{' '}
                  <span class="quiet small">{each.base_url}</span>
                </th>
                <td class="tight" data-label="Prefix">
                  {each.prefix === null ? <span class="quiet">none</span> : <code>{each.prefix}/</code>}
                </td>
                <td data-label="Credential">
                  <code>{each.credential}</code>
                  {each.kind === 'oauth' && <span class="quiet"> by OAuth</span>}
                </td>
                <td data-label="State">
                  {each.rests_until === null ? (
                    'in use'
                  ) : (
                    <span class="badge warn">
                      refused, rests until <When at={each.rests_until} never="" />
                    </span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    )}
  </Card>
);
