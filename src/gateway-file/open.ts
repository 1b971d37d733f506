import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Document } from 'yaml';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/failure.ts';
import type { Logger } from '../lib/logger.ts';
import { StartupError } from '../lib/startup-error.ts';
import { unusable } from './address.ts';
import type { FileProblem, GatewayConfig } from './config.ts';
import { editText, replaceSecret } from './edit.ts';
import { type FileContent, hasBytes, readGatewayFile, replaceGatewayFile } from './file.ts';
import type { EditOptions, LiveConfig, Synced, SyncKeys } from './live.ts';
import { isProblem, parseGatewayFile } from './parse.ts';
import { type Accepted, withoutPlainSecret } from './plain-secret.ts';
import { createReloadLog } from './reload-log.ts';
import {
  generationOf,
  type LoadedState,
  publish,
  type ReloadMemory,
  readPublished,
  withLease,
} from './reload-memory.ts';
import { faultOfAddress, faultOfMissingKeys, faultOfTornFile } from './reload-rules.ts';
import { rightsWarnings } from './rights.ts';
import { signatureOf, type WatchParts, watchFile } from './watch.ts';

/** Between two looks at a file that changes all the time. */
const RETRY_MS = 20;
const MAX_TRIES = 20;

export type LiveConfigParts = Readonly<{
  path: string;
  /** The bcrypt hash of the management key. */
  hash: (secret: string) => Promise<string>;
  sync: SyncKeys;
  /** Whether an earlier file of this gateway declared keys. */
  hadKeys: () => Promise<boolean>;
  /** Of all threads that serve together. */
  memory: ReloadMemory;
  logger: Logger;
  clock: Clock;
  watch?: Pick<WatchParts, 'settleMs' | 'pollMs'>;
}>;

/** `reload`: reads the file now, if it has changed. It throws when the key store cannot be brought in line. */
export type FollowedFile = LiveConfig & Readonly<{ reload(): Promise<void> }>;

/**
 * Reads the file, and follows it.
 * @throws StartupError when the file is not valid and no other thread has a valid one
 */
