import { pino } from 'pino';
import { compose } from '../../src/compose.ts';
import { parseConfig } from '../../src/config.ts';

/** Two starts in a new directory take some twenty milliseconds; the next begins when all are over for sure. */
const EVERY_MS = 150;

/**
 * Run by several processes at once, with the same arguments: opens one data directory after the other, each at a moment
 * that the clock gives, so that they all do it together.
 */
const [firstAt, ...directories] = process.argv.slice(2);
const logger = pino({ level: 'silent' });
const refused: string[] = [];
let opened = 0;

process.umask(0o077);
for (const [i, dataDir] of directories.entries()) {
  const config = parseConfig({ KEYHEARTH_DATA_DIR: dataDir });
  const moment = Number(firstAt) + i * EVERY_MS;
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, moment - Date.now() - 5)));
  // A timer may be late by a millisecond or two, and that is all the time there is to collide in.
  while (Date.now() < moment);
  try {
    const keyhearth = await compose(config, logger);
    opened++;
    await keyhearth.close();
  } catch (error) {
    refused.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}
process.stdout.write(JSON.stringify({ opened, refused }));
