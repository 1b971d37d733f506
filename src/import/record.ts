import type { KeySettings } from '../keys/key.ts';
import type { RawKey } from '../lib/brand.ts';

/** What a file has of a key. */
export type ImportedSecret =
  | Readonly<{ kind: 'raw'; rawKey: RawKey }>
  /** SHA-256 of the raw key. */
  | Readonly<{ kind: 'sha256'; digest: Buffer }>
  /** bcrypt of the raw key itself. */
  | Readonly<{ kind: 'bcrypt'; hash: string }>;

/** A key of another system. */
export type ImportedKey = Readonly<{
  secret: ImportedSecret;
  settings: KeySettings;
  isActive: boolean;
  /** Milliseconds since 1970; null when the file does not say it. */
  createdAt: number | null;
}>;

/** Why a key is not imported. Nothing in it is secret. */
export type Refusal = Readonly<{
  /** The line of the file, or the id of the row. */
  place: number;
  /** Empty when it is about the whole line. */
  field: string;
  reason: string;
}>;

export type Item = Readonly<{ place: number; key: ImportedKey }> | Refusal;

export const isRefusal = (item: object): item is Refusal => 'reason' in item;

/** Why no more of a file is read, in a sentence without its name. */
export class UnreadableFile extends Error {
  readonly isMissing: boolean;

  constructor(sentence: string, isMissing = false) {
    super(sentence);
    this.name = 'UnreadableFile';
    this.isMissing = isMissing;
  }
}

export const missingFile = () => new UnreadableFile('There is no such file.', true);
