/** How many workers are compared with one on so many cores, of which one is left to the load generator. */
export const workersOn = (cores: number) => Math.max(2, cores - 1);

/** Without a core for each worker and one for the load generator, several workers cannot be faster than one. */
export const coresNeeded = (cores: number) => workersOn(cores) + 1;

export const hasRoomForWorkers = (cores: number) => cores >= coresNeeded(cores);
