import { api, body } from '../lib/api.ts';
import { useLoad } from '../lib/use-load.ts';
import { PageHead } from '../ui/blocks.tsx';
import { AboutYou } from './account/about-you.tsx';
import { ChangePassword } from './account/change-password.tsx';
import { Sessions } from './account/sessions.tsx';
import { ThemeChoice } from './account/theme-choice.tsx';
import { TwoFactor } from './account/two-factor.tsx';

/** What a person sees and changes about their own account. */
export function AccountPage() {
  const [sessions, reload] = useLoad(async () => (await body(api.auth.sessions.$get())).sessions, []);
  return (
    <>
      <PageHead title="Your account" />
      <div class="cards">
        <div>
          <AboutYou />
          <TwoFactor onChange={reload} />
        </div>
        <div>
          <ChangePassword onDone={reload} />
          <ThemeChoice />
        </div>
      </div>
      <Sessions of={sessions} reload={reload} />
    </>
  );
}
