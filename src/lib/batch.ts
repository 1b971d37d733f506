/** A second batch is sent while the first one is on its way. Later questions wait for the third. */
const MAX_UNDER_WAY = 2;

/**
 * Collects questions into batches. Questions of one turn of the event loop are asked together, and so are questions that
 * arrive while two batches are on their way. A question never joins a batch that is already sent, so no answer is older
 * than its question.
 * @param ask answers all questions of a batch, in their order
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
