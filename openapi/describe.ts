import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { createApp } from '../src/app.ts';
import { product } from '../src/lib/product.ts';

/** The introduction to the API. A reader of the OpenAPI document cannot follow its relative links, so they become text. */
function introduction(): string {
  const page = readFileSync(join(import.meta.dirname, '../docs/api.md'), 'utf8');
  return page
    .replace(/^# .*\n+/, '')
    .replaceAll(/<!-- .*? -->\n/g, '')
    .replaceAll(/\[([^\]]+)\]\((?!https?:)([^)]+)\)/g, '$1 (docs/$2 in the source)')
    .trim();
}

/** The OpenAPI 3.1 description of the routes that the app declares. */
export const describeApp = (app: ReturnType<typeof createApp>) =>
  app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Keyhearth',
      version: product.version,
      description: `${product.description}.\n\n${introduction()}`,
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    // Relative to the document, which a proxy may have put below another path.
    servers: [{ url: '.', description: 'The service that sends this document' }],
    tags: [
      { name: 'Bootstrap', description: 'Register the first key, once per database' },
      { name: 'Sign-in', description: 'Sign in and out, and set up the first administrator' },
      { name: 'Your own account', description: 'Change your password, and set up a second factor' },
      { name: 'Keys', description: 'Manage keys' },
      { name: 'Verification', description: 'Verify keys that clients send to other services' },
      { name: 'Usage', description: 'See how often keys are verified' },
      { name: 'Audit', description: 'See who changed what' },
      { name: 'Lockouts', description: 'See who is locked out, and end it' },
      { name: 'Metrics', description: 'Counts and durations, for Prometheus' },
      { name: 'ProxyHat', description: 'For clients of ProxyHat: sign in, and manage your own API keys' },
      { name: 'Service', description: 'Health, version and documentation, without a key' },
    ],
  });
