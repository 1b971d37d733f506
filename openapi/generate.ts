import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { compose } from '../src/compose.ts';
import { parseConfig } from '../src/config.ts';
import { describeApp } from './describe.ts';

export const OPENAPI_FILE = new URL('./openapi.json', import.meta.url);

/** The OpenAPI document of the app as it is wired, as the text of the committed file. */
export async function generateOpenApi(): Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), 'keyhearth-openapi-'));
  const keyhearth = await compose(parseConfig({ KEYHEARTH_DATA_DIR: dataDir }), pino({ level: 'silent' }));
  try {
    return `${JSON.stringify(describeApp(keyhearth.app), null, 2)}\n`;
  } finally {
    await keyhearth.close();
    rmSync(dataDir, { recursive: true });
  }
}

if (import.meta.main) writeFileSync(OPENAPI_FILE, await generateOpenApi());
