import type { IncomingMessage, ServerResponse } from 'node:http';
import { readGatewayKeys } from '../../auth/by/gateway-key.ts';
import type { Protocol } from '../../gateway-file/config.ts';
import type { LiveConfig } from '../../gateway-file/live.ts';
import { failureOf } from '../../http/failures.ts';
import type { RequestLog } from '../../http/request-log.ts';
import { RawKey } from '../../lib/brand.ts';
import type { Logger } from '../../lib/logger.ts';
import { andThen, type MaybePromise } from '../../lib/maybe-promise.ts';
import { type Credential, ofAmp } from '../../upstreams/credential.ts';
import type { ModelList } from '../../upstreams/models.ts';
import { modelInPath, parseTarget, type Target, withoutPrefix } from '../../upstreams/target.ts';
import type { Upstreams } from '../../upstreams/upstreams.ts';
import {
  type Admitted,
  type AuthenticateClient,
  type ClientAuthentication,
  requestReader,
} from './authenticate-client.ts';
import { type ByteBudget, budgetClientOf } from './byte-budget.ts';
import { PREFLIGHT } from './cors.ts';
import { answerJson, beginExchange, type Exchange, fail } from './exchange.ts';
import { createForward, type ForwardParts, type Order } from './forward.ts';
import { type Hold, openHold } from './held-bytes.ts';
import { streamed, untilModel } from './request-body.ts';
import { asksModel, isOwned, routeOf, type Service } from './routes.ts';
import type { ModelUsage } from './usage.ts';

/** TRACE would show the client what the upstream gets. */
const METHODS: readonly string[] = ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT'];

export type ClientApiParts = Readonly<{
  live: Pick<LiveConfig, 'current'>;
  authenticateClient: AuthenticateClient;
  /** Whether a raw key is the one that a request was admitted with. */
  isKeyOf: (rawKey: RawKey, admitted: Admitted) => MaybePromise<boolean>;
  agent: ForwardParts['agent'];
  upstreams: Pick<Upstreams, 'route' | 'take' | 'rest'>;
  models: () => Promise<ModelList>;
  usage: ModelUsage;
  budget: ByteBudget;
  requestLog: RequestLog;
  logger: Logger;
}>;

/**
 * The API of the gateway for clients: it passes requests on to model providers. The framework would hold and copy what
 * passes here, so this is a plain handler.
 * @returns a handler that says whether it takes a request
 */
