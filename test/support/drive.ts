/**
 * Sends requests over and over from several clients at once, until `stop`.
 * @param send resolves with the status, or with undefined when nothing was sent
 */
export function drive(clients: number, send: () => Promise<number | undefined>) {
  let answered = 0;
  let isOver = false;
  const failures: unknown[] = [];
  async function run(): Promise<void> {
    while (!isOver) {
      try {
        const status = await send();
        if (status === 200) answered++;
        else if (status !== undefined) failures.push(status);
      } catch (error) {
        failures.push(error);
      }
    }
  }
  const running = Array.from({ length: clients }, run);
  return {
    /** How many requests got a 200 so far. */
    answered: () => answered,
    /** @returns every other status, and every error */
    async stop(): Promise<unknown[]> {
      isOver = true;
      await Promise.all(running);
      return failures;
    },
  };
}
