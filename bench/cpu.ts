import { globSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { checkoutOf } from './before.ts';
import { progress, roundsOf, runCommand } from './command.ts';
import { makeWorkDirectory, type Server, startKeyhearth } from './processes.ts';
import { makeDataDirectory } from './seed.ts';
import { median } from './statistics.ts';

/**
 * The CPU time of one verification, of this state and of the one that `BENCH_BEFORE` names. Their passes alternate. CPU
 * time says less about a real load than requests per second do, but it hardly changes when the machine does other work.
 */

const PASSES = 12;
const CONNECTIONS = 16;
const PIPELINED = 10;
const BATCHES = 150;

const directory = makeWorkDirectory('keyhearth-bench-cpu-');

/** The time for which all threads of a process have run, in nanoseconds. See proc(5). */
const cpuTimeOf = ({ pid }: Server) =>
  globSync(`/proc/${pid}/task/*/schedstat`).reduce(
    (sum, file) => sum + Number(readFileSync(file, 'utf8').split(' ')[0]),
    0,
  );

/** Sends batches of requests over one connection, each when the one before it is answered. */
function driveConnection({ origin }: Server, key: string, batches: number): Promise<void> {
  const request = `GET /auth/verify HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ${key}\r\n\r\n`;
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1').on('error', reject);
    let left = batches;
    let answers = 0;
    const send = () => void socket.write(request.repeat(PIPELINED));
    socket.setEncoding('latin1').on('data', (text: unknown) => {
      answers += String(text).split('HTTP/1.1 200 ').length - 1;
      if (answers < PIPELINED) return;
      answers = 0;
      if (--left > 0) return send();
      socket.destroy();
      resolve();
    });
    send();
  });
}

/** The CPU time of a verification, in microseconds. */
async function pass(server: Server, key: string): Promise<number> {
  const before = cpuTimeOf(server);
  await Promise.all(Array.from({ length: CONNECTIONS }, () => driveConnection(server, key, BATCHES)));
  return (cpuTimeOf(server) - before) / 1_000 / (CONNECTIONS * BATCHES * PIPELINED);
}

type Measured = { server: Server; key: string; passes: number[] };

async function start(name: string, main: string | undefined, data: { path: string; first: string }) {
  const server = await startKeyhearth(name, data.path, directory, {}, main);
  const measured: Measured = { server, key: data.first, passes: [] };
  await pass(server, measured.key);
  return measured;
}

async function run(): Promise<void> {
  const checkout = checkoutOf(process.env.BENCH_BEFORE, directory);
  const mains = { now: undefined, ...(checkout && { before: checkout.main }) };
  const all: Record<string, number[]> = {};
  const ratios: number[] = [];
  const rounds = roundsOf(process.env.BENCH_ROUNDS);
  for (let round = 1; round <= rounds; round++) {
    const running: Record<string, Measured> = {};
    for (const [name, main] of Object.entries(mains)) {
      const path = `${directory}/${name}-${round}`;
      running[name] = await start(name, main, {
        path,
        first: await makeDataDirectory(path, directory, {}, main),
      });
    }
    for (let i = 0; i < PASSES; i++)
      for (const { server, key, passes } of Object.values(running)) passes.push(await pass(server, key));
    for (const [name, { server, passes }] of Object.entries(running)) {
      await server.stop();
      all[name] = [...(all[name] ?? []), ...passes];
      progress(`round ${round}/${rounds}  ${name}: ${median(passes).toFixed(2)} µs`);
    }
    if (running.now && running.before)
      ratios.push(median(running.now.passes) / median(running.before.passes));
  }
  for (const [name, passes] of Object.entries(all))
    process.stdout.write(`${name}: ${median(passes).toFixed(2)} µs of CPU time for a verification\n`);
  if (checkout) process.stdout.write(`now / before (${checkout.name}): ${median(ratios).toFixed(3)}\n`);
}

await runCommand('bench:cpu', run);
