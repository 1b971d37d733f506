import { signal } from '@preact/signals';
import { BASE } from './base.ts';
import { isGuarded, leaveBy } from './leaving.ts';

export type Place = { path: string; query: URLSearchParams };

const read = (): Place => ({
  path: window.location.pathname.slice(BASE.length).replace(/\/$/, '') || '/',
  query: new URLSearchParams(window.location.search),
});

/** Where the person is, below the dashboard: `/keys` and its query. */
export const place = signal(read());

/** How often the person pressed the link to the page that is shown: each time it loads again. */
export const round = signal(0);

/** The address of the page that is shown. */
let shown = window.location.href;

function show(): void {
  place.value = read();
  shown = window.location.href;
}

addEventListener('popstate', () => {
  const to = window.location.href;
  if (read().path === place.value.path) return show();
  // The browser has gone already. The address is that of the page again while the person decides.
  if (isGuarded()) history.pushState(null, '', shown);
  leaveBy(() => {
    history.replaceState(null, '', to);
    show();
  });
});

/** @param to a path below the dashboard, with or without a query */
export const hrefOf = (to: string) => BASE + (to === '/' ? '' : to);

/** Goes to a page. @param how `replace` leaves no step back: for filters that are typed */
export function go(to: string, how: 'push' | 'replace' = 'push'): void {
  const url = hrefOf(to);
  if (how === 'push') history.pushState(null, '', url);
  else history.replaceState(null, '', url);
  const before = place.value.path;
  show();
  if (place.value.path !== before) scrollTo(0, 0);
}

/** Follows a link within the dashboard without loading the page again. */
export function followLink(event: MouseEvent): void {
  const link = (event.target as Element).closest('a');
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !isPlain || event.defaultPrevented || link.target !== '' || link.hasAttribute('download'))
    return;
  if (link.origin !== window.location.origin) return;
  if (link.pathname !== BASE && !link.pathname.startsWith(`${BASE}/`)) return;
  if (link.hash !== '' && link.pathname === window.location.pathname) return;
  event.preventDefault();
  leaveBy(() => {
    if (link.pathname === window.location.pathname && link.search === '') round.value++;
    go(link.pathname.slice(BASE.length) + link.search);
  });
}

/** Changes some parameters of the query, and leaves the others. An empty value removes its parameter. */
export function setQuery(
  changes: Record<string, string | undefined>,
  how: 'push' | 'replace' = 'push',
): void {
  const query = new URLSearchParams(place.value.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  go(place.value.path + (text === '' ? '' : `?${text}`), how);
}
