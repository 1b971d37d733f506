/** Carries the bootstrap token, where the operator has set one. */
/**
 * A page sends the id of the account that it shows. A session of another account is then refused as ended: somebody may
 * have signed in in another tab of the same browser.
 */
export const ACCOUNT_HEADER = 'x-keyhearth-account';

export const BOOTSTRAP_TOKEN_HEADER = 'X-Bootstrap-Token';
