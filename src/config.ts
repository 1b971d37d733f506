import { z } from 'zod';
import { type AccountConfig, accountConfig, accountVariables } from './config/accounts.ts';
import { type AuditConfig, auditConfig, auditVariables } from './config/audit.ts';
import { type DatabaseConfig, databaseConfig, databaseVariables } from './config/database.ts';
import { type GatewaySection, gatewayConfig, gatewayVariables } from './config/gateway.ts';
import { type ListenConfig, listenConfig, listenVariables } from './config/listen.ts';
import { type LockoutConfig, lockoutConfig, lockoutVariables } from './config/lockout.ts';
import { type MetricsConfig, metricsConfig, metricsVariables } from './config/metrics.ts';
import { type UnknownName, unknownNames } from './config/names.ts';
import { type Environment, readSecretFiles } from './config/secret-files.ts';
import { type SecretsConfig, secretsConfig, secretVariables } from './config/secrets.ts';
import { type ServerConfig, serverConfig, serverVariables } from './config/server.ts';
import { type TracingConfig, tracingConfig, tracingVariables } from './config/tracing.ts';
import { type UsageConfig, usageConfig, usageVariables } from './config/usage.ts';
import { type WebhookConfig, webhookConfig, webhookVariables } from './config/webhooks.ts';
import { StartupError } from './lib/startup-error.ts';

/**
 * The environment, variable by variable. docs/configuration.md shows `description` and `default`, or `shown` for a
 * default that depends on another variable. To add a variable, add it to a file in config/.
 */
export const environmentSchema = z.object({
  ...serverVariables,
  ...listenVariables,
  ...databaseVariables,
  ...secretVariables,
  ...lockoutVariables,
  ...usageVariables,
  ...auditVariables,
  ...metricsVariables,
  ...tracingVariables,
  ...webhookVariables,
  ...accountVariables,
  ...gatewayVariables,
});

export type Config = ServerConfig &
  ListenConfig &
  DatabaseConfig &
  SecretsConfig &
  LockoutConfig &
  UsageConfig &
  AuditConfig &
  MetricsConfig &
  TracingConfig &
  WebhookConfig &
  AccountConfig &
  GatewaySection;

const settings = Object.keys(environmentSchema.shape);

/**
 * The variables with our prefix that are no settings, and have no effect.
 * @throws StartupError for a name that is one typing error away from a setting
 */
export const unknownVariables = (environment: Environment): UnknownName[] =>
  unknownNames(environment, settings);

/** Reads the configuration once. Throws a StartupError that names the first bad variable, never its value. */
export function parseConfig(environment: Environment): Config {
  const { values, sources } = readSecretFiles(environment, settings);
  const parsed = environmentSchema.safeParse(values);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new StartupError(`${sources.get(String(issue?.path[0]))} ${issue?.message}.`);
  }
  const env = parsed.data;
  const database = databaseConfig(env);
  return Object.freeze({
    ...serverConfig(env),
    ...listenConfig(env, env.KEYHEARTH_WORKERS),
    ...database,
    ...secretsConfig(env, database.dataDir),
    ...lockoutConfig(env),
    ...usageConfig(env),
    ...auditConfig(env),
    ...metricsConfig(env),
    ...tracingConfig(env),
    ...webhookConfig(env),
    ...accountConfig(env),
    ...gatewayConfig(env),
  });
}
