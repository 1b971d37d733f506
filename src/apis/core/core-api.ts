import type { Authenticator } from '../../auth/authenticator.ts';
import type { BootstrapService } from '../../bootstrap/service.ts';
import { problem } from '../../http/dialects/problem.ts';
import { createRouter } from '../../http/router.ts';
import { type ApiContext, createApi, JSON_BODY_LIMIT } from '../create-api.ts';
import { type AccountRouteParts, accountRoutes } from './account-routes.ts';
import { type AuditRouteParts, auditRoutes } from './audit-routes.ts';
import { bootstrapRoutes, publicBootstrapRoutes } from './bootstrap-routes.ts';
import { type GatewayRouteParts, gatewayRoutes } from './gateway-routes.ts';
import { type InvitationRouteParts, invitationRoutes, publicInvitationRoutes } from './invitation-routes.ts';
import { type KeyRouteParts, keyRoutes } from './key-routes.ts';
import { type LockoutRouteParts, lockoutRoutes } from './lockout-routes.ts';
import { type OwnAccountRouteParts, ownAccountRoutes } from './own-account-routes.ts';
import { type SelfRouteParts, selfRoutes } from './self-routes.ts';
import { type SessionRouteParts, sessionRoutes } from './session-routes.ts';
import { publicSetupRoutes, type SetupRouteParts, setupRoutes } from './setup-routes.ts';
import { publicSignInRoutes, type SignInRouteParts, signInRoutes } from './sign-in-routes.ts';
import { type UsageRouteParts, usageRoutes } from './usage-routes.ts';
import {
  asVerification,
  denyAs403,
  VERIFY_PATH,
  type VerifyParts,
  verifyRoutes,
  withKeysAlone,
} from './verify-routes.ts';

export type CoreParts = VerifyParts &
  KeyRouteParts &
  AuditRouteParts &
  LockoutRouteParts &
  UsageRouteParts &
  SetupRouteParts &
  SignInRouteParts &
  SelfRouteParts &
  OwnAccountRouteParts &
  AccountRouteParts &
  SessionRouteParts &
  GatewayRouteParts &
  InvitationRouteParts & {
    authenticators: readonly Authenticator[];
    bootstrap: BootstrapService;
  };

/** The core API: bootstrap, keys and verification. `fast-verify.ts` answers most requests to `GET /auth/verify`. */
export function coreApi(parts: CoreParts, context: ApiContext) {
  const api = createApi(
    {
      paths: ['/auth/*'],
      authenticators: parts.authenticators,
      dialect: problem,
      bodyLimit: JSON_BODY_LIMIT,
      open: [
        ...publicBootstrapRoutes(parts.bootstrap, context.lockout),
        ...publicSetupRoutes(parts, context.lockout),
        ...publicSignInRoutes,
        ...publicInvitationRoutes,
      ],
    },
    context,
    (router) =>
      router
        .route('/', bootstrapRoutes(parts.bootstrap))
        .route('/', setupRoutes(parts))
        .route('/', signInRoutes(parts))
        .route('/', keyRoutes(parts))
        .route('/', selfRoutes(parts))
        .route('/', ownAccountRoutes(parts))
        .route('/', sessionRoutes(parts))
        .route('/', accountRoutes(parts))
        .route('/', invitationRoutes(parts))
        .route('/', verifyRoutes(parts))
        .route('/', auditRoutes(parts))
        .route('/', lockoutRoutes(parts))
        .route('/', usageRoutes(parts))
        .route('/', gatewayRoutes(parts)),
  );
  const router = createRouter();
  // It wraps the whole API, because it also changes the answers of the authentication.
  router.use(VERIFY_PATH, denyAs403);
  router.use(VERIFY_PATH, withKeysAlone);
  router.get(VERIFY_PATH, asVerification);
  return router.route('/', api);
}
