import type { InferResponseType } from 'hono/client';
import { useState } from 'preact/hooks';
import { api, body, done } from '../../lib/api.ts';
import { useLoad } from '../../lib/use-load.ts';
import { count, relative } from '../../lib/words.ts';
import { Card, Empty, Shown } from '../../ui/blocks.tsx';
import { Failure } from '../../ui/failure.tsx';
import { say } from '../../ui/toast.tsx';

type Lockout = InferResponseType<typeof api.auth.lockouts.$get, 200>['lockouts'][number];

const SHOWN = 20;

const WHY = {
  api_key: 'invalid keys',
  management: 'wrong secrets for the gateway’s management API',
  sign_in_address: 'failed sign-ins from this address',
  sign_in_email: 'failed sign-ins with this e-mail address',
} as const satisfies Record<Lockout['kind'], string>;

const isLocked = ({ locked_until }: Lockout) => locked_until !== null;

/** Who is locked out, and a way to let them in again. */
export function Lockouts() {
  const [loaded, reload] = useLoad(() => body(api.auth.lockouts.$get()), []);
  return (
    <Card title="Lockouts">
      <Shown of={loaded} retry={reload}>
        {({ lockouts }) => (
          <Listed
            locked={lockouts.filter(isLocked)}
            failing={lockouts.filter((each) => !isLocked(each))}
            reload={reload}
          />
        )}
      </Shown>
    </Card>
  );
}

/** "1 address and 2 accounts have failed attempts." */
function failuresInWords(failing: readonly Lockout[]): string {
  const accounts = failing.filter(({ kind }) => kind === 'sign_in_email').length;
  const addresses = failing.length - accounts;
  const parts = [
    addresses > 0 && count(addresses, 'address', 'addresses'),
    accounts > 0 && count(accounts, 'account'),
  ];
  return `${parts.filter(Boolean).join(' and ')} ${failing.length === 1 ? 'has' : 'have'} failed attempts.`;
}

type ListedProps = { locked: readonly Lockout[]; failing: readonly Lockout[]; reload: () => void };

function Listed({ locked, failing, reload }: ListedProps) {
  return (
    <>
      {locked.length === 0 ? (
        <Empty title="None">
          <p>Nobody is locked out.</p>
        </Empty>
      ) : (
        <ul class="entries">
          {locked.slice(0, SHOWN).map((lockout) => (
            <Entry key={`${lockout.kind} ${lockout.address}`} of={lockout} reload={reload} />
          ))}
        </ul>
      )}
      {locked.length > SHOWN && <p class="quiet">{count(locked.length - SHOWN, 'further lockout')}.</p>}
      {failing.length > 0 && <p class="quiet small">{failuresInWords(failing)}</p>}
    </>
  );
}

function Entry({ of: { kind, address, locked_until }, reload }: { of: Lockout; reload: () => void }) {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();

  async function unlock() {
    setBusy(true);
    setError(undefined);
    try {
      await done(api.auth.lockouts[':address'].$delete({ param: { address: encodeURIComponent(address) } }));
      say(`${address} is not locked any more.`);
      reload();
    } catch (failure) {
      setError(failure as Error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <li>
      <div>
        <bdi class="name">{address}</bdi>
        <span class="quiet small block">
          {WHY[kind]}, ends {relative(locked_until ?? 0)}
        </span>
        {error && <Failure error={error} />}
      </div>
      <button type="button" class="small" disabled={isBusy} aria-label={`Unlock ${address}`} onClick={unlock}>
        Unlock
      </button>
    </li>
  );
}
