import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Starts and stops the service once, so that Node fills the compile cache. The Dockerfile runs this file. */

const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/start.js')], {
  env: { ...process.env, PORT: '0', KEYHEARTH_DATA_DIR: mkdtempSync(join(tmpdir(), 'keyhearth-')) },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = once(child, 'exit');
// Its first line says that it serves. Without one, it has failed.
await Promise.race([once(child.stdout, 'data'), ended]);
child.kill('SIGTERM');
const [code] = await ended;
process.exitCode = code ?? 1;
