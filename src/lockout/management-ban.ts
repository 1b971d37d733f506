import type { LockoutPolicy } from './lockout.ts';

/** As the original does: five failures ban an address for half an hour. */
export const MANAGEMENT_BAN: LockoutPolicy = { attempts: 5, seconds: 30 * 60, by: 'address' };
