import { OAUTH_PROVIDERS, type OAuthProvider } from '../../gateway-file/config.ts';
import type { HttpContext } from '../../http/context.ts';
import type { createRouter } from '../../http/router.ts';
import { missingSettings } from '../../oauth/flows.ts';
import type { ManagementParts } from './parts.ts';
import { invalid, recordChange } from './request.ts';

/** What the control panel calls the sign-in with Google. */
const GEMINI_CLI = 'gemini-cli';

/** The sessions with model providers. */
export function addOAuthRoutes(router: ReturnType<typeof createRouter>, parts: ManagementParts): void {
  const { oauth, live } = parts;

  const start = (provider: OAuthProvider) => async (c: HttpContext) => {
    const missing = missingSettings(live.current(), provider);
    if (missing.length > 0) throw invalid('provider', missing);
    const { url, state } = await oauth.start(provider);
    await recordChange(c, parts, 'gateway.sign_in_started', { provider: { from: null, to: provider } });
    return c.json({ status: 'ok', url, state });
  };

  for (const provider of OAUTH_PROVIDERS) {
    router.post(`/v0/management/oauth/${provider}`, start(provider));
    router.get(`/v0/management/${provider}-auth-url`, start(provider));
  }
  router.get(`/v0/management/${GEMINI_CLI}-auth-url`, start('google'));

  router.get('/v0/management/get-auth-status', async (c) =>
    c.json(await oauth.status(c.req.query('state') ?? '')),
  );

  router.get('/v0/management/sessions', async (c) => c.json({ sessions: await oauth.sessions() }));

  router.delete('/v0/management/sessions/:id', async (c) => {
    const name = await oauth.endSession(c.req.param('id'));
    if (name === undefined) throw invalid('session');
    await recordChange(c, parts, 'gateway.signed_out', { session: { from: name, to: null } });
    return c.body(null, 204);
  });
}
