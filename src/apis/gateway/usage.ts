import type { KeyId } from '../../lib/brand.ts';

/** Reads how many tokens an answer says that it took, without holding the answer. */
export type TokenReader = {
  push(chunk: Buffer): void;
  tokens(): Readonly<{ input: number; output: number }>;
};

/** One request, for the counts by key and model. */
export type ModelUse = Readonly<{
  /** 0 for a request without a key. */
  keyId: KeyId | 0;
  /** As the upstream calls it; empty when the request names none. */
  model: string;
  isFailure: boolean;
  /** An upstream that answers such a request knows the model. */
  asksModel: boolean;
  inputTokens: number;
  outputTokens: number;
}>;

export type ModelUsage = Readonly<{
  countModel(use: ModelUse): void;
  /** Undefined for an answer that names no tokens. */
  createTokenReader(contentType: string | undefined): TokenReader | undefined;
}>;
