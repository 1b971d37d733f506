/** The outcome of a call. A call never throws. */
export type Result<Data> = Success<Data> | { ok: false; error: CallError };

export type Success<Data> = { ok: true; data: Data; headers: Headers };

/** One invalid field of a request. */
export type FieldError = { path: string; message: string };

/** What every error has. */
type Described = {
  /** A sentence for people. It contains no key. */
  message: string;
};

/** Keyhearth answered with an error. */
export type ProblemError = Described & {
  kind: 'problem';
  status: number;
  /** The stable code of the error, such as `invalid_api_key`. See docs/errors.md. */
  code: string;
  hint: string | undefined;
  /** Each invalid field, when the request is invalid. */
  errors: FieldError[];
  /** The seconds to wait, where the answer says that. */
  retryAfter: number | undefined;
  headers: Headers;
};

/** Why a call has no data. */
export type CallError =
  | ProblemError
  /** Keyhearth did not answer in time. A change may have happened. */
  | (Described & { kind: 'timeout' })
  /** The caller aborted the call. A change may have happened. */
  | (Described & { kind: 'aborted' })
  /** No connection, or a connection that broke. */
  | (Described & { kind: 'unreachable'; cause: unknown })
  /** Something that is not Keyhearth answered, for example a proxy. */
  | (Described & { kind: 'unexpected_answer'; status: number });

export const failed = (error: CallError): { ok: false; error: CallError } => ({ ok: false, error });
