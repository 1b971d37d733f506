/** Keyhearth's processes send each other messages here, by LISTEN and NOTIFY. One channel keeps them in one order. */
export const CHANNEL = 'keyhearth';

/** Sent by a trigger, so for every change that is committed, by any program. Migration 0003 holds the trigger. */
export const CHANGE = 'change';
