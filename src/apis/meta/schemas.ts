import { z } from '@hono/zod-openapi';

export const RootSchema = z
  .object({
    name: z.string().openapi({ example: 'keyhearth' }),
    version: z.string().openapi({ example: '0.1.0' }),
    description: z
      .string()
      .openapi({ example: 'A self-hosted service that owns the API keys of other services' }),
    docs: z.string().openapi({ description: 'Path of Swagger UI', example: '/docs' }),
    redoc: z.string().openapi({ description: 'Path of ReDoc', example: '/redoc' }),
    openapi: z.string().openapi({ description: 'Path of the OpenAPI document', example: '/openapi.json' }),
  })
  .openapi('Root');

export const HealthSchema = z.object({ status: z.literal('ok') }).openapi('Health');

export const MetaSchema = z
  .object({
    name: z.string().openapi({ example: 'keyhearth' }),
    version: z.string().openapi({ example: '0.1.0' }),
    key_headers: z.array(z.string()).openapi({
      description: 'Headers that take a key',
      example: ['X-Proxbox-API-Key', 'X-API-Key', 'Authorization'],
    }),
    min_key_length: z.int().openapi({ description: 'Of a key that a caller registers', example: 32 }),
    max_key_length: z.int().openapi({ example: 512 }),
  })
  .openapi('Meta');
