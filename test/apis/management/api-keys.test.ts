import { appendFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { managed } from '../../support/management.ts';

const A = 'team-a-key-abc123-0123456789abcdef';
const B = 'team-b-key-def456-0123456789abcdef';
const C = 'team-c-key-ghi789-0123456789abcdef';

const FILE = `# Keys of the teams
api-keys:
  - "${A}" # Team A
  - "${B}" # Team B
ws-auth: true # for now
`;

const path = 'api-keys';
const done = { status: 200, json: { status: 'ok' } };
const invalid = (message: string, status = 400) => ({
  status,
  json: { error: { message, type: status === 404 ? 'not_found' : 'invalid_request_error' } },
});

async function keysOf({ manage }: Awaited<ReturnType<typeof managed>>): Promise<string[]> {
  const { json } = await manage({ path });
  return json['api-keys'];
}

describe('the keys of clients', () => {
  test('are listed in the order of the file', async () => {
    expect(await keysOf(await managed(FILE))).toEqual([A, B]);
  });

  test.each([[[C, A]], [{ items: [C, A] }]])('are replaced: %j', async (body) => {
    const gateway = await managed(FILE);
    expect(await gateway.manage({ method: 'PUT', path, body })).toMatchObject(done);
    expect(await keysOf(gateway)).toEqual([C, A]);
    expect(gateway.read()).toContain(`# Keys of the teams
api-keys:
  - ${C}
  - "${A}" # Team A
ws-auth: true # for now
`);
  });

  test.each([
    [{ index: 1, value: C }, [A, C]],
    [{ old: A, new: C }, [C, B]],
    [{ old: null, new: C }, [A, B, C]],
    [{ new: C }, [A, B, C]],
    [{ old: 'unknown', new: C }, [A, B, C]],
    [{ old: '', new: C }, [A, B, C]],
  ])('are changed one by one: %j', async (body, expected) => {
    const gateway = await managed(FILE);
    expect(await gateway.manage({ method: 'PATCH', path, body })).toMatchObject(done);
    expect(await keysOf(gateway)).toEqual(expected);
  });

  test.each([`index=0`, `value=${A}`])('are deleted one by one: %s', async (query) => {
    const gateway = await managed(FILE);
    expect(await gateway.manage({ method: 'DELETE', path: `${path}?${query}` })).toMatchObject(done);
    expect(await keysOf(gateway)).toEqual([B]);
  });

  test('that are added are valid at once, and those that are removed are not', async () => {
    const gateway = await managed(FILE);
    const verify = async (key: string) => (await gateway.send({ path: '/auth/verify', key })).status;
    await gateway.manage({ method: 'PATCH', path, body: { old: A, new: C } });
    expect([await verify(A), await verify(B), await verify(C)]).toEqual([401, 200, 200]);
  });
});

describe('nothing opens the gateway', () => {
  test.each([
    'null',
    '[]',
    '{"items": []}',
    '"text"',
    '[""]',
    '[1]',
    '{}',
    '{"items": null}',
    '',
    '[',
    '[[]]',
  ])('no list without a key: %s', async (body) => {
    const gateway = await managed(FILE);
    const before = gateway.read();
    expect(await gateway.manage({ method: 'PUT', path, body })).toMatchObject(invalid('invalid body'));
    expect(gateway.read()).toBe(before);
  });

  test('no deletion of the last one', async () => {
    const gateway = await managed(`api-keys: ["${A}"]\n`);
    for (const query of ['index=0', `value=${A}`])
      expect(await gateway.manage({ method: 'DELETE', path: `${path}?${query}` })).toMatchObject(
        invalid(
          'api-keys must keep a key here: without one, nobody needs a key. Empty the list in the file of the gateway',
          422,
        ),
      );
    expect(await keysOf(gateway)).toEqual([A]);
  });
});

describe('an invalid request', () => {
  test.each([{}, { index: 0 }, { value: C }, { old: A }])('lacks fields: %j', async (body) => {
    const gateway = await managed(FILE);
    expect(await gateway.manage({ method: 'PATCH', path, body })).toMatchObject(invalid('missing fields'));
  });

  test.each(['', '?index=', '?index=-1', '?index=x', '?value='])(
    'names nothing to delete: %s',
    async (query) => {
      const { manage } = await managed(FILE);
      expect(await manage({ method: 'DELETE', path: `${path}${query}` })).toMatchObject(
        invalid('missing index or value'),
      );
    },
  );

  test('names an item that is not there', async () => {
    const { manage } = await managed(FILE);
    const missing = invalid('item not found', 404);
    expect(await manage({ method: 'DELETE', path: `${path}?index=2` })).toMatchObject(missing);
    expect(await manage({ method: 'DELETE', path: `${path}?value=unknown` })).toMatchObject(missing);
    expect(await manage({ method: 'PATCH', path, body: { index: 2, value: C } })).toMatchObject(missing);
  });

  test('has a key that the file may not have, and leaves the file as it was', async () => {
    const gateway = await managed(FILE);
    const before = gateway.read();
    const answer = await gateway.manage({ method: 'PUT', path, body: [A, 'short'] });
    expect(answer).toMatchObject({ status: 422, json: { error: { type: 'invalid_config' } } });
    expect(answer.json.error.message).toContain('api-keys[1]');
    expect(answer.text).not.toContain('short');
    expect(gateway.read()).toBe(before);
    expect(await keysOf(gateway)).toEqual([A, B]);
    expect(await gateway.events('gateway.updated')).toEqual([]);
  });
});

describe('a change', () => {
  test('is an audit event with hints, the address and the request', async () => {
    const gateway = await managed(FILE);
    const { headers } = await gateway.manage({ method: 'PATCH', path, body: { old: A, new: C } });
    const [event, ...others] = await gateway.events('gateway.updated');
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      actor_kind: 'management',
      actor_label: 'MANAGEMENT_PASSWORD',
      address: '127.0.0.1',
      request_id: headers['x-request-id'],
      changes: { 'api-keys': { from: [A.slice(0, 12)], to: [C.slice(0, 12)] } },
    });
    const log = JSON.stringify([event, gateway.log]);
    for (const key of [A, C]) expect(log).not.toContain(key);
  });

  test('does not undo what somebody else wrote into the file', async () => {
    const gateway = await managed(FILE);
    appendFileSync(gateway.file, '# written by hand\n');
    const { status } = await gateway.manage({ method: 'PATCH', path, body: { old: A, new: C } });
    expect([200, 409]).toContain(status);
    expect(gateway.read()).toContain('# written by hand');
  });

  test('of fifty requests at once is in the file, or was refused', async () => {
    const gateway = await managed(FILE);
    const keys = Array.from({ length: 50 }, (_, i) => `${C}-${i}`);
    const answers = await Promise.all(
      keys.map((key) => gateway.manage({ method: 'PATCH', path, body: { new: key } })),
    );
    const accepted = keys.filter((_, i) => answers[i]?.status === 200);
    for (const { status } of answers) expect([200, 409]).toContain(status);
    expect(accepted).not.toEqual([]);
    expect((await keysOf(gateway)).toSorted()).toEqual([A, B, ...accepted].toSorted());
  });
});
