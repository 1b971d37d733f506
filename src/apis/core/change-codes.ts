import { bodyCodes, guardCodes } from '../../http/dialects/problem-openapi.ts';

/** The failures of each change that a person confirms with the password. */
export const changeCodes = [
  ...bodyCodes,
  ...guardCodes,
  'invalid_session',
  'invalid_sign_in',
  'two_factor_setup_required',
  'recent_sign_in_required',
  'cross_site_request',
  'too_many_sign_in_attempts',
  'overloaded',
  'database_busy',
] as const;
