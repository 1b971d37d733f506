import { expect, test } from 'vitest';
import { client } from '../support/http.ts';
import { register, startProcess, temporaryDirectory } from '../support/keyhearth.ts';
import { operator } from '../support/keys.ts';
import { LONG, SEVERAL } from '../support/long.ts';

const CONNECTIONS = 8;
const GRACES = [1, ...new Array<number>(LONG ? 200 : 6).fill(0)];

type Seen = { start: number; end: number; status: number };

test.each(['1', SEVERAL])(
  'under load, no request fails inside the grace, and none succeeds after it: %s workers',
  async (workers) => {
    const { origin, send } = await startProcess({
      KEYHEARTH_DATA_DIR: temporaryDirectory(),
      KEYHEARTH_WORKERS: workers,
      KEYHEARTH_LOCKOUT_ATTEMPTS: '0',
    });
    await register(send);
    const { made, rotate, get } = operator(send);
    const verify = client(origin);
    let { id, raw_key } = await made();

    for (const grace of GRACES) {
      const seen: Seen[] = [];
      const key = raw_key;
      const load = async () => {
        // Each connection goes on until it has been refused a few times.
        for (let refusals = 0; refusals < 5; ) {
          const start = Date.now();
          const { status } = await verify({ path: '/auth/verify', key });
          seen.push({ start, end: Date.now(), status });
          if (status !== 200) refusals++;
        }
      };
      const running = Array.from({ length: CONNECTIONS }, load);
      const { status, json } = await rotate(id, { grace });
      const answered = Date.now();
      expect(status).toBe(201);
      expect((await verify({ path: '/auth/verify', key: json.raw_key })).status).toBe(200);
      await Promise.all(running);

      const ends = (await get(id)).expires_at * 1_000;
      const inside = seen.filter(({ end }) => end < ends);
      // Without a grace, the old key ends with the answer.
      const after = seen.filter(({ start }) => (grace === 0 ? start > answered : start >= ends));
      expect(inside.filter((each) => each.status !== 200)).toEqual([]);
      expect(after.filter((each) => each.status !== 401)).toEqual([]);
      expect(after.length).toBeGreaterThan(0);
      if (grace > 0) expect(inside.length).toBeGreaterThan(CONNECTIONS);
      ({ id, raw_key } = json);
    }
  },
  600_000,
);