export function createClientApi(parts: ClientApiParts) {
  const { live, authenticateClient, isKeyOf, upstreams, models, usage, budget, requestLog, logger } = parts;
  const forward = createForward({ ...parts, createTokenReader: usage.createTokenReader });

  function failWith(exchange: Exchange, error: unknown): void {
    fail(exchange, failureOf(error, logger, exchange.requestId));
  }

  function enter(exchange: Exchange, authentication: ClientAuthentication): MaybePromise<void> {
    const { request, response } = exchange;
    exchange.client = authentication.client.address;
    if (authentication.state === 'refused') return fail(exchange, authentication.failure);
    const { principal, limits, release } = authentication;
    exchange.principal = principal;
    exchange.limits = limits;
    exchange.release = release;
    // It left while a look-up was waited for, so nothing gives the place back later.
    if (response.destroyed) return release();
    const target = parseTarget(request.url ?? '');
    if (!target) return fail(exchange, { code: 'malformed_request', reason: 'target' });
    const { service, pattern } = routeOf(target.path, request.method);
    exchange.route = pattern;
    if (!METHODS.includes(request.method ?? ''))
      return fail(exchange, { code: 'method_not_allowed', allow: METHODS });
    return serve(exchange, service, target, authentication);
  }

  function serve(
    exchange: Exchange,
    service: Service,
    target: Target,
    admitted: Admitted,
  ): MaybePromise<void> {
    switch (service) {
      case 'models':
      case 'model':
        return showModels(exchange, target);
      case 'amp':
        return forwardToAmp(exchange, target, admitted);
      default:
        return forwardModel(exchange, service, target);
    }
  }

  async function showModels(exchange: Exchange, { path }: Target): Promise<void> {
    const { method } = exchange.request;
    if (method !== 'GET' && method !== 'HEAD')
      return fail(exchange, { code: 'method_not_allowed', allow: ['GET', 'HEAD'] });
    const { models: all } = await models();
    const id = path.slice('/v1/models/'.length);
    if (id === '') {
      const [first, last] = [all[0]?.id ?? null, all.at(-1)?.id ?? null];
      return answerJson(exchange, {
        object: 'list',
        data: all,
        has_more: false,
        first_id: first,
        last_id: last,
      });
    }
    const model = all.find((candidate) => candidate.id === id);
    return model ? answerJson(exchange, model) : fail(exchange, { code: 'not_found' });
  }

  /** What is held of a body is dropped when the exchange ends. */
  function openHoldOf(exchange: Exchange): Hold {
    const hold = openHold(budget(budgetClientOf(exchange.principal)));
    const { release } = exchange;
    exchange.release = () => {
      hold.drop();
      release?.();
    };
    return hold;
  }

  async function forwardModel(exchange: Exchange, protocol: Protocol, target: Target): Promise<void> {
    const { path } = target;
    const inPath = protocol === 'gemini' ? modelInPath(path) : undefined;
    const body =
      inPath === undefined
        ? await untilModel(exchange.request, () => openHoldOf(exchange))
        : streamed(exchange.request);
    const model = inPath ?? body.model;
    const { pool, prefix } = upstreams.route(protocol, model);
    const name = prefix === null ? (model ?? '') : (model ?? '').slice(prefix.length + 1);
    const order =
      inPath !== undefined && prefix !== null
        ? { pool, target: { ...target, path: withoutPrefix(path, prefix) }, body, prefix: null }
        : { pool, target, body, prefix };
    send(exchange, order, name);
  }

  async function forwardToAmp(exchange: Exchange, target: Target, admitted: Admitted): Promise<void> {
    const pool = await ampCredentials(exchange.request, admitted);
    if (!pool) return fail(exchange, { code: live.current().amp ? 'no_upstream_credential' : 'no_upstream' });
    send(exchange, { pool, target, body: streamed(exchange.request), prefix: null }, '');
  }

  /** A client has an upstream key of its own, or the one for all others. */
  async function ampCredentials(
    request: IncomingMessage,
    admitted: Admitted,
  ): Promise<Credential[] | undefined> {
    const { amp } = live.current();
    if (!amp) return undefined;
    for (const key of readGatewayKeys(requestReader(request)).map(RawKey)) {
      const own = amp.byClientKey.get(key);
      // A request may carry several keys, and only one of them was verified.
      if (own !== undefined && (await isKeyOf(key, admitted))) return ofAmp(amp.upstreamUrl, own);
    }
    return amp.apiKey === null ? undefined : ofAmp(amp.upstreamUrl, amp.apiKey);
  }

  function send(exchange: Exchange, order: Order, model: string): void {
    forward(exchange, order, ({ isFailure, reader }) => {
      const { input = 0, output = 0 } = reader?.tokens() ?? {};
      const keyId = exchange.principal?.id ?? 0;
      usage.countModel({
        ...{ keyId, model, isFailure, asksModel: asksModel(order.target, exchange.request.method) },
        ...{ inputTokens: input, outputTokens: output },
      });
    });
  }

  /** The browser asks before it sends a request with a key, and sends no key with the question. */
  function answerPreflight(exchange: Exchange): void {
    exchange.response.writeHead(204, ['X-Request-Id', exchange.requestId, ...PREFLIGHT]).end();
  }

  function begin(exchange: Exchange): void {
    try {
      const done = andThen(authenticateClient(exchange.request), (result) => enter(exchange, result));
      if (done instanceof Promise) done.catch((error: unknown) => failWith(exchange, error));
    } catch (error) {
      failWith(exchange, error);
    }
  }

  // Requests of one turn of the event loop are authenticated at its end. One check of the database serves all of them.
  let arrived: Exchange[] = [];

  function beginArrived(): void {
    const exchanges = arrived;
    arrived = [];
    for (const exchange of exchanges) begin(exchange);
  }

  return (request: IncomingMessage, response: ServerResponse): boolean => {
    if (!isOwned(request.url ?? '')) return false;
    const isForPages = live.current().clientKeys.length > 0;
    const exchange = beginExchange(request, response, isForPages, requestLog);
    if (request.method === 'OPTIONS' && isForPages) {
      answerPreflight(exchange);
      return true;
    }
    if (arrived.length === 0) setImmediate(beginArrived);
    arrived.push(exchange);
    return true;
  };
}
