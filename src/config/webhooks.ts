import { z } from 'zod';
import { StartupError } from '../lib/startup-error.ts';
import { nonEmpty, secret, type Values } from './fields.ts';

const SECRET_ERROR = 'must be whsec_ and 24 to 64 bytes in base64';

export const webhookVariables = {
  KEYHEARTH_WEBHOOK_URL: z
    .string()
    .refine(isWebhookUrl, { error: 'must be a URL with http or https, without a user' })
    .optional()
    .meta({
      description:
        'Where Keyhearth sends an event when a key is made, ends or soon expires, and when an address is locked out. See [Get events by webhook](webhooks.md).',
    }),
  KEYHEARTH_WEBHOOK_SECRET: secret()
    .refine((text) => secretBytes(text) !== undefined, { error: SECRET_ERROR })
    .optional()
    .meta({
      description: 'Signs the events: `whsec_` and 24 to 64 bytes in base64, as in Standard Webhooks.',
    }),
  KEYHEARTH_WEBHOOK_SECRET_FILE: nonEmpty().optional().meta({
    description: 'A file that contains this secret.',
  }),
};

export type WebhookConfig = Readonly<{
  /** Undefined when nobody gets events. */
  webhook: Readonly<{ url: string; secret: Uint8Array }> | undefined;
}>;

export function webhookConfig(env: Values<typeof webhookVariables>): WebhookConfig {
  const { KEYHEARTH_WEBHOOK_URL: url, KEYHEARTH_WEBHOOK_SECRET: text } = env;
  const bytes = text === undefined ? undefined : secretBytes(text);
  if (url === undefined && bytes === undefined) return { webhook: undefined };
  if (url === undefined)
    throw new StartupError('KEYHEARTH_WEBHOOK_SECRET has no effect alone; set KEYHEARTH_WEBHOOK_URL too.');
  if (bytes === undefined)
    throw new StartupError(
      'KEYHEARTH_WEBHOOK_URL needs KEYHEARTH_WEBHOOK_SECRET; make one with: echo "whsec_$(openssl rand -base64 32)"',
    );
  return { webhook: { url, secret: bytes } };
}

function isWebhookUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
}

function secretBytes(text: string): Buffer | undefined {
  const [, base64 = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  return bytes.length >= 24 && bytes.length <= 64 ? bytes : undefined;
}
