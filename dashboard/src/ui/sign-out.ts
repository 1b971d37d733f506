import { api, done } from '../lib/api.ts';
import { leave } from '../lib/session.ts';
import { say } from './toast.tsx';

/** Ends the session. Then the page shows the sign-in. When that fails, the person stays signed in, and the page says why. */
export async function signOut(): Promise<void> {
  try {
    await done(api.auth.logout.$post());
    leave();
  } catch (error) {
    say((error as Error).message);
  }
}
