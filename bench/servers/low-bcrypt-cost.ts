import { parseConfig } from '../../src/config.ts';
import { createLogger, standardOutput } from '../../src/lib/logger.ts';
import { serve, sharedMemory } from '../../src/serve.ts';

/** Keyhearth with a lower cost of bcrypt than its settings take. The shorter a comparison, the more all else shows. */

const config = { ...parseConfig(process.env), bcryptCost: Number(process.env.BENCH_BCRYPT_COST) };
const { host, port, logLevel } = config;
const logger = createLogger(logLevel, standardOutput(false));
await serve(config, logger, { core: { host, port, isShared: false } }, sharedMemory(config));
