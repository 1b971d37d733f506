import { readFile } from 'node:fs/promises';
import { management } from '../../http/dialects/management.ts';
import type { createRouter } from '../../http/router.ts';
import { NO_STORE } from '../../http/security-headers.ts';
import { DomainError } from '../../lib/failure.ts';
import type { ManagementParts } from './parts.ts';

/** The control panel: a page that the operator has put on the disk. Nothing is ever downloaded. */
export function addPanelRoute(router: ReturnType<typeof createRouter>, { live }: ManagementParts): void {
  router.get('/management.html', async (c) => {
    c.set('dialect', management);
    await live.catchUp();
    const { panelFile, disableControlPanel } = live.current().management;
    const page =
      panelFile !== null && !disableControlPanel && (await readFile(panelFile).catch(() => undefined));
    if (!page) throw new DomainError({ code: 'not_found' });
    return c.body(new Uint8Array(page), 200, {
      ...NO_STORE,
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': "frame-ancestors 'none'",
      'Referrer-Policy': 'no-referrer',
    });
  });
}
