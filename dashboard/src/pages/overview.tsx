import { api, body } from '../lib/api.ts';
import { holds } from '../lib/session.ts';
import { PageHead } from '../ui/blocks.tsx';
import { UsagePanel } from '../ui/usage-panel.tsx';

export const OverviewPage = () => (
  <>
    <PageHead title="Overview" />
    {holds('usage:read') && <UsagePanel load={(query) => body(api.auth.usage.$get({ query }))} />}
  </>
);
