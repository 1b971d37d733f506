import { effect, signal } from '@preact/signals';
import type { InferResponseType } from 'hono/client';
import type { api } from './api.ts';
import { BASE } from './base.ts';

export type Account = InferResponseType<typeof api.auth.login.$post, 200>;

/** Who is signed in. `undefined` until the service has said it; `null` when nobody is. */
export const account = signal<Account | null | undefined>(undefined);

/** Whether the service refuses everything until the person has set up a second factor. */
export const needsTwoFactor = signal(false);

export const isAdmin = () => account.value?.role === 'admin';

/** Whether the person holds a scope of Keyhearth. It decides what the dashboard shows; the service decides what is done. */
export function holds(scope: string): boolean {
  const scopes = account.value?.scopes ?? [];
  const [resource] = scope.split(':');
  return scopes.some((each) => each === '*' || each === scope || each === `${resource}:*`);
}

type Waiting = { resolve(): void; reject(error: Error): void };

/** The requests that wait until the person has signed in again. */
const waiting: Waiting[] = [];

/** Whether the dialog that asks for the password is open. */
export const asksAgain = signal(false);

/** The codes of an answer to a browser whose session is over. */
const OVER = new Set(['invalid_session', 'api_key_required', 'no_api_key_configured']);

/** Whether the person was signed in until now, and this answer says that the session is over. */
export async function isSessionOver(answer: Response): Promise<boolean> {
  if (answer.status !== 401 || !account.value) return false;
  const { code } = (await answer
    .clone()
    .json()
    .catch(() => ({}))) as { code?: string };
  return code !== undefined && OVER.has(code);
}

/** Opens the dialog. @returns when the person is signed in again; never, when another account signs in */
export function signInAgain(): Promise<void> {
  asksAgain.value = true;
  return new Promise((resolve, reject) => void waiting.push({ resolve, reject }));
}

/** Closes the dialog, and lets the waiting requests go on. */
export function signedInAgain(): void {
  asksAgain.value = false;
  for (const { resolve } of waiting.splice(0)) resolve();
}

/** Gives the session up: the page shows the sign-in. */
export function leave(): void {
  asksAgain.value = false;
  for (const { reject } of waiting.splice(0)) reject(new Error('You signed out.'));
  needsTwoFactor.value = false;
  account.value = null;
}

/** The tabs of this browser share one cookie. */
const tabs = new BroadcastChannel(`keyhearth-account ${BASE}`);

/** Has every tab show the account that is signed in: after a sign-in or a sign-out in one, the others load anew. */
export function followOtherTabs(): void {
  let shown: string | null | undefined;
  effect(() => {
    const id = account.value === undefined ? undefined : (account.value?.id ?? null);
    if (shown !== undefined && id !== shown) tabs.postMessage(id);
    shown = id;
  });
  tabs.addEventListener('message', ({ data }) => {
    if (shown !== undefined && data !== shown) window.location.reload();
  });
}
