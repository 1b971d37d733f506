import type { createApp } from '../src/app.ts';
import { product } from '../src/lib/product.ts';

/** The OpenAPI 3.1 description of the routes that the app declares. */
export const describeApp = (app: ReturnType<typeof createApp>) =>
  app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Keyhearth',
      version: product.version,
      description: `${product.description}.`,
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    servers: [{ url: '/', description: 'This service' }],
    tags: [
      { name: 'Bootstrap', description: 'The first key: once per database, ever' },
      { name: 'Keys', description: 'The life of a key' },
      { name: 'Verification', description: 'Keys that clients present to other services' },
      { name: 'Service', description: 'Open to all' },
    ],
  });
