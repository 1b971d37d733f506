import { effect, signal } from '@preact/signals';
import { account } from './session.ts';

type FreshKey = { id: number; rawKey: string };

/** The key that was just made or rotated. It is nowhere but in the memory of this page. */
export const freshKey = signal<FreshKey | undefined>(undefined);

/** Forgets the raw key of a page that the person leaves. */
export function forget(id: number): void {
  if (freshKey.value?.id === id) freshKey.value = undefined;
}

// The next person at this browser must not see it.
effect(() => {
  if (!account.value) freshKey.value = undefined;
});
