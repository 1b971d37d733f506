/** Batches under way at once. A second one is sent while the first is on its way; what comes then goes with the third. */
const MAX_UNDER_WAY = 2;

/**
 * Turns many questions at once into few: those that came up in one turn of the event loop, or while others were under
 * way, are asked together. None is asked together with one that was sent before it came up, so no answer is older than its
 * question.
 * @param ask answers all of them, in their order
 */
export function gathered<Question, Answer>(ask: (questions: Question[]) => Promise<Answer[]>) {
  type Waiting = { question: Question; resolve(answer: Answer): void; reject(error: unknown): void };
  let waiting: Waiting[] = [];
  let underWay = 0;
  let isScheduled = false;

  function schedule(): void {
    if (isScheduled || underWay >= MAX_UNDER_WAY || waiting.length === 0) return;
    isScheduled = true;
    setImmediate(send);
  }

  async function send(): Promise<void> {
    isScheduled = false;
    const batch = waiting;
    waiting = [];
    underWay++;
    try {
      const answers = await ask(batch.map(({ question }) => question));
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      underWay--;
      schedule();
    }
  }

  return (question: Question): Promise<Answer> =>
    new Promise((resolve, reject) => {
      waiting.push({ question, resolve, reject });
      schedule();
    });
}
