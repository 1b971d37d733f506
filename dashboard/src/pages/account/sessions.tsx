import type { InferResponseType } from 'hono/client';
import { useState } from 'preact/hooks';
import { ApiError, api, done } from '../../lib/api.ts';
import { deviceOf } from '../../lib/device.ts';
import { leave } from '../../lib/session.ts';
import type { Loaded } from '../../lib/use-load.ts';
import { relative, time } from '../../lib/words.ts';
import { Card, Shown } from '../../ui/blocks.tsx';
import { When } from '../../ui/key-status.tsx';
import { say } from '../../ui/toast.tsx';

export type Session = InferResponseType<typeof api.auth.sessions.$get, 200>['sessions'][number];

type SessionsProps = { of: Loaded<readonly Session[]>; reload: () => void };

/** Where the person is signed in. */
export function Sessions({ of, reload }: SessionsProps) {
  const [isBusy, setBusy] = useState(false);

  /** Ends sessions one after the other. One that somebody else has ended by now is no failure. */
  async function end(sessions: readonly Session[]) {
    setBusy(true);
    try {
      for (const { id } of sessions) await endOne(id);
      say(sessions.length === 1 ? 'The session is over.' : 'All other sessions are over.');
    } catch (error) {
      say((error as Error).message);
    } finally {
      setBusy(false);
      reload();
    }
  }

  return (
    <Card title="Sessions">
      <Shown of={of} retry={reload}>
        {(sessions) => {
          const others = sessions.filter((session) => !session.is_current);
          return (
            <>
              <div class="row ends">
                <p class="quiet">
                  {others.length === 0
                    ? 'You are signed in only in this browser.'
                    : 'End each session that you do not know, and change your password.'}
                </p>
                {others.length > 0 && (
                  <button type="button" disabled={isBusy} onClick={() => end(others)}>
                    Sign out everywhere else
                  </button>
                )}
              </div>
              <table class="folds">
                <thead>
                  <tr>
                    <th scope="col">Device</th>
                    <th scope="col">Address</th>
                    <th scope="col">Signed in</th>
                    <th scope="col">Last used</th>
                    <th scope="col">
                      <span class="hidden">Action</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {sessions.map((session) => (
                    <Row key={session.id} session={session} isBusy={isBusy} end={() => end([session])} />
                  ))}
                </tbody>
              </table>
            </>
          );
        }}
      </Shown>
    </Card>
  );
}

type RowProps = { session: Session; isBusy: boolean; end: () => void };

const Row = ({ session, isBusy, end }: RowProps) => (
  <tr>
    <th scope="row">
      <bdi title={session.user_agent}>{nameOf(session)}</bdi>{' '}
      {session.is_current && <span class="badge good">this browser</span>}
    </th>
    <td data-label="Address">
      <span class="mono">{session.address}</span>
    </td>
    <td data-label="Signed in">
      <When at={session.created_at} never="" />
    </td>
    <td data-label="Last used">{lastUse(session)}</td>
    <td class="number">
      {session.is_current ? (
        <button type="button" class="small" disabled={isBusy} onClick={signOutHere}>
          Sign out<span class="hidden"> this browser</span>
        </button>
      ) : (
        <button type="button" class="small" disabled={isBusy} onClick={end}>
          Sign out<span class="hidden"> {nameOf(session)}</span>
        </button>
      )}
    </td>
  </tr>
);

const nameOf = ({ kind, user_agent }: Session) =>
  kind === 'access_token' ? `Access token: ${deviceOf(user_agent)}` : deviceOf(user_agent);

const DAY = 86_400;

/** The service notes a use once a day, so "3 hours ago" would say more than it knows. */
function lastUse({ is_current, renewed_at }: Session) {
  if (is_current) return 'now';
  const isRecent = Date.now() / 1000 - renewed_at < DAY;
  return <time title={time(renewed_at)}>{isRecent ? 'within a day' : relative(renewed_at)}</time>;
}

async function endOne(id: number): Promise<void> {
  try {
    await done(api.auth.sessions[':id'].$delete({ param: { id: String(id) } }));
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'session_not_found') throw error;
  }
}

async function signOutHere(): Promise<void> {
  try {
    await done(api.auth.logout.$post());
    leave();
  } catch (error) {
    say((error as Error).message);
  }
}
