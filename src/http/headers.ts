/** Carries the bootstrap token, where the operator has set one. */
export const BOOTSTRAP_TOKEN_HEADER = 'X-Bootstrap-Token';
