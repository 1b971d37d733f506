import { join, resolve } from 'node:path';
import { decodePepper, type PepperSource } from '../pepper/pepper.ts';
import { integer, nonEmpty, secret, type Values } from './fields.ts';
import { bothSet } from './secret-files.ts';

const pepper = () =>
  secret().refine((text) => decodePepper(text) !== undefined, { error: 'must be 32 bytes in hex or base64' });

export const secretVariables = {
  KEYHEARTH_PEPPER: pepper()
    .optional()
    .meta({ description: 'The pepper: 32 bytes in hex or base64. See [Back up and restore](backup.md).' }),
  KEYHEARTH_PEPPER_FILE: nonEmpty().optional().meta({
    description: 'A file that contains the pepper.',
    shown: '`pepper` in the data directory, made at the first start',
  }),
  KEYHEARTH_PEPPER_PREVIOUS: pepper().optional().meta({
    description:
      'The pepper that was used before, while keys move to the new one. See [Change the pepper](change-pepper.md).',
  }),
  KEYHEARTH_PEPPER_PREVIOUS_FILE: nonEmpty().optional().meta({
    description: 'A file that contains the previous pepper.',
  }),
  KEYHEARTH_BOOTSTRAP_TOKEN: secret()
    .regex(/^[\x21-\x7e]{1,512}$/, { error: 'must be 1 to 512 printable ASCII characters without spaces' })
    .optional()
    .meta({
      description:
        'If you set it, the registration of the first key needs this token. See [Register the first key](first-key.md).',
    }),
  KEYHEARTH_BOOTSTRAP_TOKEN_FILE: nonEmpty().optional().meta({
    description: 'A file that contains the bootstrap token.',
  }),
  KEYHEARTH_BCRYPT_COST: integer(10, 15)
    .prefault('12')
    .meta({ description: 'The bcrypt cost of new hashes, 10 to 15. Each step doubles the time.' }),
};

export type SecretsConfig = Readonly<{
  pepper: PepperSource;
  /** The bytes of the previous pepper; undefined when the pepper does not change. */
  previousPepper: Uint8Array | undefined;
  bootstrapToken: string | undefined;
  bcryptCost: number;
}>;

export const secretsConfig = (env: Values<typeof secretVariables>, dataDir: string): SecretsConfig => ({
  pepper: pepperSource(env, dataDir),
  previousPepper: decodePepper(env.KEYHEARTH_PEPPER_PREVIOUS ?? ''),
  bootstrapToken: env.KEYHEARTH_BOOTSTRAP_TOKEN,
  bcryptCost: env.KEYHEARTH_BCRYPT_COST,
});

function pepperSource(env: Values<typeof secretVariables>, dataDir: string): PepperSource {
  const { KEYHEARTH_PEPPER: text, KEYHEARTH_PEPPER_FILE: file } = env;
  if (text !== undefined && file !== undefined) {
    throw bothSet('KEYHEARTH_PEPPER', 'KEYHEARTH_PEPPER_FILE');
  }
  const bytes = text === undefined ? undefined : decodePepper(text);
  if (bytes) return { from: 'environment', bytes };
  return {
    from: 'file',
    path: resolve(file ?? join(dataDir, 'pepper')),
    createIfMissing: file === undefined,
  };
}
