import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findGenerator } from './load.ts';
import { makeWorkDirectory, residentMb, startKeyhearth } from './processes.ts';
import { assertExpected } from './rounds.ts';
import { SINGLE } from './scenarios.ts';
import { makeDataDirectory, writeKeys } from './seed.ts';

/**
 * Full speed for ten minutes, or as many as are given, good keys and ever-new wrong ones in turn: the memory must be
 * flat after the first minute, and every answer right.
 */

const SLICE_SECONDS = 10;
const MAY_GROW_BY = 1.1;

const directory = makeWorkDirectory('keyhearth-soak-');

async function soak(minutes: number): Promise<void> {
  const generator = await findGenerator();
  const dataDir = join(directory, 'data');
  mkdirSync(dataDir, { mode: 0o700 });
  const goodKeys = writeKeys(join(directory, 'keys'), [await makeDataDirectory(dataDir, directory)]);
  const server = await startKeyhearth('soak', dataDir, directory, { KEYHEARTH_LOCKOUT_ATTEMPTS: '0' });
  const url = `${server.origin}/auth/verify`;
  const megabytes: number[] = [];
  let requests = 0;
  for (let slice = 0; slice < (minutes * 60) / SLICE_SECONDS; slice++) {
    const isGood = slice % 2 === 0;
    const keysFile = isGood ? goodKeys : undefined;
    const figures = await generator.drive({
      url,
      keysFile,
      ...SINGLE,
      seconds: SLICE_SECONDS,
      countStatuses: false,
    });
    assertExpected(isGood ? 'good keys' : 'wrong keys', isGood ? 200 : 401, figures, false);
    requests += figures.requests;
    megabytes.push(residentMb(server.pid));
    process.stdout.write(
      `${(slice + 1) * SLICE_SECONDS} s  ${megabytes.at(-1)?.toFixed(0)} MB  ${Math.round(figures.perSecond)}/s\n`,
    );
  }
  await server.stop();
  const aMinute = 60 / SLICE_SECONDS;
  const [first, later] = [megabytes.slice(0, aMinute), megabytes.slice(aMinute)].map((part) =>
    Math.max(...part),
  );
  process.stdout.write(
    `${requests} requests without an error; at most ${first?.toFixed(0)} MB in the first minute, ${later?.toFixed(0)} MB later\n`,
  );
  if (first === undefined || later === undefined || later > first * MAY_GROW_BY) {
    throw new Error('the memory grew after the first minute');
  }
}

try {
  const minutes = Number(process.argv[2] ?? 10);
  if (!(minutes >= 2 && minutes <= 600)) throw new Error('the number of minutes must be from 2 to 600');
  await soak(minutes);
  process.exit(0);
} catch (error) {
  process.stderr.write(`soak: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
