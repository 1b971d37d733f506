import { readFileSync } from 'node:fs';
import { createLogger, standardOutput } from '../../src/lib/logger.ts';

/** Logs the texts of a JSON file to its standard output, flushes once and ends at once. */

const texts: string[] = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const output = standardOutput(process.stdout.isTTY);
const logger = createLogger('info', output);
for (const text of texts) logger.info(text);
await output.flush();
process.exit(0);
