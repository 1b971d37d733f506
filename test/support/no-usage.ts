import type { Usage } from '../../src/auth/count-outcome.ts';

/** Counts nothing. */
export const noUsage: Usage = { countUse: () => undefined, countVerification: () => undefined };
