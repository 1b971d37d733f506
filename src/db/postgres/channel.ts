/** The channel of LISTEN and NOTIFY between the processes. Messages of one channel keep their order. */
export const CHANNEL = 'keyhearth';

/** The trigger of migration 0003 sends it for each committed change, also for changes by other programs. */
export const CHANGE = 'change';
