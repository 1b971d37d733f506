import { Pool } from 'pg';

/**
 * What `pg` can do by itself: the look-up of a key as a prepared statement, from so many loops at once. Arguments: the
 * URL, seconds, loops and connections; prints requests per second and the 99th percentile in milliseconds as JSON.
 */

const [url, seconds, loops, connections] = process.argv.slice(2);

const pool = new Pool({ connectionString: url, max: Number(connections) });
const { rows } = await pool.query('select fingerprint from api_keys limit 1');
const query = {
  name: 'look-up',
  text: 'select id, label, hint, is_active, created_at, last_used_at, use_count from api_keys where fingerprint = $1',
  values: [rows[0].fingerprint],
};

const durations: number[] = [];

async function loop(until: number): Promise<void> {
  while (performance.now() < until) {
    const start = performance.now();
    const found = await pool.query(query);
    if (found.rows.length !== 1) throw new Error('the key was not found');
    durations.push(performance.now() - start);
  }
}

const all = (until: number) => Promise.all(Array.from({ length: Number(loops) }, () => loop(until)));

await all(performance.now() + 1_000);
durations.length = 0;
const start = performance.now();
await all(start + Number(seconds) * 1_000);
const elapsed = performance.now() - start;
durations.sort((a, b) => a - b);
process.stdout.write(
  JSON.stringify({
    perSecond: (durations.length / elapsed) * 1_000,
    p99Ms: durations[Math.floor(durations.length * 0.99)],
  }),
);
await pool.end();
