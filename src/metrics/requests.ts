import type { Answered, AnswerLog } from '../lib/answered.ts';
import type { Port } from './catalogue.ts';
import type { Meter } from './meter.ts';

/** What the routes answer. Somebody can send any other word as a method. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const OTHER_METHOD = METHODS.length;
const methodNumbers = new Map(METHODS.map((method, number) => [method, number]));

const VERIFY = '/auth/verify';

/** How an answer is counted. */
type Latest = Readonly<{
  route: string;
  method: string | undefined;
  status: number;
  counted: () => void;
  record: (seconds: number) => void;
}>;

/** What is counted of one route. `byAnswer`: by status and method. */
type Route = { record: (seconds: number) => void; byAnswer: Map<number, () => void> };

/** Counts the requests of a port as they are logged. Each request passes the log exactly once, whatever the log writes. */
export function countingRequests<Request extends Answered>(
  meter: Meter,
  port: Port,
  log: AnswerLog<Request>,
): AnswerLog<Request> {
  const verifications = meter.histogram('verificationSeconds');
  const others = meter.histogram(port === 'core' ? 'requestSeconds' : 'gatewaySeconds');
  const routes = new Map<string, Route>();
  const refusals = new Map<string, () => void>();
  const upstreams = new Map<string, () => void>();

  function routeOf(pattern: string): Route {
    const isVerification = pattern === VERIFY || pattern.startsWith(`${VERIFY}/`);
    const route = { record: isVerification ? verifications : others, byAnswer: new Map() };
    routes.set(pattern, route);
    return route;
  }

  function addAnswer({ byAnswer }: Route, pattern: string, method: number, status: number): () => void {
    const labels = [port, METHODS[method] ?? 'other', pattern, String(status)];
    const count = meter.series('requests', labels);
    byAnswer.set(status * 8 + method, count);
    return count;
  }

  function countUpstream(upstream: string, status: number): void {
    const name = `${status} ${upstream}`;
    let count = upstreams.get(name);
    if (!count) {
      count = meter.series('upstreams', [upstream, String(status)]);
      upstreams.set(name, count);
    }
    count();
  }

  function countRefusal(code: string): void {
    let count = refusals.get(code);
    if (!count) {
      count = meter.series('refusals', [port, code]);
      refusals.set(code, count);
    }
    count();
  }

  function counterOf({ route: pattern = 'none', method, status }: Answered): Latest {
    const route = routes.get(pattern) ?? routeOf(pattern);
    const number = methodNumbers.get(method ?? '') ?? OTHER_METHOD;
    const counted = route.byAnswer.get(status * 8 + number) ?? addAnswer(route, pattern, number, status);
    return { route: pattern, method, status, counted, record: route.record };
  }

  /** Most requests are like the one before. To compare three values is faster than to look them up. */
  let latest: Latest | undefined;

  function count(answered: Answered, start: number): void {
    const { method, route, status, code, upstream } = answered;
    if (latest?.route !== route || latest?.status !== status || latest?.method !== method)
      latest = counterOf(answered);
    latest.counted();
    // A WebSocket is answered when it opens.
    latest.record((performance.now() - start) / 1_000);
    if (code !== undefined) countRefusal(code);
    if (upstream !== undefined) countUpstream(upstream, status);
  }

  return {
    answered(request, start, usual, incoming) {
      count(request, start);
      log.answered(request, start, usual, incoming);
    },
    close: log.close,
  };
}
