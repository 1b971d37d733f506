import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { VERIFY_PATH } from '../../src/apis/core/verify-routes.ts';
import { KEY_HEADERS } from '../../src/auth/by/api-key.ts';
import { uncommentBelow } from './edits.ts';

const DEPLOY = join(import.meta.dirname, '../../deploy');
const textOf = (file: string) => readFileSync(join(DEPLOY, file), 'utf8');

const lowerCase = (names: readonly string[]) => names.map((name) => name.toLowerCase());

describe('envoy', () => {
  const file = 'envoy/envoy.yaml';

  function managerOf(text: string) {
    const [listener] = parse(text).static_resources.listeners;
    return listener.filter_chains[0].filters[0].typed_config;
  }
  const filtersOf = (text: string) =>
    managerOf(text).http_filters.map((filter: { typed_config: object }) => filter.typed_config);
  const typesOf = (text: string) =>
    filtersOf(text).map((config: { '@type': string }) => config['@type'].split('.').at(-1));

  test('removes an invented identity, asks Keyhearth, and then removes the key', () => {
    const text = textOf(file);
    expect(typesOf(text)).toEqual(['HeaderMutation', 'ExtAuthz', 'HeaderMutation', 'Router']);
    const [identity, authorization, key] = filtersOf(text);
    const identityNames = ['key-id', 'label', 'owner', 'scopes'].map((name) => `x-keyhearth-${name}`);
    expect(identity.mutations.request_mutations).toEqual(identityNames.map((remove) => ({ remove })));
    expect(authorization).toMatchObject({
      failure_mode_allow: false,
      http_service: { path_prefix: VERIFY_PATH },
    });
    const exactNames = ({ patterns }: { patterns: { exact: string }[] }) =>
      patterns.map(({ exact }) => exact);
    expect(exactNames(authorization.allowed_headers)).toEqual([...lowerCase(KEY_HEADERS), 'x-forwarded-for']);
    expect(exactNames(authorization.http_service.authorization_response.allowed_upstream_headers)).toEqual(
      identityNames,
    );
    const keyNames = [...lowerCase(KEY_HEADERS), 'authorization'];
    expect(key.mutations.request_mutations).toEqual(keyNames.map((remove) => ({ remove })));
    expect(managerOf(text)).toMatchObject({
      use_remote_address: true,
      upgrade_configs: [{ upgrade_type: 'websocket' }],
    });
  });

  test('answers CORS preflights before it asks Keyhearth, if the operator so chooses', () => {
    const text = uncommentBelow(uncommentBelow(textOf(file), /# CORS preflights/), /# For CORS/);
    expect(typesOf(text)).toEqual(['HeaderMutation', 'Cors', 'ExtAuthz', 'HeaderMutation', 'Router']);
    const [host] = managerOf(text).route_config.virtual_hosts;
    expect(host.typed_per_filter_config['envoy.filters.http.cors']).toMatchObject({
      allow_methods: expect.stringContaining('PUT'),
    });
  });

  const isInstalled = spawnSync('envoy', ['--version']).error === undefined;
  test.runIf(isInstalled)('is valid to Envoy', () => {
    const { status, stderr } = spawnSync('envoy', ['--mode', 'validate', '-c', join(DEPLOY, file)]);
    expect({ status, stderr: String(stderr) }).toMatchObject({ status: 0 });
  });
});

describe('traefik', () => {
  const text = textOf('traefik/dynamic.yml');
  const { http } = parse(text);

  test('asks Keyhearth first in every router, with nothing but the key', () => {
    for (const { middlewares } of Object.values<{ middlewares: string[] }>(http.routers))
      expect(middlewares.slice(0, 2)).toEqual(['keyhearth', 'without-key']);
    const keyHeaders = [...KEY_HEADERS, 'Authorization'];
    expect(http.middlewares.keyhearth.forwardAuth.authRequestHeaders).toEqual(keyHeaders);
    const removed = http.middlewares['without-key'].headers.customRequestHeaders;
    expect(removed).toEqual(Object.fromEntries(keyHeaders.map((name) => [name, ''])));
  });

  test('lets CORS preflights through without an identity, if the operator so chooses', () => {
    const { routers, middlewares } = parse(uncommentBelow(text, /# CORS preflights/)).http;
    expect(routers.preflight.middlewares).toEqual(['without-identity', 'without-key', 'without-upgrade']);
    for (const name of routers.preflight.middlewares) expect(middlewares).toHaveProperty(name);
  });
});
