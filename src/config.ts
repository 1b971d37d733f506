import { z } from 'zod';
import { type DatabaseConfig, databaseConfig, databaseVariables } from './config/database.ts';
import { type LockoutConfig, lockoutConfig, lockoutVariables } from './config/lockout.ts';
import { type SecretsConfig, secretsConfig, secretVariables } from './config/secrets.ts';
import { type ServerConfig, serverConfig, serverVariables } from './config/server.ts';
import { StartupError } from './lib/startup-error.ts';

/**
 * The environment, variable by variable. docs/configuration.md shows `description` and `default`, or `shown` for a
 * default that depends on another variable. To add a variable, add it to a file in config/.
 */
export const environmentSchema = z.object({
  ...serverVariables,
  ...databaseVariables,
  ...secretVariables,
  ...lockoutVariables,
});

export type Config = ServerConfig & DatabaseConfig & SecretsConfig & LockoutConfig;

/** Variables with our prefix that are none of ours: a misspelt one would otherwise be ignored silently. */
export const unknownVariables = (environment: Record<string, string | undefined>): string[] =>
  Object.keys(environment).filter(
    (name) => name.startsWith('KEYHEARTH_') && !(name in environmentSchema.shape),
  );

/** Reads the configuration once. Throws a StartupError that names the first bad variable, never its value. */
export function parseConfig(environment: Record<string, string | undefined>): Config {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new StartupError(`${String(issue?.path[0])} ${issue?.message}.`);
  }
  const env = parsed.data;
  const database = databaseConfig(env);
  return Object.freeze({
    ...serverConfig(env),
    ...database,
    ...secretsConfig(env, database.dataDir),
    ...lockoutConfig(env),
  });
}
