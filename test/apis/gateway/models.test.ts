import { describe, expect, test } from 'vitest';
import { credential, startGateway } from '../../support/client-api.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { startUpstream } from '../../support/upstream.ts';

const ids = ({ json }: { json: { data: { id: string }[] } }) => json.data.map(({ id }) => id);

describe('the list of models', () => {
  test('asks each upstream once, with its own credential, and is kept for a minute', async () => {
    const upstream = await startUpstream();
    const { clock, pass } = fakeClock();
    const baseUrl = upstream.origin;
    const gateway = await startGateway({
      clock,
      config: {
        credentials: [
          credential({ apiKey: 'one', baseUrl }),
          credential({ apiKey: 'two', baseUrl }),
          credential({ apiKey: 'three', prefix: 'or', baseUrl: `${baseUrl}/other` }),
          credential({ protocol: 'gemini', apiKey: 'four', prefix: 'g', baseUrl }),
        ],
      },
    });
    const first = await Promise.all([gateway.get('/v1/models'), gateway.get('/v1/models')]);
    for (const answer of first)
      expect(ids(answer)).toEqual(['small', 'large', 'or/small', 'or/large', 'g/small', 'g/large']);
    const asked = () =>
      upstream.received
        .map(({ url, headers }) => [url, headers.authorization ?? headers['x-goog-api-key']])
        .sort();
    const once = [
      ['/other/v1/models', 'Bearer three'],
      ['/v1/models', 'Bearer one'],
      ['/v1beta/models', 'four'],
    ];
    expect(asked()).toEqual(once);
    pass(59);
    await gateway.get('/v1/models');
    expect(asked()).toEqual(once);
    pass(2);
    await gateway.get('/v1/models');
    expect(upstream.received).toHaveLength(6);
  });

  test('leaves out an upstream that fails, and asks again soon', async () => {
    let isBroken = true;
    const broken = await startUpstream((_, response) => {
      if (!isBroken) return false;
      response.writeHead(500).end('a secret of the upstream');
      return true;
    });
    const good = await startUpstream();
    const { clock, pass } = fakeClock();
    const gateway = await startGateway({
      clock,
      config: {
        credentials: [
          credential({ prefix: 'a', baseUrl: broken.origin }),
          credential({ prefix: 'b', baseUrl: good.origin }),
        ],
      },
    });
    for (let i = 0; i < 4; i++) {
      expect(ids(await gateway.get('/v1/models'))).toEqual(['b/small', 'b/large']);
      pass(3);
    }
    expect([broken.received.length, good.received.length]).toEqual([1, 1]);
    isBroken = false;
    expect(ids(await gateway.get('/v1/models'))).toEqual(['a/small', 'a/large', 'b/small', 'b/large']);
  });

  test.each(['not JSON', '{"data":{}}', '[]', '{"data":[{"name":"x"}]}'])(
    'leaves out what is no list: %s',
    async (body) => {
      const upstream = await startUpstream((_, response) => {
        response.end(body);
        return true;
      });
      const gateway = await startGateway({
        config: { credentials: [credential({ baseUrl: upstream.origin })] },
      });
      expect(ids(await gateway.get('/v1/models'))).toEqual([]);
    },
  );

  test('has at most 1,000 models of an upstream, and none with a long name', async () => {
    const data = Array.from({ length: 1_500 }, (_, i) => ({ id: `m${i}`, display_name: 'x'.repeat(999) }));
    const upstream = await startUpstream((_, response) => {
      response.end(JSON.stringify({ data: [{ id: 'y'.repeat(201) }, ...data] }));
      return true;
    });
    const gateway = await startGateway({
      config: { credentials: [credential({ baseUrl: upstream.origin })] },
    });
    const answer = await gateway.get('/v1/models');
    expect(ids(answer)).toEqual(data.slice(0, 1_000).map(({ id }) => id));
    expect(answer.json.data[0].display_name).toHaveLength(200);
  });

  test('needs a key, and a method that reads', async () => {
    const gateway = await startGateway({});
    expect((await gateway.send('/v1/models')).status).toBe(401);
    expect(await gateway.post('/v1/models', {})).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD' },
    });
    expect((await gateway.get('/v1/models')).json).toEqual({
      ...{ object: 'list', data: [], has_more: false, first_id: null, last_id: null },
    });
  });
});
