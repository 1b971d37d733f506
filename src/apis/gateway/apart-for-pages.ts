import type { Authenticate } from '../../auth/authenticate.ts';
import { isFromLocalPage } from '../../http/other-page.ts';
import type { KeyPrincipal } from '../../lib/principal.ts';

/**
 * Authenticates pages in the browsers of this machine apart from its programs. Both have the same address, so otherwise
 * any page could lock the programs out with wrong keys.
 * @param pages with a lockout of its own
 */
export const apartForPages =
  (programs: Authenticate<KeyPrincipal>, pages: Authenticate<KeyPrincipal>): Authenticate<KeyPrincipal> =>
  (sender, header, connection) => {
    const isPage = isFromLocalPage(sender.ip?.text, {
      host: header('host'),
      origin: header('origin'),
      'sec-fetch-site': header('sec-fetch-site'),
    });
    return (isPage ? pages : programs)(sender, header, connection);
  };
