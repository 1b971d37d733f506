import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { batch } from '../../src/lib/batch.ts';

type Sent = { questions: number[]; answer(): void; fail(error: Error): void };

/** Answers each question with its tenfold, when the test says so. */
function questioner() {
  const sent: Sent[] = [];
  const ask = batch(
    (questions: number[]) =>
      new Promise<number[]>((resolve, reject) => {
        sent.push({ questions, answer: () => resolve(questions.map((n) => n * 10)), fail: reject });
      }),
  );
  return { ask, sent };
}

test('questions of one turn are asked together, and each gets its own answer', async () => {
  const { ask, sent } = questioner();
  const answers = Promise.all([ask(1), ask(2), ask(1)]);
  await nextTurn();
  expect(sent.map(({ questions }) => questions)).toEqual([[1, 2, 1]]);
  sent[0]?.answer();
  expect(await answers).toEqual([10, 20, 10]);
});

test('a question is never answered by what was sent before it came up', async () => {
  const { ask, sent } = questioner();
  const first = ask(1);
  await nextTurn();
  const second = ask(1);
  await nextTurn();
  expect(sent).toHaveLength(2);
  sent[0]?.answer();
  expect(await first).toBe(10);
  let isAnswered = false;
  void second.then(() => {
    isAnswered = true;
  });
  await nextTurn();
  expect(isAnswered).toBe(false);
  sent[1]?.answer();
  expect(await second).toBe(10);
});

test('with two batches under way, the rest waits and then goes together', async () => {
  const { ask, sent } = questioner();
  void ask(1);
  await nextTurn();
  void ask(2);
  await nextTurn();
  const rest = Promise.all([ask(3), ask(4)]);
  await nextTurn();
  expect(sent.map(({ questions }) => questions)).toEqual([[1], [2]]);
  sent[1]?.answer();
  await nextTurn();
  await nextTurn();
  expect(sent.map(({ questions }) => questions)).toEqual([[1], [2], [3, 4]]);
  sent[2]?.answer();
  expect(await rest).toEqual([30, 40]);
});

test('a batch that fails fails for those alone who are in it', async () => {
  const { ask, sent } = questioner();
  const lost = Promise.allSettled([ask(1), ask(2)]);
  await nextTurn();
  sent[0]?.fail(new Error('gone'));
  expect((await lost).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const next = ask(3);
  await nextTurn();
  sent[1]?.answer();
  expect(await next).toBe(30);
});
