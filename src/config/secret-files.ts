import { isQuoted, readSecretFile } from '../lib/secret-file.ts';
import { StartupError } from '../lib/startup-error.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Secrets that can be in a file. The variable with `_FILE` at its end names the file. The pepper's file is read later. */
const IN_FILES = [
  'DATABASE_URL',
  'KEYHEARTH_BOOTSTRAP_TOKEN',
  'KEYHEARTH_GATEWAY_LOCAL_PASSWORD',
  'KEYHEARTH_PEPPER_PREVIOUS',
  'KEYHEARTH_WEBHOOK_SECRET',
  'MANAGEMENT_PASSWORD',
];

/**
 * Adds the secrets in files to the environment.
 * @returns the values, and the source of each for messages
 * @throws StartupError when a value has quotes around it, when a file cannot be read, or when other users can read it
 */
export function readSecretFiles(environment: Environment, settings: readonly string[]) {
  const values = { ...environment };
  const sources = new Map(settings.map((name) => [name, name]));
  for (const name of settings) {
    if (!isQuoted(environment[name] ?? '')) continue;
    throw new StartupError(`${name} has quotes around its value; remove them.`);
  }
  for (const name of IN_FILES) {
    const variable = `${name}_FILE`;
    const path = environment[variable];
    if (!path) continue;
    if (environment[name] !== undefined) throw bothSet(name, variable);
    const content = readSecretFile(path, `${variable}:`);
    if (content === undefined) {
      throw new StartupError(
        `${variable} names ${path}, which does not exist; make the file or correct the path.`,
      );
    }
    values[name] = content;
    sources.set(name, `The content of ${variable}`);
  }
  return { values, sources };
}

export const bothSet = (one: string, other: string) =>
  new StartupError(`${one} and ${other} are both set; set one of them.`);
