/** Batches under way at once. A second one is sent while the first is on its way; later questions go with the third. */
const MAX_UNDER_WAY = 2;

/**
 * Turns many questions at once into few: those of one turn of the event loop, or those that arrive while others are
 * under way, are asked together. No question joins a batch that was sent before it, so no answer is older than its
 * question.
 * @param ask answers all of them, in their order
 */
export function batch<Question, Answer>(ask: (questions: Question[]) => Promise<Answer[]>) {
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
    const sent = waiting;
    waiting = [];
    underWay++;
    try {
      const answers = await ask(sent.map(({ question }) => question));
      for (const [index, { resolve }] of sent.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      for (const { reject } of sent) reject(error);
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
