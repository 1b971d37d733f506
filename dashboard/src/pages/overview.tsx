import { api, body } from '../lib/api.ts';
import { hrefOf } from '../lib/router.ts';
import { account, holds, isAdmin } from '../lib/session.ts';
import { PageHead } from '../ui/blocks.tsx';
import { UsagePanel } from '../ui/usage-panel.tsx';
import { ExpiringKeys } from './overview/expiring-keys.tsx';
import { FirstSteps } from './overview/first-steps.tsx';
import { Health } from './overview/health.tsx';
import { Lockouts } from './overview/lockouts.tsx';
import { MostUsedKeys } from './overview/most-used-keys.tsx';

/** What goes on. Each block loads and fails on its own. */
export const OverviewPage = () => (
  <>
    <PageHead
      title="Overview"
      intro={isAdmin() ? 'All keys of this service.' : 'The keys of your account.'}
    />
    {account.value?.two_factor === false && <TwoFactorHint />}
    <FirstSteps />
    {/* Everybody may read the usage of their own keys. */}
    <UsagePanel load={(query) => body(api.auth.usage.$get({ query }))} />
    <div class="cards">
      <MostUsedKeys />
      <div>
        <ExpiringKeys />
        {holds('lockouts:write') && <Lockouts />}
        <Health />
      </div>
    </div>
  </>
);

const TwoFactorHint = () => (
  <div class="message warn row ends">
    <p>
      <strong>Your account has no second factor.</strong> With one, a stolen password is not enough to sign
      in.
    </p>
    <a class="button small" href={hrefOf('/account')}>
      Set it up
    </a>
  </div>
);
