import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { ApiError, api, body } from './lib/api.ts';
import { followLink, go, place, round } from './lib/router.ts';
import { type Account, account, followOtherTabs, needsTwoFactor } from './lib/session.ts';
import { useLoad } from './lib/use-load.ts';
import { SignInPage } from './pages/sign-in.tsx';
import { TwoFactorRequiredPage } from './pages/two-factor-required.tsx';
import { openPageOf, pageOf } from './pages.tsx';
import { Shown } from './ui/blocks.tsx';
import { ConfirmDialog } from './ui/confirm.tsx';
import { LeaveDialog } from './ui/leave-dialog.tsx';
import { Shell } from './ui/shell.tsx';
import { SignInAgain } from './ui/sign-in-again.tsx';
import { Toasts } from './ui/toast.tsx';

export function App() {
  useEffect(() => {
    followOtherTabs();
    addEventListener('click', followLink);
    return () => removeEventListener('click', followLink);
  }, []);
  const [started, start] = useLoad(findAccount, []);
  return (
    <>
      <Shown of={started} retry={start}>
        {() => <Current />}
      </Shown>
      <SignInAgain />
      <ConfirmDialog />
      <LeaveDialog />
      <Toasts />
    </>
  );
}

/** Who is signed in in this browser. Without a session, nobody is. */
async function findAccount(): Promise<void> {
  try {
    account.value = (await body(api.auth.self.$get())) as Account;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    account.value = null;
    if (!openPageOf(place.value.path)) await leadToSetup();
  }
}

/** The first person who opens a new service sets it up. */
async function leadToSetup(): Promise<void> {
  const { needs_setup: needsSetup } = await body(api.auth.setup.$get());
  if (needsSetup) go('/setup', 'replace');
}

function Current() {
  const { path } = place.value;
  const { id: me, two_factor: hasTwoFactor } = account.value ?? {};
  useEffect(() => {
    if (me !== undefined && !hasTwoFactor) askForTwoFactor();
  }, [me, hasTwoFactor]);
  const open = openPageOf(path);
  if (open)
    return (
      <Titled title={open.title}>
        <open.Page />
      </Titled>
    );
  if (!account.value)
    return (
      <Titled title="Sign in">
        <SignInPage />
      </Titled>
    );
  if (needsTwoFactor.value)
    return (
      <Titled title="Set up two-factor authentication">
        <TwoFactorRequiredPage />
      </Titled>
    );
  const { Page, id, title } = pageOf(path);
  return (
    <Titled title={title}>
      <Shell>
        <Page key={`${path} ${round.value}`} id={id} />
      </Shell>
    </Titled>
  );
}

/** Sends a request that the service refuses to a person who must set up a second factor. The answer itself is not needed. */
const askForTwoFactor = () => body(api.auth.sessions.$get()).catch(() => {});

function Titled({ title, children }: { title: string; children: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · Keyhearth`;
  }, [title]);
  return children;
}
