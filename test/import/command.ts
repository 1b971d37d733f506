import { type Ended, keyhearth } from '../cli/command.ts';
import { databaseFor } from '../support/keyhearth.ts';

/** Runs `keyhearth import` on a data directory. */
export const runImport = async (dataDir: string, args: readonly string[], input = ''): Promise<Ended> =>
  keyhearth(['import', ...args], {
    env: { KEYHEARTH_DATA_DIR: dataDir, ...(await databaseFor(dataDir)) },
    input,
  });
