import { ApiError } from '../lib/api.ts';
import { wait } from '../lib/words.ts';

/** What the person can do about a failure that the sentence of the service does not say. */
function advice({ status, message, retryAfter }: ApiError): string | undefined {
  const saysWhen = /try again in/i.test(message);
  if (retryAfter !== undefined && !saysWhen) return `You can try again in ${wait(retryAfter)}.`;
  if (status === 403) return 'Ask an administrator if you need this.';
  if (status === 404) return 'Somebody may have deleted it. Load the page again.';
  if (status === 409) return 'Nothing was changed.';
  if (status === 503) return saysWhen ? undefined : 'Try again in a moment. What you typed is still here.';
  if (status >= 500)
    return 'Nothing else is wrong with your request. The log of the service has the details.';
  return undefined;
}

const FILTERS: Record<string, string> = {
  account_id: 'Account',
  label: 'Name',
  key_id: 'Number of the key',
  actor: 'Who',
  from: 'From',
  to: 'Before',
  action: 'What',
};

const filterInWords = (path: string) => FILTERS[path] ?? path.charAt(0).toUpperCase() + path.slice(1);

/** A filter that the service does not understand. The same request would fail again. */
export const WrongFilter = ({ error: { errors } }: { error: ApiError }) => (
  <div class="message bad" role="alert">
    <p>
      {errors
        .map(({ path, message }) => (message.endsWith('.') ? message : `${filterInWords(path)} ${message}.`))
        .join(' ')}{' '}
      Change the filter.
    </p>
  </div>
);

/** Where the person sees whether a change was made, when its answer was lost. */
export type CheckAt = { href: string; text: string };

type FailureProps = {
  error: Error;
  /** What the button "Try again" does. Without it, there is no button. */
  retry?: (() => void) | undefined;
  checkAt?: CheckAt | undefined;
};

/** A failure, in words. */
export function Failure({ error, retry, checkAt }: FailureProps) {
  const more = error instanceof ApiError ? advice(error) : undefined;
  const detail = error instanceof ApiError ? error.message : 'The page has a fault. Load it again.';
  return (
    <div class="message bad" role="alert">
      <p>
        {detail} {more}
      </p>
      {checkAt && error instanceof ApiError && error.code === 'unreachable' && (
        // In a new tab, because this page keeps what was typed.
        <a class="button small" href={checkAt.href} target="_blank" rel="noopener">
          {checkAt.text}
        </a>
      )}
      {retry && (
        <button type="button" class="small" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
