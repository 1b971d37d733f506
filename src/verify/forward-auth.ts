import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import type { ResolveClient } from '../http/client-address.ts';
import { headersOf, type Principal } from '../http/env.ts';
import type { Admission, Guard } from '../http/guard.ts';
import { explain, renderProblem } from '../http/problem.ts';
import { logAnswer } from '../http/request-log.ts';
import type { Problem } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { remembering } from '../lib/remembering.ts';
import { deniedAs403, identityHeaders, verifiedText } from './present.ts';
import { VERIFY_PATH } from './routes.ts';

type Answer = { status: number; headers: string[]; body: string; encoding: 'latin1' | 'utf8' };

const NAMED_HOST = /^[\w.-]+(?::[1-5]?\d{1,4})?$/;
const IPV6_HOST = /^\[([\da-f:]+)\](?::[1-5]?\d{1,4})?$/i;

/** Whether any other Host is valid is for the framework to say. */
const isPlainHost = (host = '') => NAMED_HOST.test(host) || isIPv6(IPV6_HOST.exec(host)?.[1] ?? '');

/**
 * Answers `GET` and `HEAD` of `/auth/verify` in front of the framework, whose way from socket to answer takes several
 * times as long as all that is decided here. It takes the two forms of the target that proxies are told to use; false
 * for any other request. Whatever it says, `routes.ts` would say too: test/verify/forward-auth.test.ts compares them.
 */
export function forwardAuth(guard: Guard, resolveClient: ResolveClient, logger: Logger) {
  // Few refusals differ. What was said of each key is not kept: to find it again takes longer than to say it again.
  const refused = remembering(answerRefused);

  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const { method, url } = request;
    if (method !== 'GET' && method !== 'HEAD') return false;
    if (!isPlainHost(request.headers.host)) return false;
    if (url !== VERIFY_PATH && url !== `${VERIFY_PATH}?deny=403`) return false;
    const start = performance.now();
    const requestId = randomUUID();
    const header = headersOf(request);
    const client = resolveClient(request.socket.remoteAddress, header('x-forwarded-for'));

    function decide(): Admission | Promise<Admission> {
      const problem = guard.refuseLocked(client);
      return problem ? { state: 'refused', problem } : guard.admit(client, header);
    }

    const answer = (admission: Admission): void => {
      const key = admission.state === 'admitted' ? admission.key : undefined;
      const { status, headers, body, encoding } =
        admission.state === 'admitted' ? answerVerified(admission.key) : refused(admission.problem);
      const told = url === VERIFY_PATH ? status : deniedAs403(status);
      response.writeHead(told, ['X-Request-Id', requestId, ...headers]).end(body, encoding);
      logAnswer(logger, key ? 'debug' : 'info', start, {
        request_id: requestId,
        method,
        route: VERIFY_PATH,
        status: told,
        code: admission.state === 'refused' ? admission.problem.code : undefined,
        client: client.address,
        key_id: key?.id,
      });
    };

    const fail = (error: unknown) => answer({ state: 'refused', problem: explain(error, logger, requestId) });

    try {
      const admission = decide();
      if (admission instanceof Promise) admission.then(answer).catch(fail);
      else answer(admission);
    } catch (error) {
      fail(error);
    }
    return true;
  };
}

function answerVerified(key: Principal): Answer {
  const identity = identityHeaders(key);
  const headers = [
    ...['Content-Type', 'application/json', 'Cache-Control', 'no-store'],
    ...['X-Keyhearth-Key-Id', identity['X-Keyhearth-Key-Id']],
    ...['X-Keyhearth-Label', identity['X-Keyhearth-Label']],
  ];
  return render(200, headers, verifiedText(key));
}

function answerRefused(problem: Problem): Answer {
  const { status, headers, body } = renderProblem(problem);
  return render(status, Object.entries(headers).flat(), body);
}

/** @param headers names and values in turn */
function render(status: number, headers: readonly string[], body: string): Answer {
  const length = Buffer.byteLength(body);
  return {
    status,
    headers: [...headers, 'X-Content-Type-Options', 'nosniff', 'Content-Length', String(length)],
    body,
    // Text without a character beyond ASCII is written in half the time when Node is told so.
    encoding: length === body.length ? 'latin1' : 'utf8',
  };
}
