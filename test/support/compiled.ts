import { join } from 'node:path';

/** Keeps what Node compiles of the program, so that all starts but the first compute half as long. */
export const COMPILED = {
  NODE_COMPILE_CACHE: join(import.meta.dirname, '../../node_modules/.cache/keyhearth-tests'),
};