export async function openLiveConfig(parts: LiveConfigParts): Promise<FollowedFile> {
  const { path, hash, sync, memory, logger, clock } = parts;
  const place = { directory: dirname(path), home: homedir() };
  const listeners: ((now: GatewayConfig, before: GatewayConfig) => void)[] = [];
  const inTurn = <T>(work: () => Promise<T>) => withLease(memory, clock.monotonic, work);
  const log = createReloadLog(path, logger);
  let generation = 0n;
  let state: LoadedState | undefined;
  let isFailing = false;

  function take(next: LoadedState): void {
    const before = state;
    state = next;
    if (before && before.version !== next.version)
      for (const listener of listeners) listener(next.config, before.config);
  }

  function adopt(): void {
    if (generationOf(memory) === generation) return;
    const published = readPublished(memory);
    if (!published) return;
    generation = published.generation;
    take(published.state);
  }

  function share(next: LoadedState): void {
    publish(memory, next);
    generation = generationOf(memory);
    take(next);
  }

  function refuse(problem: FileProblem, signature: string): void {
    if (!state) throw unusable(path, problem);
    if (state.problem?.sentence !== problem.sentence) log.refused(problem);
    share({ ...state, problem, signature });
  }

  function accept({ content, config, warnings }: Accepted, synced: Synced, signature: string): void {
    const isSame = state !== undefined && isDeepStrictEqual(state.config, config);
    const before = state;
    share({
      config: isSame && before ? before.config : config,
      text: content.text,
      version: isSame && before ? before.version : (before?.version ?? 0) + 1,
      problem: undefined,
      signature,
      loadedAt: clock.now(),
      boundHost: before?.boundHost ?? config.host,
      warnings: [...warnings, ...rightsWarnings(path)],
    });
    log.accepted({ now: loaded(), before, synced, isSame });
  }

  /** Returns false when the file changes while it is read. */
  async function load(): Promise<boolean> {
    const signature = signatureOf(path);
    if (state?.signature === signature) return true;
    const content = readGatewayFile(path);
    if (isProblem(content)) {
      refuse(content, signature);
      return true;
    }
    const parsed = parseGatewayFile(content.text, place);
    const problem = isProblem(parsed)
      ? parsed
      : state
        ? (faultOfTornFile(content.text, parsed, state) ?? faultOfAddress(parsed, state))
        : faultOfMissingKeys(parsed, await parts.hadKeys());
    if (problem || isProblem(parsed)) {
      if (problem) refuse(problem, signature);
      return true;
    }
    const accepted = await withoutPlainSecret(path, parsed, content, hash);
    if (!accepted) return false;
    const { bytes } = accepted.content;
    const loaded = signatureOf(path);
    const synced = await sync(accepted.config.clientKeys, () => hasBytes(path, bytes));
    if (synced.state === 'stale') return false;
    accept(accepted, synced, accepted.content === content ? signature : loaded);
    return true;
  }

  async function reload(): Promise<void> {
    adopt();
    try {
      await inTurn(async () => {
        adopt();
        for (let tries = 1; !(await load()); tries++) {
          if (tries === MAX_TRIES) throw new Error('the file does not stop changing');
          await sleep(RETRY_MS);
        }
      });
      isFailing = false;
    } catch (err) {
      if (!isFailing && !(err instanceof StartupError))
        logger.warn({ err }, 'the file of the gateway could not be put in force yet');
      isFailing = true;
      throw err;
    }
  }

  const changeFile = (rewrite: (text: string) => string, { check }: EditOptions = {}) =>
    inTurn(async () => {
      adopt();
      const before = loaded();
      const content = readGatewayFile(path);
      if (isProblem(content)) throw invalid(content);
      const allowed = (text: string) => {
        const parsed = parseGatewayFile(text, place);
        if (isProblem(parsed)) throw invalid(parsed);
        const fault = faultOfAddress(parsed, before);
        if (fault) throw invalid(fault);
        check?.(parsed.config, before.config);
        return parsed;
      };
      const text = rewrite(content.text);
      const { plainSecret } = allowed(text);
      const written = plainSecret === null ? text : replaceSecret(text, await hash(plainSecret));
      // Other fields may refer to the management key. Then they change together with it.
      const { config, warnings } = allowed(written);
      const bytes = Buffer.from(written);
      replaceGatewayFile(path, content.bytes, written);
      const signature = signatureOf(path);
      const synced = await syncOrRestore(config, content, bytes);
      accept({ content: { bytes, text: written }, config, warnings }, synced, signature);
    });

  async function syncOrRestore(config: GatewayConfig, old: FileContent, bytes: Buffer): Promise<Synced> {
    let synced: Synced;
    try {
      synced = await sync(config.clientKeys, () => hasBytes(path, bytes));
    } catch (error) {
      // The caller learns that nothing has changed, so nothing may change later.
      replaceGatewayFile(path, bytes, old.text);
      throw error;
    }
    if (synced.state === 'stale') throw changed();
    return synced;
  }

  function loaded(): LoadedState {
    if (!state) throw new Error('the file of the gateway is not read yet');
    return state;
  }

  adopt();
  if (!state) await reload();
  const watching = watchFile(path, { known: loaded().signature, onChange: reload, ...parts.watch });

  return {
    current: () => loaded().config,
    problem: () => loaded().problem,
    loadedAt: () => loaded().loadedAt,
    onChange: (listener) => void listeners.push(listener),
    catchUp() {
      if (generationOf(memory) !== generation) adopt();
      return undefined;
    },
    async text() {
      const content = readGatewayFile(path);
      if (isProblem(content)) throw invalid(content);
      return content.text;
    },
    edit: (change: (document: Document) => void, options) =>
      changeFile((text) => {
        const parsed = parseGatewayFile(text, place);
        if (isProblem(parsed)) throw invalid(parsed);
        return editText(text, change);
      }, options),
    replace: (text, options) =>
      changeFile(() => {
        // A whole text can only be based on what was read here, so it would undo a newer change by hand.
        if (signatureOf(path) !== loaded().signature) throw changed();
        return text;
      }, options),
    reload,
    close: async () => watching.close(),
  };
}

const changed = () => new DomainError({ code: 'gateway_config_changed' });

const invalid = ({ kind, field, sentence }: FileProblem) =>
  new DomainError({ code: 'gateway_config_invalid', reason: kind, field, sentence });
