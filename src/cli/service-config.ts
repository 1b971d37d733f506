import { describeUnknown } from '../config/names.ts';
import { type Config, parseConfig, unknownVariables } from '../config.ts';
import type { Context } from './context.ts';

/**
 * The configuration of the service, for a command that works on its database.
 * @throws StartupError for the same variables as a start
 */
export function serviceConfig({ env, output }: Pick<Context, 'env' | 'output'>): Config {
  const config = parseConfig(env);
  // Kubernetes sets variables with our prefix that resemble no setting.
  const unknown = unknownVariables(env).filter(({ similar }) => similar !== undefined);
  if (unknown.length > 0)
    output.note(
      `Warning: not a setting of Keyhearth, and ignored: ${unknown.map(describeUnknown).join(', ')}`,
    );
  return config;
}
