import { effect, signal } from '@preact/signals';
import { account } from './session.ts';

/** What the person wants to do, while the dialog asks whether they mean it. */
export const leaving = signal<(() => void) | undefined>(undefined);

/** What would be lost. */
export type Guarded = 'key' | 'link';

const guards = new Map<symbol, Guarded>();

/** Browsers ask in their own words before they close or load the page. */
const stay = (event: BeforeUnloadEvent) => event.preventDefault();

export const isGuarded = () => guards.size > 0;

export const guarded = (): Guarded => [...guards.values()].at(-1) ?? 'key';

/** Asks before the person leaves the page with something that is not saved. @returns what ends that */
export function guardLeaving(what: Guarded): () => void {
  const guard = Symbol();
  guards.set(guard, what);
  addEventListener('beforeunload', stay);
  return () => {
    guards.delete(guard);
    if (guards.size === 0) removeEventListener('beforeunload', stay);
  };
}

/** Does what leaves the page: at once, or when the person has said that they mean it. */
export function leaveBy(act: () => void): void {
  if (isGuarded()) leaving.value = act;
  else act();
}

effect(() => {
  if (!account.value) leaving.value = undefined;
});
