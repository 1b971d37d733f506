import { createRoute } from '@hono/zod-openapi';
import type { InvitationService } from '../../accounts/invitations.ts';
import { actorOf } from '../../http/context.ts';
import { bodyCodes, guardCodes, invalid, problemResponses } from '../../http/dialects/problem-openapi.ts';
import { createRouter } from '../../http/router.ts';
import { SESSION_COOKIE, type SessionCookies } from '../../http/session-cookie.ts';
import type { OpenRoute } from '../create-api.ts';
import { needsAdmin } from '../required-scope.ts';
import { refuseCrossSite, visitorOf } from '../visitor.ts';
import { AccountSchema, presentAccount } from './account-schemas.ts';
import { changeCodes } from './change-codes.ts';
import {
  AcceptInvitationSchema,
  CreatedInvitationSchema,
  CreateInvitationSchema,
  InvitationParamsSchema,
  InvitationsSchema,
  presentInvitation,
} from './people-schemas.ts';

const tags = ['Invitations'];

/** The page on which an invited person chooses a password. Browsers do not send what follows `#`. */
const PAGE = '/dashboard/invitation#';

const createInvitation = createRoute({
  tags,
  ...needsAdmin,
  method: 'post',
  path: '/auth/invitations',
  operationId: 'createInvitation',
  summary: 'Invite a person',
  description:
    'Makes a link with which a person sets up their account. The link works once, for 7 days. Keyhearth sends no e-mail: copy the link, and pass it on. No other answer contains it.',
  request: { body: { required: true, content: { 'application/json': { schema: CreateInvitationSchema } } } },
  responses: {
    201: {
      description: 'The invitation, with its link',
      content: { 'application/json': { schema: CreatedInvitationSchema } },
    },
    ...problemResponses(invalid('email', 'must be an e-mail address'), ...changeCodes, 'email_already_used'),
  },
});

const listInvitations = createRoute({
  tags,
  ...needsAdmin,
  method: 'get',
  path: '/auth/invitations',
  operationId: 'listInvitations',
  summary: 'List invitations',
  description: 'Lists the invitations that somebody can still use, the newest first, without their links.',
  responses: {
    200: { description: 'The invitations', content: { 'application/json': { schema: InvitationsSchema } } },
    ...problemResponses(...guardCodes, 'invalid_session', 'two_factor_setup_required'),
  },
});

const deleteInvitation = createRoute({
  tags,
  ...needsAdmin,
  method: 'delete',
  path: '/auth/invitations/{id}',
  operationId: 'deleteInvitation',
  summary: 'Take an invitation back',
  description: 'Makes the link of an invitation invalid.',
  request: { params: InvitationParamsSchema },
  responses: {
    204: { description: 'The link is invalid' },
    ...problemResponses(
      invalid('id', 'must be a positive integer'),
      ...guardCodes,
      'invalid_session',
      'two_factor_setup_required',
      'cross_site_request',
      'invitation_not_found',
      'database_busy',
    ),
  },
});

const acceptInvitation = createRoute({
  tags,
  method: 'post',
  path: '/auth/accept-invitation',
  operationId: 'acceptInvitation',
  summary: 'Accept an invitation',
  description: 'Makes the account of an invitation, signs it in and sets the cookie. A link works once.',
  request: { body: { required: true, content: { 'application/json': { schema: AcceptInvitationSchema } } } },
  responses: {
    201: {
      description: 'The account, which is signed in',
      content: { 'application/json': { schema: AccountSchema } },
    },
    ...problemResponses(
      invalid('password', 'must have at least 12 characters'),
      ...bodyCodes,
      'cross_site_request',
      'invalid_invitation',
      'too_many_failed_attempts',
      'overloaded',
      'database_busy',
    ),
  },
});

export type InvitationRouteParts = { invitations: InvitationService; cookies: SessionCookies };

export const publicInvitationRoutes: OpenRoute[] = [{ ...acceptInvitation, check: refuseCrossSite }];

export const invitationRoutes = ({ invitations, cookies }: InvitationRouteParts) =>
  createRouter()
    .openapi(createInvitation, async (c) => {
      const { password, scopes = [], ...wanted } = c.req.valid('json');
      const { invitation, token } = await invitations.create({ ...wanted, scopes }, actorOf(c), password);
      const url = `${cookies.originOf(c)}${PAGE}${token}`;
      return c.json({ ...presentInvitation(invitation), token, url }, 201);
    })
    .openapi(listInvitations, async (c) => {
      const found = await invitations.list(actorOf(c));
      return c.json({ invitations: found.map(presentInvitation) }, 200);
    })
    .openapi(deleteInvitation, async (c) => {
      await invitations.delete(c.req.valid('param').id, actorOf(c));
      return c.body(null, 204);
    })
    .openapi(acceptInvitation, async (c) => {
      const { account, token } = await invitations.accept(c.req.valid('json'), visitorOf(c));
      cookies.set(c, SESSION_COOKIE, token);
      return c.json(presentAccount(account), 201);
    });
