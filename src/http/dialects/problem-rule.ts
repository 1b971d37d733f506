import type { FailureCode, FailureOf, FieldError } from '../../lib/failure.ts';

/** How the problem dialect renders a failure. */
export type Rule<Code extends FailureCode> = {
  status: number | ((failure: FailureOf<Code>) => number);
  /** A sentence for a person, or the function that makes it. */
  detail: string | ((failure: FailureOf<Code>) => string);
  /** The invalid fields of the request, and what is wrong with each. */
  errors?: (failure: FailureOf<Code>) => readonly FieldError[];
  /** What the client can do, if `detail` does not say that. */
  hint?: string;
  headers?: (failure: FailureOf<Code>) => Record<string, string>;
};
