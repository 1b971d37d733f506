import type { ComponentChildren } from 'preact';
import { ApiError } from '../lib/api.ts';
import type { Loaded } from '../lib/use-load.ts';
import { Failure, WrongFilter } from './failure.tsx';

export function PageHead({
  title,
  intro,
  children,
}: {
  title: ComponentChildren;
  intro?: ComponentChildren;
  children?: ComponentChildren;
}) {
  return (
    <header class="page-head">
      <div>
        <h1>{title}</h1>
        {intro && <p class="quiet">{intro}</p>}
      </div>
      <div class="row">{children}</div>
    </header>
  );
}

export const Card = ({ title, children }: { title?: string; children: ComponentChildren }) => (
  <section class="card" aria-label={title}>
    {title && <h2>{title}</h2>}
    {children}
  </section>
);

/** What stands in the place of a list that has no entries. */
export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <h2>{title}</h2>
    {children}
  </div>
);

export const Loading = () => (
  <p class="loading" role="status">
    Loading…
  </p>
);

type ShownProps<Value> = {
  of: Loaded<Value>;
  retry: () => void;
  children: (value: Value) => ComponentChildren;
};

/** The service takes every other request of a page that reads. */
export const isWrongFilter = (error: Error): error is ApiError =>
  error instanceof ApiError && error.status === 400 && error.errors.length > 0;

/** Shows a value when it is there, and says so while it loads or when that failed. */
export function Shown<Value>({ of, retry, children }: ShownProps<Value>) {
  // What was there before is no answer to this filter.
  if (of.state === 'failed' && isWrongFilter(of.error)) return <WrongFilter error={of.error} />;
  const hasValue = of.state === 'ready' || of.value !== undefined;
  return (
    <>
      {of.state === 'failed' && <Failure error={of.error} retry={retry} />}
      {hasValue ? (
        <div class={of.state === 'loading' ? 'stale' : undefined} aria-busy={of.state === 'loading'}>
          {children(of.value as Value)}
        </div>
      ) : (
        of.state === 'loading' && <Loading />
      )}
    </>
  );
}

/** Text of people: it may be long, empty, or run from right to left. */
export const Name = ({ children, none }: { children: string; none: string }) =>
  children === '' ? (
    <span class="quiet">{none}</span>
  ) : (
    <bdi class="name" title={children}>
      {children}
    </bdi>
  );
