import { resolve } from 'node:path';
import { z } from 'zod';
import { integer, nonEmpty, secret, type Values } from './fields.ts';

/** bcrypt ignores what follows. */
const MAX_SECRET_BYTES = 72;

const managementSecret = () =>
  secret()
    .regex(/^[\x21-\x7e]+$/, { error: 'must be printable ASCII characters without spaces', abort: true })
    .refine((text) => text.length <= MAX_SECRET_BYTES, {
      error: `must have at most ${MAX_SECRET_BYTES} characters`,
    });

export const gatewayVariables = {
  KEYHEARTH_GATEWAY_CONFIG: nonEmpty().optional().meta({
    description:
      'The `config.yaml` of the gateway, a second port for the clients of model providers. A relative path begins in the folder in which Keyhearth starts. Without the variable, there is no gateway. See [Run the gateway](gateway.md).',
  }),
  KEYHEARTH_GATEWAY_NAME: z
    .string()
    .regex(/^[\w.-]{1,64}$/, { error: 'must be 1 to 64 letters, digits, dots, hyphens or underscores' })
    .default('default')
    .meta({
      description:
        'The name of the set of keys that the file of the gateway declares. Replicas with the same file have the same name. Gateways with different files on one database need different names.',
    }),
  KEYHEARTH_GATEWAY_LOCAL_PASSWORD: managementSecret().optional().meta({
    description: 'A password for the management API of the gateway that only this machine can use.',
  }),
  KEYHEARTH_GATEWAY_LOCAL_PASSWORD_FILE: nonEmpty().optional().meta({
    description: 'A file that contains the local password.',
  }),
  MANAGEMENT_PASSWORD: managementSecret().optional().meta({
    description:
      'The management key of the gateway. It replaces `secret-key` in the file of the gateway. CLI Proxy API has the same variable.',
  }),
  MANAGEMENT_PASSWORD_FILE: nonEmpty().optional().meta({
    description: 'A file that contains the management key.',
  }),
  KEYHEARTH_GATEWAY_CONNECT_SECONDS: integer(1, 300).prefault('10').meta({
    description: 'The seconds for which the gateway waits for a connection to an upstream.',
  }),
  KEYHEARTH_GATEWAY_FIRST_BYTE_SECONDS: integer(1, 3_600).prefault('120').meta({
    description: 'The seconds for which the gateway waits until an upstream begins its answer.',
  }),
  KEYHEARTH_GATEWAY_IDLE_SECONDS: integer(1, 3_600).prefault('300').meta({
    description: 'The seconds for which an answer of an upstream may stand still before the gateway ends it.',
  }),
};

export type GatewaySettings = Readonly<{
  /** The path of `config.yaml`. */
  file: string;
  /** The name of the set of keys that the file declares. */
  name: string;
  localPassword: string | undefined;
  managementPassword: string | undefined;
  connectMs: number;
  firstByteMs: number;
  idleMs: number;
}>;

/** `gateway`: undefined when there is none. */
export type GatewaySection = Readonly<{ gateway: GatewaySettings | undefined }>;

export function gatewayConfig(env: Values<typeof gatewayVariables>): GatewaySection {
  const { KEYHEARTH_GATEWAY_CONFIG: file } = env;
  if (file === undefined) return { gateway: undefined };
  return {
    gateway: {
      file: resolve(file),
      name: env.KEYHEARTH_GATEWAY_NAME,
      localPassword: env.KEYHEARTH_GATEWAY_LOCAL_PASSWORD,
      managementPassword: env.MANAGEMENT_PASSWORD,
      connectMs: env.KEYHEARTH_GATEWAY_CONNECT_SECONDS * 1_000,
      firstByteMs: env.KEYHEARTH_GATEWAY_FIRST_BYTE_SECONDS * 1_000,
      idleMs: env.KEYHEARTH_GATEWAY_IDLE_SECONDS * 1_000,
    },
  };
}

/** The names of the settings of its port, for error messages. */
export const portSettings = (file: string) => ({ host: `host in ${file}`, port: `port in ${file}` });
