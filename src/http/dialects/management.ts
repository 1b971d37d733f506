import type { Failure } from '../../lib/failure.ts';
import type { Dialect } from '../dialect.ts';
import { NO_STORE, SECURITY_HEADERS } from '../security-headers.ts';
import { describe } from './openai.ts';
import { describeProblem } from './problem.ts';

/** Where the `type` of the original says more than a class of errors. */
function typeOf(failure: Failure): string {
  if (failure.code === 'management_refused' && failure.reason === 'disabled') return 'not_found';
  if (failure.code === 'management_invalid' && ['item', 'session', 'file'].includes(failure.reason))
    return 'not_found';
  if (failure.code === 'gateway_config_invalid') return failure.reason;
  if (failure.code === 'gateway_config_changed') return 'conflict';
  return describe(failure).type;
}

/** A text that is no YAML is malformed. Any other broken rule is a rule of the configuration. */
const statusOf = (failure: Failure, usual: number) =>
  failure.code === 'gateway_config_invalid' && failure.reason === 'invalid_yaml' ? 400 : usual;

/** The dialect of the management API: `{"error": {"message", "type"}}`. */
export const management: Dialect = (failure) => {
  const { document, headers } = describeProblem(failure, (usual) => statusOf(failure, usual));
  const message = failure.code === 'not_found' ? 'Not Found' : document.detail;
  return {
    status: document.status,
    headers: { ...SECURITY_HEADERS, ...NO_STORE, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ error: { message, type: typeOf(failure) } }),
  };
};
