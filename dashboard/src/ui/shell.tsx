import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { leaveBy } from '../lib/leaving.ts';
import { hrefOf, place } from '../lib/router.ts';
import { account, holds, isAdmin } from '../lib/session.ts';
import { signOut } from './sign-out.ts';

type Entry = { path: string; label: string; isShown: boolean };

/** What the person may use. The service refuses the rest as well. */
const groups = (): { title: string; entries: Entry[] }[] => [
  {
    title: 'Service',
    entries: [
      { path: '/', label: 'Overview', isShown: true },
      { path: '/audit', label: 'Audit log', isShown: holds('audit:read') },
      { path: '/api', label: 'API', isShown: true },
    ],
  },
  {
    title: 'Settings',
    entries: [
      { path: '/keys', label: 'API Keys', isShown: true },
      { path: '/accounts', label: 'Accounts', isShown: isAdmin() },
      { path: '/gateway', label: 'Gateway', isShown: isAdmin() },
      { path: '/account', label: 'Your account', isShown: true },
    ],
  },
];

export const Brand = () => (
  <a class="brand" href={hrefOf('/')}>
    <svg width="26" height="26" viewBox="0 0 26 26" aria-hidden="true" fill="currentColor">
      <path d="M13 1c1 4-4 6-4 11a4 4 0 0 0 2 3.5V14a2 2 0 1 1 4 0v1.500A4 4 0 0 0 17 12c0-1-.3-2-.6-2.700C19.500 11 22 14 22 17.500a9 9 0 0 1-18 0C4 10 11 8 13 1z" />
    </svg>
    Keyhearth
  </a>
);

const isCurrent = (path: string) =>
  path === '/' ? place.value.path === '/' : `${place.value.path}/`.startsWith(`${path}/`);

/** The frame of every page: the navigation, and the page itself. */
export function Shell({ children }: { children: ComponentChildren }) {
  const [isOpen, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const { path } = place.value;
  const isFirst = useRef(true);
  useEffect(() => {
    setOpen(false);
    // A new page begins to be read at its start, as after a load, unless one of its fields has the focus.
    const hasFocus = main.current?.contains(document.activeElement);
    if (!isFirst.current && !hasFocus) main.current?.focus({ preventScroll: true });
    isFirst.current = false;
  }, [path]);

  return (
    <div class="frame">
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <header class="side">
        <div class="stays">
          <div class="top">
            <Brand />
            <button type="button" class="menu small" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
              Menu
            </button>
          </div>
          <div class={isOpen ? 'folds open' : 'folds'}>
            <nav aria-label="Pages">
              {groups().map(({ title, entries }) => (
                <div key={title}>
                  <h2>{title}</h2>
                  <ul>
                    {entries
                      .filter(({ isShown }) => isShown)
                      .map(({ path: to, label }) => (
                        <li key={to}>
                          <a href={hrefOf(to)} aria-current={isCurrent(to) ? 'page' : undefined}>
                            {label}
                          </a>
                        </li>
                      ))}
                  </ul>
                </div>
              ))}
            </nav>
            <Who />
          </div>
        </div>
      </header>
      <main id="main" tabIndex={-1} ref={main}>
        {children}
      </main>
    </div>
  );
}

function Who() {
  return (
    <div class="who">
      <p class="quiet">
        Signed in as <bdi>{account.value?.email}</bdi>
      </p>
      <button type="button" class="small" onClick={() => leaveBy(signOut)}>
        Sign out
      </button>
    </div>
  );
}
