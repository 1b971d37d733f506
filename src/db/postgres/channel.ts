/** Where Keyhearth's processes tell each other something, by LISTEN and NOTIFY. One channel, so that all comes in one order. */
export const CHANNEL = 'keyhearth';

/** Told by a trigger, so of every change that is committed, whoever made it. */
export const CHANGE = 'change';
