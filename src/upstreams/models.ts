import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import type { UpstreamAgent } from './agent.ts';
import type { Credential } from './credential.ts';
import { requestHeaders } from './headers.ts';
import { upstreamPath } from './target.ts';
import type { Upstreams } from './upstreams.ts';

const LIMIT_MS = 5_000;
const KEPT_MS = 60_000;
const KEPT_INCOMPLETE_MS = 10_000;
const MAX_BYTES = 4 * 1024 * 1024;
/** Of one upstream. The list is made for each request, so it must stay short. */
const MAX_MODELS = 1_000;
const MAX_ID = 200;

/** A model as OpenAI lists it, and with the fields that Anthropic's clients read. */
export type Model = Readonly<{
  id: string;
  object: 'model';
  created: number;
  owned_by: string;
  type: 'model';
  display_name: string;
}>;

const listSchema = z.union([
  z.object({
    data: z.array(
      z.object({
        id: z.string(),
        created: z.number().optional().catch(undefined),
        display_name: z.string().optional().catch(undefined),
      }),
    ),
  }),
  z
    .object({
      models: z.array(z.object({ name: z.string(), displayName: z.string().optional().catch(undefined) })),
    })
    .transform(({ models }) => ({
      data: models.map(({ name, displayName }) => ({
        id: name.replace(/^models\//, ''),
        created: undefined,
        display_name: displayName,
      })),
    })),
]);

/** What `GET /v1/models` shows. `isComplete`: every upstream has answered. */
export type ModelList = Readonly<{ models: readonly Model[]; isComplete: boolean }>;

/** One credential for each list: those of a pool, and of one account, show the same models. */
function askedOf(credentials: readonly Credential[]): Credential[] {
  const asked = new Map<string, Credential>();
  for (const credential of credentials) {
    const key = `${credential.prefix} ${credential.origin}${credential.basePath}`;
    if (!asked.has(key)) asked.set(key, credential);
  }
  return [...asked.values()];
}

/** Asks all upstreams for their models, and keeps the list for a minute. */
export function createModels(
  upstreams: Pick<Upstreams, 'credentials'>,
  agent: Pick<UpstreamAgent, 'request'>,
  clock: Pick<Clock, 'monotonic' | 'now'>,
) {
  let kept: { list: Promise<ModelList>; of: readonly Credential[]; until: number } | undefined;

  async function ask(credential: Credential): Promise<Model[]> {
    const path = credential.protocol === 'gemini' ? '/v1beta/models' : '/v1/models';
    const version = credential.protocol === 'claude' ? { 'anthropic-version': '2023-06-01' } : {};
    const { statusCode, body } = await agent.request({
      origin: credential.origin,
      path: upstreamPath(credential, { path, query: '' }),
      method: 'GET',
      headers: requestHeaders(version, credential),
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of body) {
      size += chunk.length;
      if (size > MAX_BYTES || statusCode !== 200) throw new Error(`no list of models: status ${statusCode}`);
      chunks.push(chunk);
    }
    const { data } = listSchema.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    const plausible = data.filter(({ id }) => id.length <= MAX_ID).slice(0, MAX_MODELS);
    return plausible.map(({ id, created, display_name }) => ({
      id: credential.prefix === null ? id : `${credential.prefix}/${id}`,
      object: 'model',
      created: created ?? Math.floor(clock.now() / 1_000),
      owned_by: credential.name,
      type: 'model',
      display_name: (display_name ?? id).slice(0, MAX_ID),
    }));
  }

  async function askAll(credentials: readonly Credential[]): Promise<ModelList> {
    const answers = await Promise.allSettled(askedOf(credentials).map(ask));
    const models = new Map<string, Model>();
    for (const answer of answers) {
      if (answer.status === 'rejected') continue;
      for (const model of answer.value) if (!models.has(model.id)) models.set(model.id, model);
    }
    return {
      models: [...models.values()],
      isComplete: answers.every(({ status }) => status === 'fulfilled'),
    };
  }

  return async function list(): Promise<ModelList> {
    const of = upstreams.credentials();
    const now = clock.monotonic();
    if (kept?.of !== of || kept.until <= now) kept = { list: askAll(of), of, until: now + KEPT_MS };
    const current = kept;
    const result = await current.list;
    if (!result.isComplete) current.until = Math.min(current.until, now + KEPT_INCOMPLETE_MS);
    return result;
  };
}
