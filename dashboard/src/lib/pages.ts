import { useRef } from 'preact/hooks';
import { setQuery } from './router.ts';
import { type Loaded, useLoad } from './use-load.ts';

type Page<Item> = { items: readonly Item[]; next: string | undefined };

export type Paged<Item> = {
  loaded: Loaded<Page<Item>>;
  reload(): void;
  number: number;
  previous: (() => void) | undefined;
  next: (() => void) | undefined;
};

/**
 * A long list, of which the page holds one page at a time. The cursor is in the address, so that "back" and "load
 * again" stay on the same page.
 * @param load reads a page
 * @param filters what makes it another list: then it begins at its first page
 */
export function usePages<Item>(
  load: (cursor: string | undefined) => Promise<Page<Item>>,
  filters: readonly unknown[],
  query: URLSearchParams,
): Paged<Item> {
  const cursor = query.get('cursor') ?? undefined;
  const number = Number(query.get('page') ?? '1') || 1;
  const before = useRef<Map<number, string | undefined>>(new Map([[1, undefined]]));
  before.current.set(number, cursor);
  const [loaded, reload] = useLoad(() => load(cursor), [...filters, cursor]);
  const next = loaded.state === 'ready' ? loaded.value.next : undefined;

  function goTo(target: number, to: string | undefined) {
    setQuery({ cursor: to, page: target === 1 ? undefined : String(target) });
  }

  return {
    loaded,
    reload,
    number,
    previous:
      number > 1
        ? () => {
            // After a load in the middle of the list, the page before is not known, and the list begins anew.
            const target = before.current.has(number - 1) ? number - 1 : 1;
            goTo(target, before.current.get(target));
          }
        : undefined,
    next: next === undefined ? undefined : () => goTo(number + 1, next),
  };
}
