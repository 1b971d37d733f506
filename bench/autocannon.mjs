/**
 * Drives autocannon as load.ts asks in the first argument, and prints its result as JSON. Plain JavaScript, because
 * autocannon is installed by `npm run bench` alone and types are checked without it.
 */
import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';

const { url, keysFile, prefix, connections, seconds } = JSON.parse(process.argv[2]);

const keys = keysFile && readFileSync(keysFile, 'utf8').trim().split('\n');
let count = 0;
const nextKey = keys
  ? () => keys[count++ % keys.length]
  : () => prefix + (count++).toString(16).padStart(16, '0');

const result = await autocannon({
  url,
  connections,
  duration: seconds,
  requests: [
    {
      method: 'GET',
      setupRequest: (request) => ({ ...request, headers: { ...request.headers, 'X-API-Key': nextKey() } }),
    },
  ],
});
process.stdout.write(JSON.stringify(result));
