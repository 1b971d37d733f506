import { ApiError, api, body, done } from '../../lib/api.ts';
import { account } from '../../lib/session.ts';
import { useLoad } from '../../lib/use-load.ts';
import { count } from '../../lib/words.ts';
import { Shown } from '../../ui/blocks.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { RecoveryCodes } from '../../ui/recovery-codes.tsx';
import { SignInForm } from '../../ui/sign-in-form.tsx';

/** The codes that are left, or `undefined` when the service wants a newer sign-in. It takes no password for this. */
async function read(): Promise<readonly string[] | undefined> {
  try {
    return (await body(api.auth.self['two-factor']['recovery-codes'].$get())).recovery_codes;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'recent_sign_in_required') return undefined;
    throw error;
  }
}

/** The recovery codes that are left. They need a sign-in of the last 15 minutes. */
export function ShowRecoveryCodes({ onClose }: { onClose: () => void }) {
  const [codes, reload] = useLoad(read, []);
  const [before] = useLoad(currentSession, []);

  return (
    <Dialog title="Your recovery codes" onClose={onClose}>
      <Shown of={codes} retry={reload}>
        {(left) =>
          left === undefined ? (
            <>
              <p>You signed in more than 15 minutes ago. Sign in again to see the codes.</p>
              <SignInForm
                {...(account.value && { email: account.value.email })}
                onDone={(signedIn) => {
                  account.value = signedIn;
                  reload();
                  if (before.state === 'ready' && before.value !== undefined) void end(before.value);
                }}
              />
            </>
          ) : (
            <Left codes={left} />
          )
        }
      </Shown>
      <div class="actions">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

const Left = ({ codes }: { codes: readonly string[] }) =>
  codes.length === 0 ? (
    <p>No code is left. To get new ones, turn two-factor authentication off, and set it up again.</p>
  ) : (
    <>
      <p>
        {count(codes.length, 'code is', 'codes are')} left. Each works once, in place of a code of your app.
      </p>
      <RecoveryCodes codes={codes} />
    </>
  );

async function currentSession(): Promise<number | undefined> {
  const { sessions } = await body(api.auth.sessions.$get());
  return sessions.find((session) => session.is_current)?.id;
}

/** The new sign-in replaces a session that nobody can use any more. A failure leaves it in the list, and no more. */
async function end(id: number): Promise<void> {
  await done(api.auth.sessions[':id'].$delete({ param: { id: String(id) } })).catch(() => {});
}
