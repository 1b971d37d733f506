import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import { parseWrk } from './load.ts';

/** What clients send in the benchmark of the gateway. */

const run = promisify(execFile);
const SCRIPT = join(import.meta.dirname, 'gateway.lua');
const CHAT = JSON.stringify({
  model: 'bench',
  messages: [{ role: 'user', content: 'Hello.' }],
  stream: true,
});

/** Requests per second that wrk gets answered over 32 connections. @throws when a request was refused */
export async function driveGateway(origin: string, key: string, seconds: number): Promise<number> {
  const keyFile = join(mkdtempSync(join(tmpdir(), 'keyhearth-key-')), 'key');
  writeFileSync(keyFile, key);
  const url = `${origin}/v1/chat/completions`;
  const load = ['-t1', '-c32', `-d${seconds}s`, '--latency', '-s', SCRIPT, url, '--', keyFile];
  const { perSecond, refused, failed } = parseWrk((await run('wrk', load)).stdout);
  if (refused + failed > 0) throw new Error(`${origin} refused ${refused} requests and failed ${failed}`);
  return perSecond;
}

type Stream = { ms: number; ended: Promise<void>; close: () => void };

/** Opens a stream. Resolves with the milliseconds to its first byte, and with what ends it. */
function openStream(url: string, key: string, agent: Agent): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const outgoing = request(url, { agent, method: 'POST', headers }, (incoming) => {
      if (incoming.statusCode !== 200) reject(new Error(`a stream got the status ${incoming.statusCode}`));
      const ended = new Promise<void>((done) => incoming.once('close', done));
      incoming.on('error', () => undefined);
      incoming.once('data', () =>
        resolve({ ms: performance.now() - start, ended, close: () => outgoing.destroy() }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(CHAT);
  });
}

/** The times to the first byte of streams, while so many are open. Each client opens five, one after the other. */
export async function firstBytes(origin: string, key: string, streams: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: streams });
  const times: number[] = [];
  async function client(i: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, i * 10));
    for (let stream = 0; stream < 5; stream++) {
      const { ms, ended } = await openStream(`${origin}/v1/stream`, key, agent);
      times.push(ms);
      await ended;
    }
  }
  await Promise.all(Array.from({ length: streams }, (_, i) => client(i)));
  agent.destroy();
  return times;
}

/** Opens so many streams and WebSockets, which stay open. */
export async function openMany(origin: string, key: string, count: number): Promise<{ close: () => void }> {
  const agent = new Agent({ maxSockets: count });
  const closers: (() => void)[] = [() => agent.destroy()];
  for (let i = 0; i < count; i += 50) {
    const batch = Array.from({ length: 50 }, async () => {
      const { close } = await openStream(`${origin}/v1/long/stream`, key, agent);
      closers.push(close);
      const socket = new WebSocket(`${origin.replace('http', 'ws')}/v1/responses`, {
        headers: { authorization: `Bearer ${key}` },
      });
      socket.on('error', () => undefined);
      await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject));
      closers.push(() => socket.terminate());
    });
    await Promise.all(batch);
  }
  return {
    close() {
      for (const close of closers) close();
    },
  };
}
