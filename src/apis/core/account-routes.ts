import { createRoute } from '@hono/zod-openapi';
import type { AccountService } from '../../accounts/service.ts';
import { actorOf } from '../../http/context.ts';
import { guardCodes, invalid, problemResponses } from '../../http/dialects/problem-openapi.ts';
import { createRouter } from '../../http/router.ts';
import { needsAdmin } from '../required-scope.ts';
import { AccountSchema, presentAccount } from './account-schemas.ts';
import { changeCodes } from './change-codes.ts';
import {
  AccountParamsSchema,
  AccountsSchema,
  ConfirmationSchema,
  DeleteAccountQuerySchema,
  UpdateAccountSchema,
} from './people-schemas.ts';

const common = { tags: ['Accounts'], ...needsAdmin };
const badId = invalid('id', 'must be the id of an account');
const params = { params: AccountParamsSchema };
const optionalPassword = {
  required: false,
  content: { 'application/json': { schema: ConfirmationSchema } },
};
const anAccount = {
  description: 'The account',
  content: { 'application/json': { schema: AccountSchema } },
};

const listAccounts = createRoute({
  ...common,
  method: 'get',
  path: '/auth/accounts',
  operationId: 'listAccounts',
  summary: 'List accounts',
  description: 'Lists all accounts, the oldest first.',
  responses: {
    200: { description: 'All accounts', content: { 'application/json': { schema: AccountsSchema } } },
    ...problemResponses(...guardCodes, 'invalid_session', 'two_factor_setup_required'),
  },
});

const getAccount = createRoute({
  ...common,
  method: 'get',
  path: '/auth/accounts/{id}',
  operationId: 'getAccount',
  summary: 'Get an account',
  description: 'Reads one account.',
  request: params,
  responses: {
    200: anAccount,
    ...problemResponses(
      badId,
      ...guardCodes,
      'invalid_session',
      'two_factor_setup_required',
      'account_not_found',
    ),
  },
});

const updateAccount = createRoute({
  ...common,
  method: 'patch',
  path: '/auth/accounts/{id}',
  operationId: 'updateAccount',
  summary: 'Change an account',
  description:
    'Changes the name, the role or the scopes. The keys of the account keep only the scopes that it still holds. Sessions continue, with the new role. An account that registered itself needs an approval before its role or scopes can change.',
  request: {
    ...params,
    body: { required: true, content: { 'application/json': { schema: UpdateAccountSchema } } },
  },
  responses: {
    200: anAccount,
    ...problemResponses(
      invalid('role', 'must be admin or member'),
      ...changeCodes,
      'account_not_found',
      'last_admin_required',
      'last_active_api_key_required',
    ),
  },
});

const approveAccount = createRoute({
  ...common,
  method: 'post',
  path: '/auth/accounts/{id}/approve',
  operationId: 'approveAccount',
  summary: 'Approve an account',
  description:
    'Approves an account that registered itself. Its keys are then valid everywhere. Nothing happens if the account is approved.',
  request: { ...params, body: optionalPassword },
  responses: { 200: anAccount, ...problemResponses(badId, ...changeCodes, 'account_not_found') },
});

const deleteAccount = createRoute({
  ...common,
  method: 'delete',
  path: '/auth/accounts/{id}',
  operationId: 'deleteAccount',
  summary: 'Delete an account',
  description:
    'Deletes an account and ends its sessions. You choose what happens to its keys: `keys=delete` deletes them, and `keys_to` gives them to another account. You cannot undo this.',
  request: { ...params, query: DeleteAccountQuerySchema, body: optionalPassword },
  responses: {
    204: { description: 'The account is deleted' },
    ...problemResponses(
      invalid('keys', 'must be delete, unless keys_to names the account that gets the keys'),
      ...changeCodes,
      'account_not_found',
      'last_admin_required',
      'last_active_api_key_required',
    ),
  },
});

const resetTwoFactor = createRoute({
  ...common,
  method: 'delete',
  path: '/auth/accounts/{id}/two-factor',
  operationId: 'resetTwoFactor',
  summary: 'Remove the second factor of another person',
  description:
    'Removes a second factor, for example when a phone is lost. All sessions of the account end. To disable your own, use `POST /auth/self/two-factor/disable`.',
  request: { ...params, body: optionalPassword },
  responses: {
    204: { description: 'The account has no second factor' },
    ...problemResponses(badId, ...changeCodes, 'account_not_found', 'two_factor_not_enabled'),
  },
});

export type AccountRouteParts = { accounts: AccountService };

export const accountRoutes = ({ accounts }: AccountRouteParts) =>
  createRouter()
    .openapi(listAccounts, async (c) =>
      c.json({ accounts: (await accounts.list(actorOf(c))).map(presentAccount) }, 200),
    )
    .openapi(getAccount, async (c) =>
      c.json(presentAccount(await accounts.get(c.req.valid('param').id, actorOf(c))), 200),
    )
    .openapi(updateAccount, async (c) => {
      const { password, ...change } = c.req.valid('json');
      const account = await accounts.update(c.req.valid('param').id, change, actorOf(c), password);
      return c.json(presentAccount(account), 200);
    })
    .openapi(approveAccount, async (c) => {
      const { password } = c.req.valid('json');
      return c.json(
        presentAccount(await accounts.approve(c.req.valid('param').id, actorOf(c), password)),
        200,
      );
    })
    .openapi(deleteAccount, async (c) => {
      const { password } = c.req.valid('json');
      await accounts.delete(c.req.valid('param').id, c.req.valid('query'), actorOf(c), password);
      return c.body(null, 204);
    })
    .openapi(resetTwoFactor, async (c) => {
      const { password } = c.req.valid('json');
      await accounts.resetTwoFactor(c.req.valid('param').id, actorOf(c), password);
      return c.body(null, 204);
    });
