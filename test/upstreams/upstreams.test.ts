import { describe, expect, test } from 'vitest';
import { createUpstreams } from '../../src/upstreams/upstreams.ts';
import { credential } from '../support/client-api.ts';
import { fakeClock } from '../support/fake-clock.ts';

const named = (apiKey: string, settings: Partial<Parameters<typeof credential>[0]> = {}) =>
  credential({ apiKey, baseUrl: `https://${apiKey}.example`, ...settings });

function upstreamsOf(...list: ReturnType<typeof credential>[]) {
  const { clock, pass } = fakeClock();
  const upstreams = createUpstreams(clock);
  upstreams.setConfigured(list);
  const pool = (...[protocol, model]: Parameters<typeof upstreams.route>) =>
    upstreams.route(protocol, model).pool;
  /** The secrets of the next credentials for a model without a prefix. */
  const next = (count: number) =>
    Array.from({ length: count }, () => upstreams.take(pool('openai', 'm'))?.secret ?? '');
  const find = (secret: string) => {
    const found = upstreams.credentials().find((candidate) => candidate.secret === secret);
    if (!found) throw new Error(secret);
    return found;
  };
  return { upstreams, pool, next, find, pass };
}

describe('the credential for a model', () => {
  const { upstreams } = upstreamsOf(
    named('open'),
    named('claude', { protocol: 'claude' }),
    named('claude-prod', { protocol: 'claude', prefix: 'production' }),
    named('router', { name: 'openrouter', prefix: 'or' }),
    named('groq', { name: 'groq', prefix: 'shared' }),
    named('codex', { protocol: 'codex', prefix: 'shared' }),
  );
  const secrets = (...args: Parameters<typeof upstreams.route>) => {
    const { pool, prefix } = upstreams.route(...args);
    return [pool.map(({ secret }) => secret), prefix];
  };

  test.each([
    ['openai', null, ['open'], null],
    ['openai', 'gpt', ['open'], null],
    ['openai', 'meta/llama', ['open'], null],
    ['openai', '/gpt', ['open'], null],
    ['openai', 'or/meta/llama', ['router'], 'or'],
    ['openai', 'or/', ['router'], 'or'],
    ['openai', 'or', ['open'], null],
    ['claude', 'claude-x', ['claude'], null],
    ['claude', 'production/claude-x', ['claude-prod'], 'production'],
    ['openai', 'production/claude-x', ['claude-prod'], 'production'],
    ['openai', 'shared/x', ['groq'], 'shared'],
    ['codex', 'shared/x', ['codex'], 'shared'],
    ['claude', 'shared/x', ['groq'], 'shared'],
    ['gemini', 'x', [], null],
    ['openai', '__proto__/x', ['open'], null],
  ] as const)('%s, %s', (protocol, model, pool, prefix) => {
    expect(secrets(protocol, model)).toEqual([pool, prefix]);
  });

  test('is of the second file with a token of a provider too, and not of another provider', () => {
    const token = (name: string, baseUrl: string | null = null) => ({
      ...{ protocol: 'openai' as const, name, accessToken: name, prefix: null, baseUrl },
    });
    const { upstreams: all, next } = upstreamsOf();
    all.setTokens([token('a.json'), token('b.json'), token('c.json', 'https://other.example')]);
    expect(next(4)).toEqual(['a.json', 'b.json', 'a.json', 'b.json']);
    all.setConfigured([named('open')]);
    expect(next(2)).toEqual(['open', 'open']);
  });
});

describe('credentials of one prefix', () => {
  test('take turns', () => {
    const { next } = upstreamsOf(named('a'), named('b'), named('c'));
    expect(next(7)).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'a']);
  });

  test('of another provider without a prefix do not', () => {
    const { next } = upstreamsOf(
      named('a', { name: 'one' }),
      named('b', { name: 'two' }),
      named('c', { name: 'one' }),
    );
    expect(next(4)).toEqual(['a', 'c', 'a', 'c']);
  });

  test('rest after a 401 and a 429, and come back', () => {
    const { upstreams, next, find, pass } = upstreamsOf(named('a'), named('b'), named('c'));
    upstreams.rest(find('a'), { kind: 'refused' });
    upstreams.rest(find('b'), { kind: 'limited', retryAfter: '20' });
    expect(next(4)).toEqual(['c', 'c', 'c', 'c']);
    pass(21);
    expect(new Set(next(6))).toEqual(new Set(['b', 'c']));
    pass(600);
    expect(new Set(next(6))).toEqual(new Set(['a', 'b', 'c']));
  });

  test('that all rest: the one whose rest ends first', () => {
    const { upstreams, next, find } = upstreamsOf(named('a'), named('b'), named('c'));
    upstreams.rest(find('a'), { kind: 'limited', retryAfter: '50' });
    upstreams.rest(find('b'), { kind: 'limited', retryAfter: '20' });
    upstreams.rest(find('c'), { kind: 'refused' });
    expect(next(3)).toEqual(['b', 'b', 'b']);
  });

  test.each([
    ['0', 1_000],
    ['1.5', 1_500],
    ['9999999', 600_000],
    [undefined, 30_000],
    ['soon', 30_000],
    ['-5', 1_000],
    [new Date(Date.now() + 100_000).toUTCString(), 99_000],
  ])('Retry-After: %s', (retryAfter, ms) => {
    const { upstreams, find } = upstreamsOf(named('a'));
    upstreams.rest(find('a'), { kind: 'limited', retryAfter });
    const [state] = upstreams.states();
    expect(Math.abs((state?.restMs ?? 0) - ms)).toBeLessThan(2_500);
  });

  test('keep their rest through a reload, unless their key is another one', () => {
    const { upstreams, next, find } = upstreamsOf(named('a'), named('b'));
    upstreams.rest(find('a'), { kind: 'refused' });
    upstreams.setConfigured([named('a'), named('b')]);
    expect(next(2)).toEqual(['b', 'b']);
    upstreams.setConfigured([named('b')]);
    upstreams.setConfigured([named('a'), named('b')]);
    expect(new Set(next(2))).toEqual(new Set(['a', 'b']));
  });

  test('that were tried are not tried again, nor others of the same host', () => {
    const { upstreams, pool, find } = upstreamsOf(
      named('a'),
      named('b', { baseUrl: 'https://a.example/other' }),
      named('c'),
    );
    const all = pool('openai', 'm');
    expect(upstreams.take(all, [find('a')])?.secret).toBe('c');
    expect(upstreams.take(all, [find('a'), find('c')])).toBeUndefined();
  });
});

test('tokens come after the configured credentials, at the usual host of their protocol', () => {
  const { upstreams, next } = upstreamsOf();
  upstreams.setTokens([{ protocol: 'openai', name: 'iflow', accessToken: 't', prefix: null, baseUrl: null }]);
  expect(next(1)).toEqual(['t']);
  expect(upstreams.states()).toEqual([
    {
      protocol: 'openai',
      name: 'iflow',
      prefix: null,
      baseUrl: 'https://api.openai.com',
      credential: 'iflow',
      isToken: true,
      restMs: 0,
    },
  ]);
});
