/** `keyhearth/client`: the typed client. It has no dependencies. */
export { type CallOptions, type Client, type ClientOptions, createClient } from './client.ts';
export type { CallError, FieldError, ProblemError, Result, Success } from './result.ts';
export type {
  ApiKey,
  BootstrapStatus,
  CreatedApiKey,
  KeyChange,
  KeyFilter,
  KeyPage,
  KeySettings,
  KeySource,
  KeyStatus,
  LimitState,
  NewKey,
  Rotation,
  Verification,
  VerifyOptions,
} from './types.ts';
