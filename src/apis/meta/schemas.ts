import { z } from '@hono/zod-openapi';

export const RootSchema = z
  .object({
    name: z.string().openapi({ description: 'The name of the service', example: 'keyhearth' }),
    version: z.string().openapi({ description: 'The version of the service', example: '0.1.0' }),
    description: z.string().openapi({
      description: 'What the service does',
      example: 'A self-hosted service that owns the API keys of other services',
    }),
    docs: z.string().openapi({ description: 'The path of Swagger UI', example: '/docs' }),
    redoc: z.string().openapi({ description: 'The path of ReDoc', example: '/redoc' }),
    openapi: z
      .string()
      .openapi({ description: 'The path of the OpenAPI document', example: '/openapi.json' }),
    dashboard: z.string().openapi({ description: 'The path of the dashboard', example: '/dashboard' }),
    setup: z.string().optional().openapi({
      description: 'Where to set up the first administrator. Absent as soon as there is one',
      example: '/dashboard/setup',
    }),
  })
  .openapi('Root');

export const HealthSchema = z
  .object({
    status: z
      .literal('ok')
      .openapi({ description: 'Always `ok`. If the check fails, the answer is an error' }),
    gateway: z
      .object({
        status: z.enum(['ok', 'invalid_file']).openapi({
          description:
            '`invalid_file` while the file of the gateway is not valid and its last good content is used',
          example: 'invalid_file',
        }),
        error: z.string().optional().openapi({
          description: 'Why the file is not valid. Absent when it is',
          example: 'Line 7: "port" must be a whole number from 0 to 65535.',
        }),
      })
      .optional()
      .openapi({ description: 'The gateway. Absent when there is none' }),
  })
  .openapi('Health');

export const ReadinessSchema = z
  .object({ status: z.literal('ready').openapi({ description: 'Always ready. A failure gets an error' }) })
  .openapi('Readiness');

export const MetaSchema = z
  .object({
    name: z.string().openapi({ description: 'The name of the service', example: 'keyhearth' }),
    version: z.string().openapi({ description: 'The version of the service', example: '0.1.0' }),
    key_headers: z.array(z.string()).openapi({
      description: 'The headers in which a client can send a key',
      example: ['X-Proxbox-API-Key', 'X-API-Key', 'Authorization'],
    }),
    min_key_length: z
      .int()
      .openapi({ description: 'The least length of a key that a client registers', example: 32 }),
    max_key_length: z
      .int()
      .openapi({ description: 'The greatest length of a key that a client registers', example: 512 }),
  })
  .openapi('Meta');
