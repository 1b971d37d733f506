/** Why work on a whole database does not happen, in sentences that say what to do. */
export class Refusal extends Error {
  readonly reason: Reason;

  constructor(reason: Reason, sentence: string) {
    super(sentence);
    this.name = 'Refusal';
    this.reason = reason;
  }
}

export type Reason = 'not_found' | 'conflict' | 'failed';
