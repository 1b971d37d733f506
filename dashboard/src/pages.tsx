import type { ComponentType } from 'preact';
import { holds, isAdmin } from './lib/session.ts';
import { AccountPage } from './pages/account.tsx';
import { AccountsPage } from './pages/accounts.tsx';
import { ApiPage } from './pages/api.tsx';
import { AuditLogPage } from './pages/audit.tsx';
import { GatewayPage } from './pages/gateway.tsx';
import { InvitationPage } from './pages/invitation.tsx';
import { KeyPage } from './pages/key/key.tsx';
import { NewKeyPage } from './pages/key/new-key.tsx';
import { KeysPage } from './pages/keys.tsx';
import { NotFoundPage } from './pages/not-found.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { SetupPage } from './pages/setup.tsx';

type Route = {
  path: RegExp;
  Page: ComponentType<{ id: string }>;
  title: string;
  /** Whether the person may use it. Without it, everybody may. */
  isAllowed?: () => boolean;
};

/** The pages of a person who is signed in. The first group of a path is the `id` of its page. */
const routes: readonly Route[] = [
  { path: /^\/$/, Page: OverviewPage, title: 'Overview' },
  { path: /^\/api$/, Page: ApiPage, title: 'API' },
  { path: /^\/audit$/, Page: AuditLogPage, title: 'Audit log', isAllowed: () => holds('audit:read') },
  { path: /^\/keys$/, Page: KeysPage, title: 'API Keys' },
  { path: /^\/accounts$/, Page: AccountsPage, title: 'Accounts', isAllowed: isAdmin },
  { path: /^\/gateway$/, Page: GatewayPage, title: 'Gateway', isAllowed: isAdmin },
  { path: /^\/account$/, Page: AccountPage, title: 'Your account' },
  { path: /^\/keys\/new$/, Page: NewKeyPage, title: 'New API Key' },
  { path: /^\/keys\/(\d+)$/, Page: KeyPage, title: 'API Key' },
];

type OpenPage = { path: RegExp; Page: ComponentType; title: string };

/** The pages that need no session. They have no navigation around them. */
const openPages: readonly OpenPage[] = [
  { path: /^\/setup$/, Page: SetupPage, title: 'Set-up' },
  { path: /^\/invitation$/, Page: InvitationPage, title: 'Invitation' },
];

export const openPageOf = (path: string) => openPages.find((page) => page.path.test(path));

const nowhere: Route = { path: /^/, Page: NotFoundPage, title: 'Not found' };

/** The page of a path. What the person may not use does not exist for them. */
export function pageOf(path: string): Route & { id: string } {
  for (const route of routes) {
    const found = route.path.exec(path);
    if (found && (route.isAllowed?.() ?? true)) return { ...route, id: found[1] ?? '' };
  }
  return { ...nowhere, id: '' };
}
