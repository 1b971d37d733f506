import { randomBytes } from 'node:crypto';
import type { Answered, AnswerLog } from '../lib/answered.ts';
import type { Exporter } from './exporter.ts';
import { parseTraceparent } from './span.ts';

/**
 * Makes a span of each request that is logged. It has no key, no address of a client and no query.
 * @param ratio the part of the requests that are traced when the client does not decide
 */
export const tracingRequests = <Request extends Answered>(
  log: AnswerLog<Request>,
  { add }: Pick<Exporter, 'add'>,
  ratio: number,
): AnswerLog<Request> => ({
  answered(request, start, usual, incoming) {
    log.answered(request, start, usual, incoming);
    const parent = parseTraceparent(String(incoming?.headers.traceparent ?? ''));
    if (!(parent ? parent.isSampled : Math.random() < ratio)) return;
    const { request_id, method = 'HTTP', route, status, code, upstream } = request;
    add({
      traceId: parent?.traceId ?? randomBytes(16).toString('hex'),
      spanId: randomBytes(8).toString('hex'),
      parentId: parent?.spanId,
      name: route === undefined ? method : `${method} ${route}`,
      startMs: performance.timeOrigin + start,
      endMs: performance.timeOrigin + performance.now(),
      attributes: {
        'http.request.method': method,
        'http.route': route,
        'http.response.status_code': status,
        'error.type': code,
        'keyhearth.request_id': request_id,
        'keyhearth.upstream': upstream,
      },
      isError: status >= 500,
    });
  },
  close: log.close,
});
