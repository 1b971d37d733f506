import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { StartupError } from '../lib/startup-error.ts';
import type { FileProblem, GatewayConfig } from './config.ts';
import { readGatewayFile } from './file.ts';
import { isProblem, parseGatewayFile } from './parse.ts';

export const unusable = (path: string, { sentence }: FileProblem) =>
  new StartupError(`The gateway cannot use ${path}. ${sentence}`);

/**
 * Where the gateway is to listen, before anything else of it is there.
 * @throws StartupError when the file is not valid
 */
export function readAddress(path: string): Pick<GatewayConfig, 'host' | 'port'> {
  const content = readGatewayFile(path);
  if (isProblem(content)) throw unusable(path, content);
  const parsed = parseGatewayFile(content.text, { directory: dirname(path), home: homedir() });
  if (isProblem(parsed)) throw unusable(path, parsed);
  return parsed.config;
}
