import { describe, expect, test } from 'vitest';
import { lacksScope } from '../../src/auth/authorize.ts';
import type { ApiKey } from '../../src/keys/key.ts';
import { keyMaker } from '../../src/keys/maker.ts';
import { exceedsScopes } from '../../src/keys/permission.ts';
import { scopesAt } from '../../src/keys/proxyos-scopes.ts';
import { sampleRow, toApiKey } from '../../src/keys/row.ts';
import { OWN_SCOPES } from '../../src/keys/scopes.ts';
import { Scope } from '../../src/lib/brand.ts';

const scopes = (...texts: string[]) => texts.map(Scope);
const key = (...texts: string[]): ApiKey => ({ ...toApiKey(sampleRow), scopes: scopes(...texts) });

describe('what scopes count as', () => {
  test.each<[string[], string[]]>([
    [['*'], ['*']],
    [['proxyos:admin', 'keys:write'], ['proxyos:*']],
    [['proxyos:*'], ['proxyos:*']],
    [['proxyos:read', 'keys:*', 'proxyosx:read'], ['proxyos:read']],
    [['admin', 'keys:*'], []],
    [[], []],
  ])('%j at the ProxyOS API: %j', (held, counted) => {
    expect(scopesAt('proxyos', scopes(...held))).toEqual(counted);
    expect(scopesAt('core', scopes(...held))).toEqual(held);
    expect(scopesAt('proxyhat', scopes(...held))).toEqual(held);
  });
});

test('the maker with proxyos:admin gives scopes of the API and no other', () => {
  const maker = keyMaker(key('proxyos:admin', 'invoices:read'), { api: 'proxyos' });
  expect(maker.reach).toEqual({ to: 'prefix', prefix: 'pxos' });
  expect(exceedsScopes(maker, { scopes: scopes('proxyos:admin', 'proxyos:any') })).toBeUndefined();
  for (const each of ['*', 'keys:write', 'keys:read', 'invoices:read', 'proxyosx:read', 'proxyos'])
    expect(exceedsScopes(maker, { scopes: scopes(each) })).toMatchObject({ scopes: [each] });
});

test('proxyos:admin manages keys at the ProxyOS API, and does nothing elsewhere', () => {
  const principal = { kind: 'key', scopes: scopes('proxyos:admin'), account: null } as const;
  for (const scope of OWN_SCOPES) {
    expect(lacksScope(principal, scope)).toBeDefined();
    const manages = scope === 'keys:read' || scope === 'keys:write';
    expect(lacksScope(principal, scope, 'proxyos') === undefined).toBe(manages);
  }
});

test('keys:write manages no keys at the ProxyOS API', () => {
  const principal = { kind: 'key', scopes: scopes('keys:*'), account: null } as const;
  expect(lacksScope(principal, 'keys:write', 'proxyos')).toMatchObject({ scopes: ['proxyos:admin'] });
});
